"""The classes that a stored model may hold, by the names under which archives store them.

These names are part of the stored format. A class can move to another module; its stored name stays, because the class
sets ``__module__`` to this module. A new class of a stored model is exported here and listed in ``TRUSTED`` of
:mod:`tiltyard.stores.registry.serialization`.
"""

from tiltyard.samples.numeric_bounds import Bounded
from tiltyard.training.boosting.candidates import Boosted
from tiltyard.training.tfidf import CompactTfidfVectorizer

__all__ = ["Boosted", "Bounded", "CompactTfidfVectorizer"]
