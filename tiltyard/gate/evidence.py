"""What the gate sees."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tiltyard.evaluation.predictions import Predictions
from tiltyard.evaluation.strata import Strata
from tiltyard.gate.findings import Findings


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What the gate sees: n evaluation rows with effective labels, both models' predictions for them.

    ``overlap`` is how many of these rows stand in either model's training set. ``look`` counts the judgings since the
    last promotion or roll-back, this one among them; ``looks_at_challenger`` those of this challenger. ``strata`` says
    what the rows stand for where labels were drawn at the disagreement; ``findings`` are the other families' checks.
    ``disagreement`` is whether labels can be asked for where the models disagree, ``drawable`` on how many rows of the
    population they do and no label is known; None where nobody counted. ``units`` (n,) says whose each row is, where
    rows of one entity are drawn together.
    """

    labels: NDArray[np.str_]
    challenger: Predictions
    champion: Predictions | None
    overlap: int
    look: int = 1
    looks_at_challenger: int = 1
    seed: int = 0
    strata: Strata | None = None
    findings: Findings = field(default_factory=Findings)
    disagreement: bool = True
    drawable: int | None = None
    units: NDArray[np.str_] | None = None
