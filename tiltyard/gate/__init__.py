"""Gate: whether a challenger becomes champion, and how many more labels the decision needs.

:func:`evaluate` runs every check on one set of rows and decides; :mod:`~tiltyard.gate.triggers` says when to.
"""

from typing import TYPE_CHECKING

from tiltyard.schemas.lazy import lazy_exports

if TYPE_CHECKING:
    from tiltyard.gate.decision import Judgement, evaluate
    from tiltyard.gate.disagreement_sampling import disagreement_mask
    from tiltyard.gate.inputs import CheckContext, ModelUnderTest
    from tiltyard.gate.triggers import GateHistory, approval_status, next_look
else:
    # Some need scikit-learn, which takes a second to import.
    __getattr__ = lazy_exports(
        __name__,
        {
            "CheckContext": "inputs",
            "GateHistory": "triggers",
            "Judgement": "decision",
            "ModelUnderTest": "inputs",
            "approval_status": "triggers",
            "disagreement_mask": "disagreement_sampling",
            "evaluate": "decision",
            "next_look": "triggers",
        },
    )

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
