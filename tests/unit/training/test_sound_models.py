"""Trees that point beyond themselves are refused when a model is read, and every sound model is let through."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from tiltyard.schemas.errors import RegistryError
from tiltyard.stores.registry.serialization import dump_model, load_model
from tiltyard.training.stored_models import refuse_unsound

ROWS = np.random.default_rng(0).normal(size=(80, 3))
LABELS = np.where(ROWS[:, 0] + ROWS[:, 1] > 0, "yes", "no")
SOUND = [
    DecisionTreeClassifier(max_leaf_nodes=6),
    RandomForestClassifier(3),
    ExtraTreesClassifier(3),
    GradientBoostingClassifier(n_estimators=3),
    HistGradientBoostingClassifier(max_iter=3, min_samples_leaf=3),
    BaggingClassifier(DecisionTreeClassifier(), n_estimators=3, max_features=2),
    AdaBoostClassifier(n_estimators=3),
    KNeighborsClassifier(algorithm="kd_tree", leaf_size=3),
    KNeighborsClassifier(algorithm="ball_tree", leaf_size=3),
    make_pipeline(StandardScaler(), DecisionTreeClassifier()),
]


@pytest.mark.parametrize("model", SOUND, ids=lambda model: type(model).__name__)
def test_sound_models_come_back(model: Any) -> None:
    fitted = model.fit(ROWS, LABELS)
    assert np.array_equal(load_model(dump_model(fitted)).predict_proba(ROWS), fitted.predict_proba(ROWS))


def test_splits_by_category_are_sound() -> None:
    rows = np.column_stack([ROWS[:, 1], np.arange(80) % 4])
    labels = np.where(np.arange(80) % 4 == 2, "yes", "no")
    model = HistGradientBoostingClassifier(max_iter=3, min_samples_leaf=3, categorical_features=[1]).fit(rows, labels)
    refuse_unsound(model)
    assert (model._predictors[0][0].nodes["is_categorical"] != 0).any()
    model._predictors[0][0].nodes["bitset_idx"] = 77
    with pytest.raises(ValueError, match="a table that is not there"):
        refuse_unsound(model)


def crafted_tree(tree: Any, field: str, place: int, value: int) -> None:
    state = tree.__getstate__()
    state["nodes"][field][place] = value
    tree.__setstate__(state)


TREES: list[tuple[str, int, int]] = [
    ("left_child", 0, 10**9),
    ("right_child", 0, -7),
    ("left_child", 0, 0),
    ("right_child", 1, 0),
    ("feature", 0, 3),
    ("feature", 0, -5),
    ("right_child", -1, 2),
]


@pytest.mark.parametrize(("field", "place", "value"), TREES)
@pytest.mark.parametrize(
    "kind",
    [DecisionTreeClassifier(), RandomForestClassifier(2), GradientBoostingClassifier(n_estimators=2)],
    ids=lambda model: type(model).__name__,
)
def test_a_crafted_tree_is_refused_wherever_it_is(kind: Any, field: str, place: int, value: int) -> None:
    model = make_pipeline(StandardScaler(), kind).fit(ROWS, LABELS)
    last = model[-1]
    inner = last if isinstance(last, DecisionTreeClassifier) else np.ravel(last.estimators_)[-1]
    crafted_tree(inner.tree_, field, place, value)
    with pytest.raises(RegistryError, match="a tree in the model is damaged"):
        load_model(dump_model(model))


def test_more_nodes_than_there_are_and_other_columns_are_refused() -> None:
    tree = DecisionTreeClassifier().fit(ROWS, LABELS)
    state = tree.tree_.__getstate__()
    tree.tree_.__setstate__({**state, "node_count": state["node_count"] * 1000})
    with pytest.raises(ValueError, match="other nodes than it says"):
        refuse_unsound(tree)
    narrow = GradientBoostingClassifier(n_estimators=2).fit(ROWS, LABELS)
    narrow.n_features_in_ = 1
    with pytest.raises(ValueError, match="of other columns"):
        refuse_unsound(narrow)


def nodes_with(field: str, value: int) -> Callable[[Any], None]:
    def change(predictor: Any) -> None:
        predictor.nodes[field][0] = value

    return change


@pytest.mark.parametrize(
    "change",
    [
        nodes_with("left", 10**6),
        nodes_with("right", 0),
        nodes_with("feature_idx", 99),
        nodes_with("feature_idx", -1),
        lambda one: (nodes_with("is_categorical", 1)(one), nodes_with("bitset_idx", 50)(one)),
    ],
)
def test_a_crafted_tree_of_histogram_boosting_is_refused(change: Callable[[Any], None]) -> None:
    model = HistGradientBoostingClassifier(max_iter=2, min_samples_leaf=3).fit(ROWS, LABELS)
    change(model._predictors[1][0])
    with pytest.raises(RegistryError, match="a tree in the model is damaged"):
        load_model(dump_model(model))


@pytest.mark.parametrize("kind", ["kd_tree", "ball_tree"])
@pytest.mark.parametrize(("array", "field"), [(1, None), (2, "idx_start"), (2, "idx_end"), (2, "is_leaf")])
def test_a_crafted_search_tree_is_refused(kind: str, array: int, field: str | None) -> None:
    model = KNeighborsClassifier(algorithm=kind, leaf_size=3).fit(ROWS, LABELS)
    state = list(model._tree.__getstate__())
    changed = np.array(state[array])
    if field is None:
        changed[0] = 10**9
    else:
        changed[field][-1] = 0 if field == "is_leaf" else 10**9
    state[array] = changed
    model._tree.__setstate__(tuple(state))
    with pytest.raises(ValueError, match="a tree in the model is damaged"):
        refuse_unsound(model)
