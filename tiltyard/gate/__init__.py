"""Gate: whether a challenger becomes champion, and how many more labels the decision needs.

:func:`evaluate` runs every check on one set of rows and decides; :mod:`~tiltyard.gate.triggers` says when to.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from tiltyard.gate.decision import Judgement as Judgement
    from tiltyard.gate.decision import evaluate as evaluate
    from tiltyard.gate.disagreement_sampling import disagreement_mask as disagreement_mask
    from tiltyard.gate.inputs import CheckContext as CheckContext
    from tiltyard.gate.inputs import ModelUnderTest as ModelUnderTest
    from tiltyard.gate.triggers import GateHistory as GateHistory
    from tiltyard.gate.triggers import approval_status as approval_status
    from tiltyard.gate.triggers import next_look as next_look

HOMES: Final = {
    "CheckContext": "inputs",
    "GateHistory": "triggers",
    "Judgement": "decision",
    "ModelUnderTest": "inputs",
    "approval_status": "triggers",
    "disagreement_mask": "disagreement_sampling",
    "evaluate": "decision",
    "next_look": "triggers",
}
"""Public names and their modules, imported on first use: some need scikit-learn, which takes a second to import."""

__all__ = [
    "CheckContext",
    "GateHistory",
    "Judgement",
    "ModelUnderTest",
    "approval_status",
    "disagreement_mask",
    "evaluate",
    "next_look",
]


def __getattr__(name: str) -> Any:
    """A public name of the room."""
    if name not in HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{HOMES[name]}"), name)
