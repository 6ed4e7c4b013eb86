"""How good annotators are: what was planted is found, gold is counted, and the bad one ranks last."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.projects.voices import planted, table, voice
from tiltyard.labels.active_annotations import AnyAnnotation
from tiltyard.labels.annotator_quality import annotator_quality, consensus_quality
from tiltyard.labels.dawid_skene import LIGHTEST, annotator_accuracies, annotator_weights
from tiltyard.schemas.records import Annotation, AnnotationId, SampleId, Vote

ACCURACIES = {"ada": 0.9, "bea": 0.85, "cleo": 0.8, "dora": 0.4}
"""dora is the bad one."""


def annotation(one: Vote, lead_ms: int | None = None) -> Annotation:
    return Annotation(
        **(one._asdict() | {"seq": 0, "origin": "queue"}), client_key=one.annotation_id, note="", assignment_id=None,
        strategy="margin",
        score=None, probability=None, model_id=None, suggestion=None, suggestion_visible=False, payload={},
        payload_hash="h", contract_hash="c", lead_ms=lead_ms, late=False, recorded_at=one.said_at,
    )  # fmt: skip


def test_accuracies_are_found_without_knowing_the_truth() -> None:
    voices, _ = planted(ACCURACIES, 1500, "abcd", share=0.8)
    found = annotator_accuracies(voices)
    assert found == pytest.approx(ACCURACIES, abs=0.04)
    weights = annotator_weights(voices)
    assert sorted(weights, key=weights.__getitem__) == ["dora", "cleo", "bea", "ada"]
    assert weights["ada"] == pytest.approx(np.log(found["ada"] * 3 / (1 - found["ada"])))


def test_a_newcomer_with_three_answers_is_neither_sure_nor_lost() -> None:
    voices, truth = planted(ACCURACIES, 300)
    wrong = {"a": "b", "b": "c", "c": "a"}
    first = list(truth.items())[:3]
    right = [voice(9000 + n, "nia", label, sample) for n, (sample, label) in enumerate(first)]
    poor = [voice(9100 + n, "oto", wrong[label], sample) for n, (sample, label) in enumerate(first)]
    found = annotator_accuracies([*voices, *right, *poor])
    assert 0.8 < found["nia"] < 0.88
    assert 0.58 < found["oto"] < 0.8


def test_samples_of_one_annotator_inform_nobody() -> None:
    found = annotator_accuracies(table({"ada": "xyxyxy......", "bea": "......xyxyxy"}))
    assert found == {"ada": 0.8, "bea": 0.8}


@pytest.mark.parametrize("purpose", ["query", "gold"])
def test_an_adjudication_tells_two_annotators_apart(purpose: str) -> None:
    said = [voice(n, who, label, f"{n % 10}", purpose=purpose) for n, (who, label) in enumerate(
        [("ada", "x")] * 10 + [("bea", "y")] * 10)]  # fmt: skip
    equal = annotator_accuracies(said)
    assert equal["ada"] == equal["bea"]
    rulings = [voice(100 + n, "dora", "x", f"{n}", act="adjudicate") for n in range(10)]
    assert annotator_accuracies([*said, *rulings]) == {"ada": 0.9, "bea": 0.4}  # (8 + 10) / 20 and (8 + 0) / 20


def test_an_adjudicator_does_not_prove_oneself_right() -> None:
    said = [voice(n, "lea", "x", f"{n}") for n in range(9)]
    ruled = [voice(100 + n, "lea", "x", f"{n}", act="adjudicate") for n in range(9)]
    assert annotator_accuracies([*said, *ruled]) == {"lea": 0.8}


@given(st.integers(0, 1000))
def test_samples_that_nobody_shares_change_no_weight(seed: int) -> None:
    voices, _ = planted({"ada": 0.9, "bea": 0.6, "cleo": 0.5}, 12, share=0.5, seed=seed)
    alone = [voice(5000 + n, "ada", label, f"alone {n}") for n, label in enumerate("abcdef")]
    together = annotator_weights([*voices, *alone])
    assert {name: together[name] for name in annotator_weights(voices)} == annotator_weights(voices)


def test_no_better_than_chance_still_weighs_a_little() -> None:
    said = [voice(n, "bea", "y", f"{n}", purpose="gold") for n in range(50)]
    rulings = [voice(100 + n, "dora", "x", f"{n}", act="adjudicate") for n in range(50)]
    assert annotator_weights([*said, *rulings]) == {"bea": LIGHTEST}
    assert annotator_weights([]) == {}


@settings(max_examples=30)
@given(st.integers(0, 1000), st.randoms(use_true_random=False))
def test_weights_do_not_depend_on_arrival(seed: int, random: object) -> None:
    voices, _ = planted({"ada": 0.9, "bea": 0.6, "cleo": 0.5}, 12, share=0.7, seed=seed)
    shuffled: list[AnyAnnotation] = list(voices)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis gives a random.Random
    assert annotator_weights(shuffled) == annotator_weights(voices)


def test_what_the_lead_sees_of_each_annotator() -> None:
    voices = table({"ada": "xxyy.", "bea": "xyyyx", "cleo": "x.y.."})
    asked = [voice(50, "ada", "x", "g1", purpose="gold"), voice(51, "ada", "y", "g2", purpose="gold")]
    asked += [voice(52, "lea", "x", "g1", act="adjudicate"), voice(53, "lea", "x", "g2", act="adjudicate")]
    ruled = voice(54, "lea", "y", "00001", act="adjudicate")
    ada, bea, cleo = annotator_quality([*voices, *asked, ruled])
    assert [one.annotator for one in (ada, bea, cleo)] == ["ada", "bea", "cleo"]
    assert (ada.answers, ada.agrees.right, ada.agrees.cases) == (4, 3, 4)
    assert (bea.answers, bea.agrees.right, bea.agrees.cases) == (5, 4, 4)  # nobody else answered the fifth
    assert (ada.gold.right, ada.gold.cases) == (1, 2)
    assert (bea.gold.cases, bea.gold.value) == (0, None)
    assert cleo.answers == 2
    assert ada.confusion == {"x": {"x": 1}, "y": {"x": 1, "y": 2}}
    assert ada.weight < bea.weight


def test_the_bad_annotator_ranks_last_by_every_measure() -> None:
    voices, truth = planted(ACCURACIES, 300)
    gold = [replace(annotation(one), purpose="gold", sample_id=SampleId(f"g{one.sample_id}"),
                    annotation_id=AnnotationId(f"g{one.annotation_id}")) for one in voices[:400]]  # fmt: skip
    rulings = [voice(9000 + n, "lea", label, f"g{sample}", act="adjudicate")
               for n, (sample, label) in enumerate(truth.items())]  # fmt: skip
    found = annotator_quality([*map(annotation, voices), *gold, *map(annotation, rulings)])
    assert min(found, key=lambda one: one.agrees.value or 0).annotator == "dora"
    assert min(found, key=lambda one: one.gold.value or 0).annotator == "dora"
    assert min(found, key=lambda one: one.weight).annotator == "dora"
    quality = consensus_quality(voices, {}).annotators
    assert min(quality, key=quality.__getitem__) == "dora"
    assert set(quality) == set(ACCURACIES)


def test_the_consensus_of_each_sample_and_its_quality() -> None:
    voices, truth = planted(ACCURACIES, 200, share=0.9)
    some = list(truth.items())[:150]
    predicted = {sample: {name: 0.8 if name == label else 0.1 for name in "abc"} for sample, label in some}
    found = consensus_quality(voices, predicted)
    assert set(found.samples) == {one.sample_id for one in voices}
    right = np.array([label == truth[sample] for sample, (label, _) in found.samples.items()])
    quality = np.array([quality for _, quality in found.samples.values()])
    assert right.mean() > 0.9
    assert quality[right].mean() > quality[~right].mean()


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ({}, "no sample has answers of two"),
        ({"ada": "xyx"}, "no sample has answers of two"),
        ({"ada": "xy..", "bea": "..xy"}, "no sample has answers of two"),
        ({"ada": "xx", "bea": "xx"}, "every answer is 'x'"),
        ({"ada": "xy", "bea": "yx"}, "no two annotators agree"),
    ],
)
def test_what_cannot_be_estimated_says_why(rows: dict[str, str], why: str) -> None:
    found = consensus_quality(table(rows), {})
    assert (found.annotators, found.samples) == ({}, {})
    assert why in found.why


@pytest.mark.parametrize(
    "rows", [{"ada": "xyx", "bea": "yxx"}, {"ada": "xyz", "bea": "xy."}, {"ada": "x.x", "bea": "xyy", "cleo": ".zx"}]
)
def test_few_answers_warn_of_nothing_and_print_nothing(
    rows: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    found = consensus_quality(table(rows), {})
    np.random.random()
    assert consensus_quality(table(rows), {}) == found  # whatever cleanlab does by chance
    assert set(found.annotators) == set(rows)
    assert all(0 <= quality <= 1 for quality in found.annotators.values())
    assert capsys.readouterr().out == ""


def test_importing_these_rules_does_not_import_cleanlab() -> None:
    import subprocess
    import sys

    code = "import sys, tiltyard.labels.annotator_quality; sys.exit('cleanlab' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
