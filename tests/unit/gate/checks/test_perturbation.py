"""Small changes of the inputs: seeded by cell, within the contract; and the decisions that flip under them."""

from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.projects.examined_models import examined, small, small_rows, truth
from tiltyard.gate.checks.robustness import add_typos, perturb, robustness
from tiltyard.schemas.project import Project

EVERYTHING = {
    "x": {"kind": "number", "min": -1, "max": 1},
    "n": {"kind": "integer"},
    "c": {"kind": "category"},
    "t": {"kind": "text"},
    "b": {"kind": "boolean", "missing": False},
}


def mixed(**how: float) -> tuple[pl.DataFrame, Project]:
    rng = np.random.default_rng(0)
    project = small({"perturbation": how}, columns={"features": EVERYTHING, "reference": ["row_id"]})
    rows = pl.DataFrame(
        {
            "sample_id": [f"{number * 2**100:032x}" for number in range(500)],
            "x": np.clip(rng.normal(0, 0.5, 500), -1, 1),
            "n": rng.integers(0, 1000, 500),
            "c": rng.choice(["a", "b"], 500),
            "t": ["where is the card that I ordered last week"] * 500,
            "b": rng.random(500) < 0.5,
            "row_id": [str(number) for number in range(500)],
        }
    )
    return rows, project


def test_the_same_cell_changes_alike_in_any_order_and_other_seeds_differ() -> None:
    rows, project = mixed(noise=0.1, typos=0.05, missing=0.1)
    once, order = perturb(rows, project, 3), np.random.default_rng(1).permutation(500)
    # The noise's size is the column's own spread, whose last bits depend on the order of the rows.
    again = perturb(rows[order], project, 3).with_columns(pl.col("x").round(9))
    assert again.equals(once[order].with_columns(pl.col("x").round(9)))
    assert not once.equals(perturb(rows, project, 4))


def test_each_kind_changes_in_its_own_way_and_within_its_limits() -> None:
    rows, project = mixed(noise=0.1, typos=0.05, missing=0.0)
    changed = perturb(rows, project, 3)
    assert changed.schema == rows.schema
    assert (changed["x"] != rows["x"]).mean() > 0.9  # type: ignore[operator]  # a share
    assert changed["x"].is_between(-1, 1).all()
    assert 0.03 < (changed["x"] - rows["x"]).std() / rows["x"].std() < 0.12  # type: ignore[operator]  # numbers
    assert (changed["n"] != rows["n"]).any()
    assert changed["c"].equals(rows["c"])
    assert changed["b"].equals(rows["b"])
    assert (changed["t"] != rows["t"]).mean() == pytest.approx(1 - 0.95**42, abs=0.1)
    assert changed["row_id"].equals(rows["row_id"])


def test_cells_are_emptied_only_where_they_may_be() -> None:
    rows, project = mixed(noise=0.0, typos=0.0, missing=0.1)
    changed = perturb(rows, project, 3)
    shares = {name: changed[name].null_count() / 500 for name in EVERYTHING}
    assert shares.pop("b") == 0
    assert all(share == pytest.approx(0.1, abs=0.04) for share in shares.values())
    assert changed.drop_nulls().equals(rows.filter(~pl.any_horizontal(changed[name].is_null() for name in EVERYTHING)))


def test_no_change_asked_is_no_change() -> None:
    rows, project = mixed(noise=0, typos=0, missing=0)
    assert perturb(rows, project, 3).equals(rows)


@given(st.text(max_size=80), st.floats(0, 1), st.integers(0, 2**64 - 1))
def test_mistyping_is_repeatable_and_stays_near(text: str, share: float, seed: int) -> None:
    once = add_typos(text, share, seed)
    assert once == add_typos(text, share, seed)
    assert len(once) <= 2 * len(text)
    assert add_typos(text, 0, seed) == text


def steady(frame: Any) -> Any:
    return np.where(frame["x"] > 0, 0.9, 0.1)


def nervous(frame: Any) -> Any:
    """Decides by the third decimal of a number."""
    return np.where((frame["x"] * 1000).fillna(0).astype(int) % 2, 0.9, 0.1)


def test_a_nervous_model_fails_beside_a_steady_champion() -> None:
    found = robustness(examined(nervous, steady, project=small()), small())
    (check,) = found.checks
    assert (check.name, check.outcome) == ("perturbation against champion", "fail")
    told = found.evidence["perturbation"]
    assert told["challenger"]["flips"] == pytest.approx(0.5, abs=0.1)
    assert told["champion"]["flips"] < 0.05
    assert f"{told['challenger']['flips']:.1%} of the decisions flip" in check.why


def test_a_steady_model_passes_beside_a_nervous_one_and_in_itself() -> None:
    project = small({"perturbation": {"most_flips": 0.1}})
    assert [one.outcome for one in robustness(examined(steady, nervous, project=project), project).checks] == [
        "pass"
    ] * 2


def test_flips_alone_may_be_limited() -> None:
    project = small({"perturbation": {"most_flips": 0.1, "most_more_flips": None}})
    (check,) = robustness(examined(nervous, nervous, project=project), project).checks
    assert (check.name, check.outcome) == ("perturbation", "fail")


def test_a_first_champion_is_only_told_about() -> None:
    found = robustness(examined(nervous, None, project=small()), small())
    assert found.checks == ()
    assert found.evidence["perturbation"]["champion"] is None


def test_many_rows_are_sampled() -> None:
    rows = small_rows(2500, seed=1)
    assert robustness(examined(truth, project=small(), rows=rows), small()).evidence["perturbation"]["rows"] == 2000


def test_where_no_change_is_asked_nothing_is_predicted() -> None:
    project = small({"perturbation": {"noise": 0, "typos": 0, "missing": 0}})
    assert robustness(examined(nervous, steady, project=project), project).evidence == {}
