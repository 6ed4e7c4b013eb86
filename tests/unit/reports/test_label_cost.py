"""What labels cost, and whose decisions differ: small rules of the pages."""

from typing import Any, cast

import numpy as np
import pytest

from tiltyard.evaluation.predictions import Predictions, count_correct_flips, decision_flips
from tiltyard.reports.check_groups import REST, group_checks, group_question
from tiltyard.reports.label_value import label_costs
from tiltyard.reports.verdict_summary import plain
from tiltyard.schemas.records import Annotation, Check

CHECKS = [
    "labels", "classes", "floor macro_f1", "watch", "overlap", "metric", "gain", "looks", "freshness", "same content",
    "near duplicates", "entity", "constant", "dominance", "slices", "perturbation", "perturbation against champion",
    "calibration", "calibration against champion", "churn", "size", "latency", "latency against champion",
]  # fmt: skip
"""The name of every check that a gate can ask."""


class Given:
    """An annotation as far as its cost goes."""

    def __init__(self, act: str, label: str | None, lead_ms: int | None) -> None:
        """What was done, said, and how long it took."""
        self.act, self.label, self.lead_ms = act, label, lead_ms


def given(*annotations: tuple[str, str | None, int | None]) -> list[Annotation]:
    return cast(list[Annotation], [Given(*one) for one in annotations])


def test_the_cost_of_labels_is_the_median_times_their_number() -> None:
    costs = label_costs(
        given(("label", "no", 1000), ("label", "no", 3000), ("label", "no", 7_200_000), ("adjudicate", "yes", 9000),
              ("label", "yes", None), ("skip", None, 50_000)),
        ["no", "yes", "never"],
    )  # fmt: skip
    assert [(one.label, one.labels, one.timed, one.seconds) for one in costs] == [
        (None, 5, 4, 6.0),
        ("yes", 2, 1, 9.0),
        ("no", 3, 3, 3.0),
    ]
    assert costs[0].hours == pytest.approx(4 * 6 / 3600)
    assert costs[0].sentence.startswith("4 of 5 labels were timed: 6.0 seconds each (median), 24 seconds of work.")


def test_a_few_timed_labels_say_nothing_about_the_many_that_arrived_with_data() -> None:
    (everything, _) = label_costs(given(*[("label", "no", 100)] * 3, *[("label", "no", None)] * 3296), ["no"])
    assert everything.sentence == (
        "3 of 3,299 labels were timed: 0.1 seconds each (median), under 1 second of work. "
        "The others have no recorded time."
    )


def test_labels_without_a_time_have_no_cost() -> None:
    (everything, no) = label_costs(given(("label", "no", None)), ["no"])
    assert (everything.seconds, everything.hours, no.hours, everything.time) == (None, None, None, "")
    assert everything.sentence == "None of 1 labels was timed, so their cost is not known."


@pytest.mark.parametrize("name", CHECKS)
def test_every_check_answers_a_question(name: str) -> None:
    assert group_question(name) != REST


def test_no_check_is_lost_and_the_gravest_outcome_stands_for_its_group() -> None:
    outcomes: list[Any] = ["pass", "undecided", "fail"]
    checks = [Check(name, outcomes[place % 3], None, None, "") for place, name in enumerate([*CHECKS, "tea"])]
    groups = group_checks(checks)
    assert sorted(check.name for group in groups for check in group.checks) == sorted([*CHECKS, "tea"])
    assert groups[-1].question == REST
    assert [group.worst for group in group_checks(checks[:1])] == ["pass"]
    assert [group.against for group in group_checks([checks[1], checks[0], checks[7]])] == [2]


def said(*decisions: str) -> Predictions:
    return Predictions(np.zeros((len(decisions), 3)), np.array(decisions), ("a", "b", "c"), "c")


def test_flips_say_who_was_right_and_weigh() -> None:
    labels = np.array(["a", "a", "a", "a"])
    found = decision_flips(labels, said("a", "a", "b", "b"), said("a", "b", "a", "c"))
    assert [(flip.place, flip.right) for flip in found] == [(1, "champion"), (2, "challenger"), (3, "neither")]
    assert count_correct_flips(found, np.array([1.0, 5.0, 2.0, 3.0])) == {"challenger": 2, "champion": 5, "neither": 3}


@pytest.mark.parametrize("text", ["<script>", "a|b", "[x](y)", "`code`", "**bold**", "line\nbreak"])
def test_markdown_shows_text_as_it_is(text: str) -> None:
    from markdown_it import MarkdownIt

    html = MarkdownIt("commonmark", {"html": True}).enable("table").render(f"| {plain(text)} |\n| --- |\n")
    assert not {"<script", "<a ", "<code", "<strong"} & {
        part for part in ("<script", "<a ", "<code", "<strong") if part in html
    }
    assert html.count("<th>") == 1
