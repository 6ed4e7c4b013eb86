"""How many looks were taken, and what the next one costs: each further look must convince more.

Source: LORD, levels based on recent discovery (Javanmard and Montanari 2018, Online rules for control of false
discovery rate and false discovery exceedance, Annals of Statistics 46(2)): the j-th test since the last discovery has
the level ``b0 * gamma_j``, where the gammas sum to 1. Here a discovery is a promotion, ``b0`` is 1 - confidence and
``gamma_j`` is 1 / (j (j + 1)): half of b0 for the first look, which is then a two-sided interval at the confidence.
"""

from schemas.errors import TrainingError
from schemas.gate import Gate


def level_of(look: int, policy: Gate) -> float:
    """The one-sided error of the look-th look since the last promotion or roll-back (the first is 1).

    >>> [round(level_of(look, Gate()), 5) for look in (1, 2, 3, 10)]
    [0.025, 0.00833, 0.00417, 0.00045]
    """
    if look < 1:
        raise TrainingError(f"look {look!r} is no look; the first is 1")
    paid = look if policy.looks.correction == "online_fdr" else 1
    return (1 - policy.confidence) / (paid * (paid + 1))
