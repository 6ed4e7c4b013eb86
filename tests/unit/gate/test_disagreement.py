"""Labels drawn where two models differ: who may speak, for how many, and that the gain stays unbiased."""

import numpy as np
import polars as pl
import pytest

from tiltyard.evaluation.paired_comparison import Bootstrap, compare
from tiltyard.evaluation.predictions import Predictions
from tiltyard.evaluation.strata import weights_of
from tiltyard.gate.disagreement_sampling import FAR, disagreement_budget, disagreement_mask, usable_labels

NAMES = ("no", "yes")


def says(sure: list[float]) -> Predictions:
    """A model of two classes with the threshold in the middle."""
    yes = np.asarray(sure)
    return Predictions(np.column_stack([1 - yes, yes]), np.where(yes > 0.5, "yes", "no"), NAMES, "yes")


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        ("accuracy", [False, True, False, False]),
        ("macro_f1", [False, True, False, False]),
        ("roc_auc", [False, True, True, False]),
        ("log_loss", [False, True, True, False]),
        ("a.module:of_my_own", [False, True, True, False]),
    ],
)
def test_a_metric_of_decisions_sees_decisions_and_one_of_probabilities_sees_both(
    metric: str, expected: list[bool]
) -> None:
    champion, challenger = says([0.9, 0.48, 0.7, 0.2]), says([0.9, 0.52, 0.9, 0.2 + FAR / 2])
    assert disagreement_mask(metric, champion, challenger).tolist() == expected


def test_no_rows_differ_where_there_are_none() -> None:
    assert disagreement_mask("brier", says([]), says([])).tolist() == []


def lines(*rows: tuple[str | None, float | None, int | None, bool | None]) -> pl.DataFrame:
    """Labeled rows: drawn, order, batch, differs."""
    schema = {"drawn": pl.String, "order": pl.Float64, "batch": pl.Int64, "differs": pl.Boolean}
    return pl.DataFrame(rows, schema=schema, orient="row")


@pytest.mark.parametrize(
    ("labeled", "differ", "speaks", "strata"),
    [
        # Chance alone: a plain random sample, wherever the models differ.
        (lines(("chance", 0.1, 0, True), ("chance", 0.2, 0, False)), 5, [1, 1], None),
        # A label that arrived by itself speaks, and opens nothing to others.
        (lines((None, 0.9, 0, False), ("elsewhere", 0.5, 0, True)), 5, [1, 0], None),
        # What was asked for another pair speaks up to where chance has come in its own batch.
        (
            lines(("chance", 0.3, 0, False), ("elsewhere", 0.2, 0, False), ("elsewhere", 0.4, 0, False)),
            5,
            [1, 1, 0],
            None,
        ),
        (lines(("chance", 0.3, 0, False), ("elsewhere", 0.2, 1, False)), 5, [1, 0], None),
        # What was asked for this pair speaks; what another pair asked for among these rows, up to the same number.
        (
            lines(
                ("chance", 0.1, 0, False),
                ("here", 0.5, 0, True),
                ("elsewhere", 0.4, 0, True),
                ("elsewhere", 0.6, 0, True),
                ("elsewhere", 0.4, 0, False),
            ),
            5,
            [1, 1, 1, 0, 0],
            [0, 1, 1],
        ),
        # Rows outside of the population speak only in a plain sample.
        (lines(("chance", None, None, None), ("chance", 0.1, 0, False)), 5, [1, 1], None),
        (lines(("chance", None, None, None), ("chance", 0.1, 0, False), ("here", 0.3, 0, True)), 5, [0, 1, 1], [0, 1]),
        # All rows on which they differ are labeled: nothing is left to chance, whoever asked for them.
        (
            lines(("chance", 0.1, 0, False), ("elsewhere", 0.9, 0, True), ("chance", 0.05, 0, True)),
            2,
            [1, 1, 1],
            [0, 1, 1],
        ),
        # Labels drawn for this pair that chance has reached by now make no difference any more.
        (lines(("chance", 0.6, 0, False), ("here", 0.5, 0, True)), 5, [1, 1], None),
    ],
)  # fmt: skip
def test_labels_speak_only_where_they_do_not_favour_hard_rows(
    labeled: pl.DataFrame, differ: int, speaks: list[int], strata: list[int] | None
) -> None:
    found = usable_labels(labeled, 100, differ)
    assert found.rows.cast(pl.Int64).to_list() == speaks
    assert (found.strata.of.tolist() if found.strata else None) == strata
    assert found.by_chance <= sum(speaks)
    if found.strata:
        assert found.strata.sizes == (100 - differ, differ)


