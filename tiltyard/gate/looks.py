"""How many looks were taken, and what the next one costs: each further look must convince more.

Source: online control of the false discovery rate. The j-th test that counts since the last discovery has the level
``b0 * gamma_j``, where the gammas sum to 1 (LORD: Javanmard and Montanari 2018, Annals of Statistics 46(2)), and a
test that came close costs later ones nothing (SAFFRON: Ramdas, Zrnic, Wainwright and Jordan 2018, ICML). Here a
discovery is a promotion, ``b0`` is 1 - confidence and ``gamma_j`` is 1 / (j (j + 1)): half of b0 for the first look,
which is then a two-sided interval at the confidence. Decision 0030 says what is promised.
"""

from typing import Final

from tiltyard.schemas.errors import TrainingError
from tiltyard.schemas.project import Gate

CLOSE: Final = 0.1
"""A look came close where a one-sided error of this would have let the challenger pass: others do not pay for it."""


def level_of(look: int, policy: Gate) -> float:
    """The one-sided error of a look; ``look`` is 1 more than the looks that count since the last move of the champion.

    >>> [round(level_of(look, Gate()), 5) for look in (1, 2, 3, 10)]
    [0.025, 0.00833, 0.00417, 0.00045]
    """
    if look < 1:
        raise TrainingError(f"look {look!r} is no look; the first is 1")
    paid = look if policy.looks.correction == "online_fdr" else 1
    return (1 - policy.confidence) / (paid * (paid + 1))
