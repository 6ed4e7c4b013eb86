"""Suggestions and the parts that decided: what was planted is found, and the work is bounded."""

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import FixedThresholdClassifier
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

from tiltyard.evaluation import explanations as explaining
from tiltyard.evaluation.explanations import (
    WORD,
    explain,
    explain_rows,
    explanation_background,
    group_factors,
    suggest_labels,
    texts_without_each_word,
)
from tiltyard.samples.features import MISSING, feature_frame
from tiltyard.schemas.project import Project, parse_project
from tiltyard.schemas.records import Factor


def project_with(features: dict[str, str], **more: Any) -> Project:
    columns = {"features": {name: {"kind": kind} for name, kind in features.items()}}
    return parse_project({"name": "p", "classes": ["no", "yes"], "columns": columns, **more}, "p.yaml")


class Weighed:
    """A model with known weights of number columns: the logistic of their sum; it counts the rows it is asked about."""

    def __init__(self, weights: dict[str, float]) -> None:
        self.weights, self.asked = weights, 0
        self.classes_ = np.array(["no", "yes"])

    def predict_proba(self, X: pd.DataFrame) -> Any:
        self.asked += len(X)
        yes = 1 / (1 + np.exp(-(X[list(self.weights)].to_numpy() @ np.array(list(self.weights.values())))))
        return np.column_stack([1 - yes, yes])

    def predict(self, X: pd.DataFrame) -> Any:
        return np.where(self.predict_proba(X)[:, 1] >= 0.5, "yes", "no")


TABLE = project_with({"a": "number", "b": "number", "c": "number"})


def sigmoid(x: float) -> float:
    return float(1 / (1 + np.exp(-x)))


def test_a_factor_is_what_the_suggestion_loses_without_the_column() -> None:
    rows = pl.DataFrame({"a": [1.0, -3.0], "b": [1.0, 1.0], "c": [5.0, 5.0]})
    found = explain(Weighed({"a": 2, "b": -1, "c": 0}), rows, {"a": 0.0, "b": 0.0, "c": 0.0}, TABLE)
    first = (Factor("a", round(sigmoid(1) - sigmoid(-1), 4)), Factor("b", round(sigmoid(1) - sigmoid(2), 4)))
    assert found[0] == first  # a speaks for yes, b against it, c says nothing
    assert [factor.name for factor in found[1]] == ["a", "b"]
    assert all(factor.weight > 0 for factor in found[1])  # both speak for no


def test_only_the_strongest_are_told() -> None:
    names = [f"n{number}" for number in range(12)]
    model = Weighed({name: 0.1 * (number + 1) for number, name in enumerate(names)})
    project = project_with(dict.fromkeys(names, "number"))
    (found,) = explain(model, pl.DataFrame({name: [1.0] for name in names}), dict.fromkeys(names, 0.0), project, top=3)
    assert [factor.name for factor in found] == ["n11", "n10", "n9"]


def test_the_background_is_the_median_or_the_most_frequent_value() -> None:
    project = project_with(
        {"n": "number", "k": "category", "t": "text", "f": "boolean", "e": "number", "u": "category"}
    )
    rows = pl.DataFrame(
        {"n": [1.0, 2.0, None, 9.0], "k": ["x", "y", "y", None], "t": ["a"] * 4, "f": [True, True, False, None],
         "e": [None] * 4, "u": ["q", "p", "q", "p"]},
        schema_overrides={"e": pl.Float64},
    )  # fmt: skip
    found = explanation_background(rows, project)
    assert (found["n"], found["k"], found["f"], found["u"]) == (2.0, "y", 1.0, "p")
    assert np.isnan(found["e"])
    assert "t" not in found
    nothing = explanation_background(rows.clear(), project)
    assert np.isnan(nothing["n"])
    assert nothing["k"] == MISSING


def test_the_word_that_decided_a_text_is_named() -> None:
    project = project_with({"text": "text"})
    texts = [
        "win a prize now",
        "you win money",
        "prize money here",
        "see you at lunch",
        "the meeting is now",
        "lunch is here",
    ]
    labels = ["yes"] * 3 + ["no"] * 3
    frame = feature_frame(pl.DataFrame({"text": texts}), project)
    vectors = make_pipeline(TfidfVectorizer(), LogisticRegression(C=100))
    model = _OfColumn(vectors.fit(frame["text"], labels), "text")
    rows = pl.DataFrame({"text": ["Prize at the meeting: a prize!", None, ""]})
    found = explain(model, rows, explanation_background(rows, project), project)
    words = {factor.word: factor.weight for factor in found[0]}
    assert found[0][0].name == "text"
    assert set(words) <= {"Prize", "at", "the", "meeting", "a"}
    assert words["Prize"] * words["meeting"] < 0  # one speaks for what the other speaks against
    assert found[1:] == [(), ()]


