"""Strategies by name, on every sort of input, against modAL's own picks."""

from collections.abc import Callable
from typing import Any, get_args

import numpy as np
import pandas as pd
import pytest
from modAL.batch import ranked_batch, uncertainty_batch_sampling
from modAL.disagreement import (
    KL_max_disagreement,
    consensus_entropy_sampling,
    max_disagreement_sampling,
    vote_entropy,
    vote_entropy_sampling,
)
from modAL.models import ActiveLearner
from modAL.uncertainty import (
    classifier_margin,
    classifier_uncertainty,
    entropy_sampling,
    margin_sampling,
    uncertainty_sampling,
)
from scipy import sparse
from sklearn.datasets import load_digits, load_iris, load_wine, make_classification
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import FixedThresholdClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from tiltyard.query.committee import Committee, committee_vote_entropy, fit_committee
from tiltyard.query.linear_margin import approximate_margins, rows_below_margin
from tiltyard.query.strategies import STRATEGIES, get_strategy
from tiltyard.schemas.errors import TiltyardError, TrainingError
from tiltyard.schemas.project import StrategyName

LABELED = 60


def made(classes: int = 3, rows: int = 900, seed: int = 0) -> tuple[Any, Any]:
    """A made set of text classes."""
    X, y = make_classification(
        rows, 8, n_informative=6, n_redundant=0, n_classes=classes, random_state=seed, class_sep=0.7
    )
    return X, np.array(["ant", "bee", "cow", "dog", "elk"])[y]


def fitted(X: Any, y: Any) -> Any:
    """A linear model of the first rows."""
    return LogisticRegression(max_iter=1000).fit(X[:LABELED], y[:LABELED])


def as_numpy(X: Any) -> Any:
    return X


def as_frame(X: Any) -> Any:
    # Whole numbers as names and a shuffled index are what modAL's row look-up trips over.
    return pd.DataFrame(X, index=np.arange(len(X))[::-1])


def as_sparse(X: Any) -> Any:
    return sparse.csr_matrix(X)


@pytest.mark.parametrize("name", get_args(StrategyName))
@pytest.mark.parametrize("form", [as_numpy, as_frame, as_sparse])
def test_every_strategy_takes_every_form_of_rows(name: StrategyName, form: Callable[[Any], Any]) -> None:
    X, y = made()
    rows, known = form(X[LABELED:]), form(X[:LABELED])
    model = LogisticRegression(max_iter=1000).fit(known, y[:LABELED])
    committee = Committee(fit_committee(model, known, y[:LABELED], size=3, seed=0))
    strategy = get_strategy(name)
    classifier = committee if strategy.needs_committee else model
    picks, scores = strategy(classifier, rows, 25, labeled=known, seed=4)
    assert len(set(picks.tolist())) == len(scores) == 25
    assert picks.min() >= 0
    assert picks.max() < rows.shape[0]
    again, _ = strategy(classifier, rows, 25, labeled=known, seed=4)
    assert picks.tolist() == again.tolist()


def test_the_registry_holds_just_the_names_of_the_project_file() -> None:
    assert set(STRATEGIES) == set(get_args(StrategyName))


@pytest.mark.parametrize(
    ("name", "sampling"),
    [("margin", margin_sampling), ("entropy", entropy_sampling), ("least_confident", uncertainty_sampling)],
)
@pytest.mark.parametrize("classes", [2, 5])
def test_picks_and_scores_are_those_of_modal(name: str, sampling: Any, classes: int) -> None:
    X, y = made(classes, rows=40_000)
    model = fitted(X, y)
    picks, scores = get_strategy(name)(model, X[LABELED:], 300)
    theirs, their_scores = sampling(model, X[LABELED:], n_instances=300)
    assert set(picks.tolist()) == set(theirs.tolist())
    np.testing.assert_allclose(np.sort(scores), np.sort(their_scores), atol=1e-8)
    assert np.all(np.diff(scores) >= 0) if name == "margin" else np.all(np.diff(scores) <= 0)


@pytest.mark.parametrize(
    ("name", "sampling"),
    [("committee_consensus", consensus_entropy_sampling), ("committee_kl", max_disagreement_sampling)],
)
def test_committee_picks_are_those_of_modal(name: str, sampling: Any) -> None:
    X, y = made(4)
    committee = Committee(fit_committee(fitted(X, y), X[:LABELED], y[:LABELED], size=5, seed=2))
    picks, _ = get_strategy(name)(committee, X, 50)
    assert set(picks.tolist()) == set(sampling(committee, X, n_instances=50)[0].tolist())


def test_votes_are_weighed_as_modal_weighs_them() -> None:
    X, y = made(4)
    committee = Committee(fit_committee(fitted(X, y), X[:LABELED], y[:LABELED], size=5, seed=2))
    np.testing.assert_allclose(committee_vote_entropy(committee, X), vote_entropy(committee, X), atol=1e-12)
    _, scores = get_strategy("committee_vote")(committee, X, 50)
    theirs = vote_entropy_sampling(committee, X, n_instances=50)[1]
    np.testing.assert_allclose(np.sort(scores), np.sort(theirs), atol=1e-9)


