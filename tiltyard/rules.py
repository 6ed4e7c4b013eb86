"""The names under which older versions stored classes, such as ``tiltyard.rules.bounds.Bounded``.

Nothing imports this module but the archives of old models, by name. Python looks a submodule up in ``sys.modules`` as
soon as its parent is imported, so this file stands for the whole former package, as ``os`` does for ``os.path``.
"""

import sys
from typing import Final

from tiltyard import model_classes

FORMER: Final = ("boosting", "bounds", "vocabulary")
"""The former modules that stored models name."""

sys.modules.update({f"{__name__}.{name}": model_classes for name in FORMER})