class _OfColumn:
    """A text pipeline that takes a frame and looks at one column."""

    def __init__(self, pipeline: Any, name: str) -> None:
        self.pipeline, self.name, self.classes_ = pipeline, name, pipeline.classes_

    def predict(self, X: pd.DataFrame) -> Any:
        return self.pipeline.predict(X[self.name])

    def predict_proba(self, X: pd.DataFrame) -> Any:
        return self.pipeline.predict_proba(X[self.name])


def test_patches_of_a_picture_are_taken_away_together() -> None:
    pixels = [f"p{number}" for number in range(16)]
    project = project_with(
        {**dict.fromkeys(pixels, "number"), "age": "number"},
        display={"kind": "image", "width": 4, "columns": ["p{0..15}"]},
    )
    model = Weighed({"p10": 1.0, "p11": 1.0, "p14": 1.0, "p15": 1.0, "age": 0.5})
    rows = pl.DataFrame({**{name: [1.0] for name in pixels}, "age": [1.0]})
    (found,) = explain(model, rows, {**dict.fromkeys(pixels, 0.0), "age": 0.0}, project)
    patch = round(sigmoid(4.5) - sigmoid(0.5), 4)
    assert found == (*(Factor(f"p{place}", patch) for place in (10, 11, 14, 15)),
                     Factor("age", round(sigmoid(4.5) - sigmoid(4), 4)))  # fmt: skip
    assert [len(part) for part in group_factors(found, project)] == [4, 1]
    alike = (Factor("a", 0.5), Factor("b", 0.5))
    assert [len(part) for part in group_factors(alike, TABLE)] == [1, 1]  # columns of a table are taken away one by one


def test_the_models_own_decision_is_suggested_with_its_threshold() -> None:
    frame = pl.DataFrame({"a": [0.0, 1, 2, 3, 4, 5], "b": [0.0] * 6, "c": [0.0] * 6})
    labels = ["no", "no", "no", "yes", "yes", "yes"]
    fitted = LogisticRegression().fit(feature_frame(frame, TABLE), labels)
    frozen = FixedThresholdClassifier(FrozenEstimator(fitted), threshold=0.99, pos_label="yes")
    model = frozen.fit(feature_frame(frame, TABLE), labels)
    (said,) = explain_rows(model, frame[3:4], explanation_background(frame, TABLE), TABLE)
    assert said.label == "no"
    assert list(said.probabilities) == ["no", "yes"]
    assert said.probability == said.probabilities["no"] < 0.5
    assert said.factors[0].name == "a"


def test_a_model_without_probabilities_suggests_without_factors() -> None:
    frame = pl.DataFrame({"a": [0.0, 1, 2, 3], "b": [0.0] * 4, "c": [0.0] * 4})
    model = LinearSVC().fit(feature_frame(frame, TABLE), ["no", "no", "yes", "yes"])
    (said,) = explain_rows(model, frame[3:], explanation_background(frame, TABLE), TABLE)
    assert (said.label, said.probability, said.probabilities, said.factors) == ("yes", None, {}, ())


def test_no_rows_give_nothing() -> None:
    rows = pl.DataFrame(schema={"a": pl.Float64, "b": pl.Float64, "c": pl.Float64})
    assert explain_rows(Weighed({"a": 1}), rows, {}, TABLE) == []
    assert suggest_labels(LinearSVC(), rows, TABLE) == []


def test_too_much_work_is_cut_to_a_shortlist_of_the_columns_that_move_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(explaining, "MOST_PREDICTED", 300)
    monkeypatch.setattr(explaining, "CELLS", 500)  # and in many calls
    names = [f"n{number:02d}" for number in range(20)]
    model = Weighed({name: 1.0 if name == "n17" else 0.01 for name in names})
    project = project_with(dict.fromkeys(names, "number"))
    rows = pl.DataFrame({name: [1.0] * 100 for name in names})
    found = explain(model, rows, dict.fromkeys(names, 0.0), project)
    assert model.asked <= 100 * 2 + 300 + 300  # decision and probability, the shortlist, the columns
    assert all(len(factors) == 3 and factors[0].name == "n17" for factors in found)


def test_chunks_do_not_change_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    rows = pl.DataFrame({name: rng.normal(size=30) for name in "abc"})
    background = explanation_background(rows, TABLE)
    model = Weighed({"a": 1, "b": -2, "c": 0.3})
    whole = explain(model, rows, background, TABLE)
    monkeypatch.setattr(explaining, "CELLS", 7)
    assert explain(model, rows, background, TABLE) == whole


@given(st.text(alphabet="abB' ,"))
def test_each_word_is_left_out_and_nothing_else(text: str) -> None:
    words = [word.casefold() for word in WORD.findall(text)]
    variants = texts_without_each_word(text)
    assert [word.casefold() for word, _ in variants] == list(dict.fromkeys(words))
    for word, left in variants:
        assert [one.casefold() for one in WORD.findall(left)] == [one for one in words if one != word.casefold()]
    assert texts_without_each_word(text, 2) == variants[:2]


def test_a_long_text_has_at_most_two_hundred_words() -> None:
    assert len(texts_without_each_word(" ".join(f"w{number}" for number in range(1000)), 10**6)) == 200