@pytest.mark.parametrize("load", [load_iris, load_wine, load_digits])
@pytest.mark.parametrize("form", [as_numpy, as_sparse])
def test_ranked_batch_picks_what_modal_picks_in_its_order(load: Any, form: Callable[[Any], Any]) -> None:
    X, y = load(return_X_y=True)
    order = np.random.default_rng(3).permutation(len(X))
    X, y = StandardScaler().fit_transform(X)[order], y[order]
    model = LogisticRegression(max_iter=1000).fit(X[:40], y[:40])
    learner = ActiveLearner(model, X_training=None)
    learner.X_training = X[:40] if form is as_numpy else form(X[:40])
    rows = form(X[40:])
    if form is as_numpy:
        theirs, _ = uncertainty_batch_sampling(learner, rows, n_instances=40)
    else:
        theirs, _ = ranked_batch(learner, rows, classifier_uncertainty(model, rows), 40, "euclidean", None)
    picks, scores = get_strategy("ranked_batch")(model, rows, 40, labeled=learner.X_training)
    assert picks.tolist() == theirs.tolist()
    np.testing.assert_allclose(scores, classifier_uncertainty(model, rows)[picks], atol=1e-8)


def test_ranked_batch_without_labels_starts_in_the_middle_as_modal_does() -> None:
    X, y = made()
    learner = ActiveLearner(fitted(X, y), X_training=None)
    theirs, _ = uncertainty_batch_sampling(learner, X, n_instances=15)
    assert get_strategy("ranked_batch")(learner.estimator, X, 15)[0].tolist() == theirs.tolist()


def test_a_strategy_serves_as_modals_own_callable() -> None:
    X, y = made()
    learner = ActiveLearner(fitted(X, y), query_strategy=get_strategy("margin"))
    positions, rows = learner.query(X, n_instances=7)
    assert positions.tolist() == get_strategy("margin")(learner, X, 7)[0].tolist()
    np.testing.assert_array_equal(rows, X[positions])


@pytest.mark.parametrize("name", get_args(StrategyName))
def test_more_rows_than_there_are_gives_all_of_them_once(name: StrategyName) -> None:
    X, y = made()
    strategy = get_strategy(name)
    model = fitted(X, y)
    committee = Committee(fit_committee(model, X[:LABELED], y[:LABELED], size=2, seed=0))
    picks, _ = strategy(committee if strategy.needs_committee else model, X[:9], 20)
    assert sorted(picks.tolist()) == list(range(9))
    assert len(strategy(committee if strategy.needs_committee else model, X[:0], 5)[0]) == 0


def test_ties_are_broken_by_the_seed() -> None:
    X, y = made(2)
    forest = RandomForestClassifier(4, max_depth=1, random_state=0).fit(X[:LABELED], y[:LABELED])
    margins = classifier_margin(forest, X)
    picks = {seed: get_strategy("margin")(forest, X, 3, seed=seed)[0].tolist() for seed in (1, 2)}
    assert np.allclose(margins[picks[1]], margins.min())
    assert picks[1] != picks[2]


@pytest.mark.parametrize("name", ["margin", "margin_kmeans", "entropy", "ranked_batch"])
def test_an_unfitted_model_is_an_error_where_modal_would_guess(name: str) -> None:
    X, _ = made()
    with pytest.raises(TrainingError, match="not fitted: LogisticRegression"):
        get_strategy(name)(LogisticRegression(), X, 5)


def test_a_model_in_place_of_a_committee_is_an_error() -> None:
    X, y = made()
    with pytest.raises(TrainingError, match="fit_committee"):
        get_strategy("committee_kl")(fitted(X, y), X, 5)


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(TiltyardError, match="did you mean 'margin_kmeans'"):
        get_strategy("margin_kmean")


def test_gaps_and_a_class_that_was_never_seen_are_no_obstacle() -> None:
    X, y = made(5)
    X[::7, 2] = np.nan
    seen = y[:LABELED] != "cow"
    with threadpool_limits(1):
        model = HistGradientBoostingClassifier(min_samples_leaf=5, max_iter=20).fit(
            X[:LABELED][seen], y[:LABELED][seen]
        )
        picks, _ = get_strategy("margin_kmeans")(model, X, 20)
    assert len(set(picks.tolist())) == 20


def test_a_threshold_around_a_pipeline_changes_no_pick() -> None:
    X, y = made(2, rows=20_000)
    pipeline = make_pipeline(StandardScaler(), LogisticRegression()).fit(X[:LABELED], y[:LABELED])
    wrapped = FixedThresholdClassifier(FrozenEstimator(pipeline), threshold=0.2).fit(X[:LABELED], y[:LABELED])
    for name in ("margin", "margin_kmeans", "ranked_batch"):
        plain, threshold = (get_strategy(name)(m, X, 30, labeled=X[:5])[0].tolist() for m in (pipeline, wrapped))
        assert plain == threshold


