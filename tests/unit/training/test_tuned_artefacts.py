"""Balance, calibration and thresholds by costs: each does what it says, and the artefact can still be stored."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from tiltyard.evaluation.metrics import score
from tiltyard.evaluation.predictions import Predictions, predict_rows
from tiltyard.query.feature_space import fitted_preprocessing
from tiltyard.schemas.errors import ProjectFileError, TrainingError
from tiltyard.schemas.project import Project, parse_project
from tiltyard.stores.registry.serialization import dump_model, load_model
from tiltyard.training.cross_validation import Trial
from tiltyard.training.recipes import build_recipes, restore_recipe
from tiltyard.training.search.tuning import Fitted, fit_candidates
from tiltyard.training.thresholds import cheapest_threshold, cost_optimal_threshold

LOGISTIC = "sklearn.linear_model.LogisticRegression"
BAYES = "sklearn.naive_bayes.GaussianNB"
NEIGHBOURS = "sklearn.neighbors.KNeighborsClassifier"
COSTS = {"yes": {"no": 9.0}, "no": {"yes": 1.0}}


class Restless(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn ships no types
    """Draws its answers from a chance that no seed reaches."""

    def fit(self, _X: Any, y: Any) -> "Restless":
        self.classes_ = np.unique(y)
        self.share_ = np.random.random()
        return self

    def predict_proba(self, X: Any) -> Any:
        return np.tile([self.share_, 1 - self.share_], (len(X), 1))

    def predict(self, X: Any) -> Any:
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


class Nameless(Restless):
    """Forgets its classes."""

    def fit(self, X: Any, y: Any) -> "Nameless":
        super().fit(X, y)
        del self.classes_
        return self


class Improbable(Restless):
    """Takes scores for probabilities."""

    def predict_proba(self, X: Any) -> Any:
        return np.tile([3.0, -1.0], (len(X), 1))


class Broken(Restless):
    """Does not know."""

    def predict_proba(self, X: Any) -> Any:
        return np.full((len(X), 2), np.nan)


def body(estimator: str = LOGISTIC, classes: tuple[str, ...] = ("no", "yes"), **changes: Any) -> dict[str, Any]:
    tuning = {"minimum_labels": 4, **changes.pop("tuning", {})}
    return {
        "name": "small",
        "columns": {"features": {"x": {"kind": "number"}, "z": {"kind": "number"}}},
        "classes": list(classes),
        "candidates": [{"name": "only", "estimator": estimator}],
        "tuning": tuning,
        **changes,
    }


def project(estimator: str = LOGISTIC, **changes: Any) -> Project:
    return Project.model_validate(body(estimator, **changes))


def rows(n: int, share: float = 0.5, seed: int = 0) -> tuple[pd.DataFrame, NDArray[np.str_]]:
    rng = np.random.default_rng(seed)
    true = rng.random(n) < share
    x = np.where(true, 1.0, -1.0) + rng.normal(size=n)
    return pd.DataFrame({"x": x, "z": rng.normal(size=n)}), np.where(true, "yes", "no")


def said(fitted: Fitted, frame: pd.DataFrame) -> Predictions:
    return predict_rows(fitted.model, frame, project())


@pytest.mark.parametrize("estimator", [LOGISTIC, BAYES, "sklearn.ensemble.HistGradientBoostingClassifier"])
def test_balanced_classes_are_found_as_often_as_they_are_there(estimator: str) -> None:
    frame, labels = rows(800, share=0.06)
    plain, balanced = (
        fit_candidates(frame, labels, project(estimator, tuning={"class_weight": how, "threshold": "none"}), 0)
        for how in ("none", "balanced")
    )
    test_frame, test_labels = rows(4000, share=0.06, seed=9)
    recalls = [score("balanced_accuracy", test_labels, said(one, test_frame)) for one in (plain, balanced)]
    assert recalls[1] > recalls[0] + 0.03
    assert balanced.recipe["class_weight"] == "balanced"


def test_weights_of_rows_are_scikit_learns_own() -> None:
    # Weighing rows must be the same as the class_weight of an estimator that has one.
    frame, labels = rows(300, share=0.1)
    (recipe,) = build_recipes(project(tuning={"class_weight": "balanced"}), 0)
    by_class = recipe.fitted(frame, labels)
    recipe.pipeline[-1].set_params(class_weight=None)
    by_rows = replace(recipe, by_rows=True).fitted(frame, labels)
    assert by_rows.predict_proba(frame) == pytest.approx(by_class.predict_proba(frame), abs=1e-4)


def test_a_weight_that_the_project_file_sets_stays() -> None:
    ours = body(tuning={"class_weight": "balanced"})
    ours["candidates"][0]["parameters"] = {"class_weight": {"yes": 3.0}}
    (recipe,) = build_recipes(Project.model_validate(ours), 0)
    assert recipe.pipeline[-1].class_weight == {"yes": 3.0}


@pytest.mark.parametrize(
    ("estimator", "tuning", "message"),
    [
        (NEIGHBOURS, {}, r"candidate 'only': .*KNeighborsClassifier' takes neither class_weight nor sample_weight"),
        (BAYES, {"calibration": "sigmoid"}, r"by the weight of rows only, which calibration would undo"),
    ],
)
def test_classes_that_cannot_be_balanced_are_said(estimator: str, tuning: dict[str, Any], message: str) -> None:
    ours = project(estimator, tuning={"class_weight": "balanced", **tuning})
    with pytest.raises(TrainingError, match=message):
        build_recipes(ours, 0)


@pytest.mark.parametrize("method", ["sigmoid", "isotonic", "temperature"])
def test_calibration_mends_probabilities_and_stays_one_artefact(method: str) -> None:
    # Twenty copies of one column: naive Bayes is far too sure.
    frame, labels = rows(900, share=0.4)
    wide, test = (
        pd.DataFrame({f"x{number:02}": one["x"] for number in range(20)}) for one in (frame, rows(3000, 0.4, 5)[0])
    )
    truth = rows(3000, 0.4, 5)[1]
    ours = body(BAYES, columns={"features": {name: {"kind": "number"} for name in wide.columns}})
    plain, mended = (
        fit_candidates(wide, labels, Project.model_validate({**ours, "tuning": {"calibration": how}}), 0)
        for how in ("none", method)
    )
    losses = [score("log_loss", truth, predict_rows(one.model, test, Project.model_validate(ours)))
              for one in (plain, mended)]  # fmt: skip
    assert losses[1] < losses[0] - 0.3
    assert [one.stage for one in mended.trials] == ["search", "calibrated"]
    assert mended.best is mended.trials[1]
    assert (mended.recipe["calibration"], mended.recipe["calibration_folds"]) == (method, 3)
    stored = load_model(dump_model(mended.model))
    assert np.array_equal(stored.predict_proba(test), mended.model.predict_proba(test))
    again = restore_recipe(mended.recipe, Project.model_validate(ours), 0).fitted(wide, labels)
    assert np.array_equal(again.predict_proba(test), mended.model.predict_proba(test))


def test_calibration_keeps_preprocessing_first_and_one_estimator() -> None:
    frame, labels = rows(200)
    fitted = fit_candidates(frame, labels, project(tuning={"calibration": "sigmoid", "threshold": "none"}), 0)
    assert isinstance(fitted.model, Pipeline)
    assert fitted_preprocessing(fitted.model) is not None
    last = fitted.model[-1]
    assert isinstance(last, CalibratedClassifierCV)
    assert len(last.calibrated_classifiers_) == 1


def test_the_cut_off_is_searched_on_calibrated_probabilities() -> None:
    frame, labels = rows(1500, share=0.1)
    ours = project(gate={"metric": "f1"}, tuning={"calibration": "sigmoid", "class_weight": "balanced"})
    fitted = fit_candidates(frame, labels, ours, 0)
    # Balanced weights alone put the best cut near 0.5 or above; calibrated it is where the true odds are.
    raw, mended = fitted.trials
    assert raw.threshold is not None
    assert fitted.best.threshold == mended.threshold
    assert mended.threshold is not None
    assert mended.threshold < raw.threshold


def test_a_class_that_is_too_small_to_calibrate_with_is_told_and_not_lost() -> None:
    frame, labels = rows(60)
    labels = np.where(np.arange(60) == 7, "maybe", labels)
    ours = project(classes=("no", "yes", "maybe"), tuning={"calibration": "sigmoid"})
    fitted = fit_candidates(frame, labels, ours, 0)
    assert "maybe" in fitted.model.classes_
    assert fitted.recipe["calibration"] == "none"
    assert "not calibrated" in " ".join(fitted.best.notes)


@pytest.mark.parametrize(("missed", "alarmed", "cut"), [(9.0, 1.0, 0.1), (1.0, 1.0, 0.5), (1.0, 4.0, 0.8)])
def test_the_cut_off_by_costs_is_elkans_where_probabilities_are_right(
    missed: float, alarmed: float, cut: float
) -> None:
    rng = np.random.default_rng(0)
    folds = []
    for _ in range(3):
        told = rng.random(20_000)
        labels = np.where(rng.random(20_000) < told, "yes", "no")
        folds.append((labels, Predictions(np.column_stack([1 - told, told]), labels, ("no", "yes"), "yes")))
    costs = {"yes": {"no": missed}, "no": {"yes": alarmed}}
    assert cost_optimal_threshold(missed, alarmed) == pytest.approx(cut)
    assert cheapest_threshold(costs, *map(list, zip(*folds, strict=True))) == pytest.approx(cut, abs=0.03)


def test_the_cut_off_by_costs_is_measured_where_probabilities_are_wrong() -> None:
    # Probabilities that were squared: 0.1 is where 0.316 should be, so Elkan's 0.5 would come far too late.
    rng = np.random.default_rng(1)
    told = rng.random(30_000)
    labels = np.where(rng.random(30_000) < told, "yes", "no")
    wrong = Predictions(np.column_stack([1 - told**2, told**2]), labels, ("no", "yes"), "yes")
    folds = [np.arange(30_000) % 3 == fold for fold in range(3)]
    found = cheapest_threshold({"yes": {"no": 1.0}, "no": {"yes": 1.0}}, [labels[one] for one in folds],
                               [wrong.rows(one) for one in folds])  # fmt: skip
    assert found == pytest.approx(0.25, abs=0.05)


def test_costs_make_a_model_that_costs_less_than_one_without() -> None:
    frame, labels = rows(1200, share=0.2)
    test, truth = rows(6000, share=0.2, seed=3)

    def spent(threshold: str) -> float:
        fitted = fit_candidates(frame, labels, project(costs=COSTS, tuning={"threshold": threshold}), 0)
        decided = said(fitted, test).decisions
        return float(np.mean([COSTS[true].get(one, 0.0) for true, one in zip(truth, decided, strict=True)]))

    assert spent("costs") < 0.8 * spent("none")


def test_costs_set_the_cut_off_whatever_the_gates_metric() -> None:
    ours = project(costs=COSTS, gate={"metric": "roc_auc"}, tuning={"threshold": "costs"})
    assert (fit_candidates(*rows(300), ours, 0).best.threshold or 1) < 0.4


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"costs": {"yes": {"no": 5}}}, r"costs.no.yes is none: a mistake that costs nothing"),
        ({"costs": {"yes": {"no": 5}, "no": {"yes": 0}}}, r"costs.no.yes is none"),
        ({"classes": ("a", "b", "c"), "costs": {"a": {"b": 1}}}, r"a threshold between two classes, here are 3"),
        ({}, r"tuning.threshold is 'costs', and there are none"),
        ({"costs": {"yes": {"on": 1}}}, r"costs name class 'on'; known: no, yes"),
        ({"costs": {"yes": {"no": -1}}}, r"costs.yes.no is -1; a right decision costs 0, a wrong one more"),
        ({"costs": {"yes": {"yes": 1}}}, r"costs.yes.yes is 1; a right decision costs 0"),
    ],
)
def test_costs_that_no_cut_off_follows_from_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ProjectFileError, match=message):
        parse_project(body(tuning={"threshold": "costs"}, **changes), "project.yaml")


def test_an_estimator_that_answers_otherwise_each_time_is_told_of() -> None:
    fitted = fit_candidates(*rows(60), project(f"{__name__}.Restless"), 0)
    assert "a rebuild will not give this model again" in " ".join(fitted.best.notes)
    assert fitted.best in fitted.trials
    assert fit_candidates(*rows(60), project(f"{__name__}.Own"), 0).best.notes == ()


class Own(LogisticRegression):  # type: ignore[misc]  # scikit-learn ships no types
    """From elsewhere, and sound."""


@pytest.mark.parametrize(
    ("estimator", "message"),
    [
        ("Nameless", r"sets no classes_ when it is fitted"),
        ("Improbable", r"gives \[3.0, -1.0\]; probabilities must be at least 0"),
        ("Broken", r"gives NaN or infinite values"),
    ],
)
def test_answers_that_are_no_probabilities_are_told_in_a_sentence(estimator: str, message: str) -> None:
    with pytest.raises(TrainingError, match=f"no candidate could be fitted from 60 labels: only: .*{message}"):
        fit_candidates(*rows(60), project(f"{__name__}.{estimator}"), 0)


def test_trials_of_before_are_still_made_with_seven_facts() -> None:
    old = Trial("c", "m.C", {}, None, None, {}, None)
    assert (old.state, old.stage, old.rung) == ("complete", "search", 0)
