"""What each further look at a challenger costs, how many more labels the gate needs, and where to draw them.

Source: online control of the false discovery rate. The j-th test that counts since the last discovery has the level
``b0 * gamma_j``, where the gammas sum to 1 (LORD: Javanmard and Montanari 2018, Annals of Statistics 46(2)), and a
test that came close costs later ones nothing (SAFFRON: Ramdas, Zrnic, Wainwright and Jordan 2018, ICML). Here a
discovery is a promotion, ``b0`` is 1 - confidence and ``gamma_j`` is 1 / (j (j + 1)): half of b0 for the first look,
which is then a two-sided interval at the confidence (decision 0030).
"""

import math
from typing import Final, Literal

from scipy.stats import norm

from tiltyard.evaluation.paired_comparison import Comparison
from tiltyard.gate.inputs import Evidence
from tiltyard.schemas.errors import TrainingError
from tiltyard.schemas.project import Gate
from tiltyard.schemas.records import Check, Interval

CLOSE: Final = 0.1
"""A look came close where a one-sided error of this would have let the challenger pass: others do not pay for it."""


def significance_level(look: int, policy: Gate) -> float:
    """The one-sided error of a look; ``look`` is 1 more than the looks that count since the last move of the champion.

    >>> [round(significance_level(look, Gate()), 5) for look in (1, 2, 3, 10)]
    [0.025, 0.00833, 0.00417, 0.00045]
    """
    if look < 1:
        raise TrainingError(f"look must be at least 1, got {look!r}")
    paid = look if policy.looks.correction == "online_fdr" else 1
    return (1 - policy.confidence) / (paid * (paid + 1))


SamplingPlace = Literal["disagreement", "chance", ""]

MOST_WANTED: Final = 9
"""At most this many times the present labels are asked for at once: a plan, not a promise."""

POWER: Final = 0.8
"""With which chance a gain that is as it looks is to pass once the labels are there."""

FEWEST_DRAWN: Final = 10
"""The smallest number of rows from which a sample size is extrapolated."""


def lower_limit(policy: Gate) -> float:
    """What the gain's lower bound must exceed."""
    return policy.minimum_gain if policy.rule == "superior" else 0.0 - policy.margin


def labels_to_request(
    evidence: Evidence, policy: Gate, compared: Comparison, checks: tuple[Check, ...]
) -> tuple[int, SamplingPlace]:
    """How many more evaluation labels would help to decide, and where to draw them.

    0 for a promotion and if a check failed, because more labels would not change that. At random while there are too
    few to decide on, a class or a slice is missing, or there is no champion; else where the models disagree, because
    only there can one be better.
    """
    rows = len(evidence.labels)
    outcomes = {check.name: check.outcome for check in checks}
    if rows < policy.minimum_labels:
        return policy.minimum_labels - rows, "chance"
    if "fail" in outcomes.values() or "undecided" not in outcomes.values():
        return 0, ""
    if evidence.champion is None or outcomes["gain"] != "undecided" or outcomes["classes"] != "pass":
        return rows, "chance"
    if evidence.strata and evidence.strata.undersampled:
        return _for_thin(evidence.strata.undersampled[-1], evidence.strata.sizes)
    if not evidence.disagreement:
        return required_sample_size(rows, compared.gain, policy, evidence.look), "chance"
    return _at_the_disagreement(evidence, policy, compared)


def _for_thin(stratum: int, sizes: tuple[int, ...]) -> tuple[int, SamplingPlace]:
    """The labels for a stratum that has too few; the last one is where the models disagree."""
    return min(sizes[stratum], FEWEST_DRAWN), "disagreement" if stratum == len(sizes) - 1 else "chance"


def _at_the_disagreement(evidence: Evidence, policy: Gate, compared: Comparison) -> tuple[int, SamplingPlace]:
    """The labels where the models disagree; random ones once all of those rows are labeled, if that can help."""
    strata, drawable = evidence.strata, evidence.drawable
    base = compared.carried_by if strata is None else float(strata.counts[-1])
    if drawable is None and strata is not None:
        drawable = strata.sizes[-1] - int(strata.counts[-1])
    wanted = required_sample_size(max(math.ceil(base), FEWEST_DRAWN), compared.gain, policy, evidence.look)
    if drawable is None or drawable > 0:
        return wanted if drawable is None else min(wanted, drawable), "disagreement"
    if policy.metric == "accuracy":  # rows that are decided alike cannot change a difference of accuracies
        return 0, ""
    return required_sample_size(len(evidence.labels), compared.gain, policy, evidence.look), "chance"


def required_sample_size(rows: int, gain: Interval | None, policy: Gate, look: int = 1) -> int:
    """How many more rows would bring the lower bound above the limit at the next look, were the gain as it looks now.

    An interval's width shrinks with the root of the number of rows; the next look is stricter, and a gain that is
    really there is to pass it with a chance of ``POWER`` (the usual formula for a sample's size, Cohen 1988). Where the
    gain looks too small, or is unknown, as many again are asked for; never more than ``MOST_WANTED`` times the rows.

    >>> required_sample_size(100, Interval(0.03, -0.01, 0.07), Gate())
    385
    """
    limit = lower_limit(policy)
    if gain is None or gain.value <= limit:
        return rows
    now, then = (float(norm.isf(significance_level(number, policy))) for number in (look, look + 1))
    reach = (gain.value - gain.low) * (then + float(norm.ppf(POWER))) / now
    narrower = min(reach / (gain.value - limit), float(1 + MOST_WANTED))
    needed = rows * narrower**2
    return min(max(1, math.ceil(round(needed - rows, 6))), MOST_WANTED * rows)