def test_the_default_spreads_where_margin_crowds() -> None:
    rng = np.random.default_rng(0)
    crowd, others = rng.normal(0, 1e-6, (100, 2)), rng.normal(0, [1e-3, 3], (900, 2))
    X = np.concatenate([crowd, others])
    ends = np.array([[-2.0, 0], [2, 0], [-2, 1], [2, 1]])
    model = LogisticRegression().fit(ends, ["a", "b", "a", "b"])
    margin, spread = (get_strategy(name)(model, X, 20)[0] for name in ("margin", "margin_kmeans"))
    assert (margin < 100).sum() >= 18
    assert (spread < 100).sum() <= 3


def test_typical_rows_cover_every_cluster() -> None:
    rng = np.random.default_rng(5)
    centres = rng.uniform(-50, 50, (12, 4))
    sizes = rng.integers(30, 400, 12)
    X = np.concatenate([rng.normal(centre, 0.5, (size, 4)) for centre, size in zip(centres, sizes, strict=True)])
    cluster = np.repeat(np.arange(12), sizes)
    picks, _ = get_strategy("typical")(None, X, 12)
    assert set(cluster[picks].tolist()) == set(range(12))
    assert np.linalg.norm(X[picks] - centres[cluster[picks]], axis=1).max() < 1.0


def test_typical_rows_keep_away_from_clusters_that_have_a_label() -> None:
    rng = np.random.default_rng(5)
    X = np.concatenate([rng.normal(place, 0.1, (100, 2)) for place in ([0, 0], [9, 9], [0, 9], [9, 0])])
    picks, _ = get_strategy("typical")(None, X, 2, labeled=np.array([[0.0, 0.0], [9.0, 9.0]]))
    assert set((picks // 100).tolist()) == {2, 3}


def test_equal_rows_still_fill_a_batch() -> None:
    X, y = made(2)
    same = np.repeat(X[:3], 100, axis=0)
    for name in ("margin_kmeans", "typical", "ranked_batch"):
        picks, _ = get_strategy(name)(fitted(X, y), same, 20)
        assert len(set(picks.tolist())) == 20


@pytest.mark.parametrize("classes", [2, 3, 5])
@pytest.mark.parametrize("scale", [1.0, 1e4])
def test_margins_from_logits_are_those_of_the_probabilities(classes: int, scale: float) -> None:
    X, y = made(classes, rows=5_000)
    model = LogisticRegression(max_iter=5000).fit(X[:LABELED], y[:LABELED])
    model.coef_ *= scale
    exact = classifier_margin(model, X)
    np.testing.assert_allclose(approximate_margins(model, X), exact, atol=1e-6)
    found = rows_below_margin(model, X, bound=float(np.quantile(exact, 0.05)))
    assert found is not None
    assert set(np.flatnonzero(exact <= np.quantile(exact, 0.05))) <= set(found)
    assert len(found) < 0.2 * len(X) or scale > 1


def test_a_gap_in_any_slice_is_refused_by_a_linear_model() -> None:
    X, y = made(3, rows=80_000)
    model = fitted(X, y)
    X[79_000, 3] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        get_strategy("margin")(model, X, 10)


def test_models_that_only_look_linear_are_scored_in_full() -> None:
    class Sure(LogisticRegression):  # type: ignore[misc]  # scikit-learn ships no types
        """Somebody's own probabilities."""

    X, y = made(2)
    assert rows_below_margin(Sure().fit(X[:LABELED], y[:LABELED]), X, 0.1) is None
    assert rows_below_margin(LogisticRegression().fit(X[:LABELED], y[:LABELED]), sparse.csr_matrix(X), 0.1) is None


def test_committee_members_differ_and_know_every_class() -> None:
    X, y = made(5)
    members = fit_committee(fitted(X, y), X[:LABELED], y[:LABELED], size=4, seed=1)
    assert all(set(member.classes_) == set(y[:LABELED]) for member in members)
    assert len({member.coef_.tobytes() for member in members}) == 4
    again = fit_committee(fitted(X, y), X[:LABELED], y[:LABELED], size=4, seed=1)
    assert [member.coef_.tobytes() for member in members] == [member.coef_.tobytes() for member in again]


def test_a_committee_aligns_members_that_know_different_classes() -> None:
    X, y = made(3)
    members = [LogisticRegression().fit(X[y != lost], y[y != lost]) for lost in ("ant", "cow")]
    committee = Committee(members)
    shares = committee.vote_proba(X)
    assert shares.shape == (len(X), 2, 3)
    assert np.all(shares[:, 0, 0] == 0)
    assert np.all(shares[:, 1, 2] == 0)
    np.testing.assert_allclose(shares.sum(axis=2), 1)
    assert np.isfinite(KL_max_disagreement(committee, X)).all()