def one_project(rng: np.random.Generator, rows: int, chance: int, drawn: int) -> tuple[float, float, float, int]:
    """The gain of a challenger over a whole population and as labels drawn where they differ estimate it; labels.

    A third model differed from the champion too, and labels were drawn where it did: these rows are hard.
    """
    truth = rng.random(rows) < 0.5
    hard = rng.random(rows) < 0.15
    wrong = [hard & (rng.random(rows) < p) for p in (0.6, 0.4, 0.5)]
    champion, challenger, third = (says(np.where(truth ^ w, 0.9, 0.1).tolist()) for w in wrong)
    order, differs = rng.random(rows), disagreement_mask("accuracy", champion, challenger)
    frame = pl.DataFrame({"order": order, "batch": rng.integers(2, size=rows), "differs": differs})
    asked = np.full(rows, None, dtype=object)
    other = np.flatnonzero(disagreement_mask("accuracy", champion, third))
    asked[other[np.argsort(order[other])][:drawn]] = "elsewhere"
    by_chance = np.flatnonzero(asked == None)  # noqa: E711  # element by element
    asked[by_chance[np.argsort(order[by_chance])][:chance]] = "chance"
    open_rows = np.flatnonzero(differs & (asked == None))  # noqa: E711  # likewise
    asked[open_rows[np.argsort(order[open_rows])][:drawn]] = "here"
    known = np.flatnonzero(asked != None)  # noqa: E711  # likewise
    labeled = frame[known].with_columns(drawn=pl.Series(asked[known].tolist(), dtype=pl.String))
    found = usable_labels(labeled, rows, int(differs.sum()))
    spoken = known[found.rows.to_numpy()]
    assert found.strata is not None
    yes = np.where(truth, "yes", "no")
    gain = (challenger.decisions == yes).astype(float) - (champion.decisions == yes).astype(float)
    weights = weights_of(found.strata)
    naive = float(gain[known].mean())
    return float(gain.mean()), float((gain[spoken] * weights).sum() / rows), naive, len(spoken)


def test_the_gain_is_unbiased_whatever_was_drawn_before_for_others() -> None:
    rng = np.random.default_rng(1)
    told = np.array([one_project(rng, 2000, 60, 25) for _ in range(400)])
    true, stratified, naive, labels = told.T
    error = stratified - true
    assert abs(error.mean()) < 3 * error.std() / np.sqrt(len(error))
    # To look at all labels as if they were a random sample would be far off: drawn rows are where models differ.
    assert abs((naive - true).mean()) > 10 * abs(error.mean())
    # Beside as many labels drawn by chance alone, the error is a fraction.
    by_chance = np.sqrt(0.15 * 0.48 / labels.mean())
    assert error.std() < by_chance / 2


def test_compare_takes_what_the_rows_stand_for() -> None:
    """All rows on which they differ are labeled: the gain is exact."""
    champion, challenger = says([0.1] * 10 + [0.1] * 4), says([0.1] * 10 + [0.9] * 4)
    labels = np.array(["no"] * 10 + ["yes"] * 3 + ["no"])
    found = usable_labels(lines(*[("chance", 0.1, 0, False)] * 10, *[("elsewhere", 0.9, 0, True)] * 4), 1000, 4)
    compared = compare("accuracy", labels, champion, challenger, Bootstrap(resamples=200), found.strata)
    assert compared.gain is not None
    assert compared.gain.value == pytest.approx((3 - 1) / 1000)


@pytest.mark.parametrize(
    ("wanted", "free", "by_share", "room"),
    [(0, 60, 15, 0), (5, 60, 15, 5), (99, 60, 15, 22), (9, 1, 1, 0), (9, 2, 5, 0)],
)
def test_a_question_never_takes_more_than_half_of_what_is_left(
    wanted: int, free: int, by_share: int, room: int
) -> None:
    assert disagreement_budget(wanted, free, by_share) == room
