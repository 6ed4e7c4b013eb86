"""Vocabularies are stored compactly, and come back the same."""

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from skops.io import dumps

from tiltyard.rules.vocabulary import CompactTfidfVectorizer, pack, unpack
from tiltyard.stores.model_bytes import model_bytes, model_of

OPTIONS = {"analyzer": "char_wb", "ngram_range": (2, 4), "sublinear_tf": True}


def texts(count: int = 400) -> list[str]:
    rng = np.random.default_rng(0)
    return [" ".join(f"w{number:x}é" for number in rng.integers(0, 4000, 12)) for _ in range(count)]


@given(st.dictionaries(st.text(st.characters()), st.integers(0, 2**40)))
def test_every_vocabulary_comes_back(vocabulary: dict[str, int]) -> None:
    assert unpack(pack(vocabulary)) == vocabulary


@pytest.mark.parametrize("lone", ["\ud800", "a\udfffb", "\x00", "\n", ""])
def test_terms_that_no_encoding_likes_come_back(lone: str) -> None:
    assert unpack(pack({lone: 0, "b": 1})) == {lone: 0, "b": 1}


def test_it_says_what_scikit_learn_says_and_is_a_tenth_of_its_bytes_at_most() -> None:
    rows, labels = texts(), np.array(["a", "b"] * 200)
    theirs = make_pipeline(TfidfVectorizer(**OPTIONS), LogisticRegression()).fit(rows, labels)
    ours = make_pipeline(CompactTfidfVectorizer(**OPTIONS), LogisticRegression()).fit(rows, labels)
    stored = model_bytes(ours)
    back = model_of(stored)
    assert np.array_equal(back.predict_proba(rows), theirs.predict_proba(rows))
    assert back[0].vocabulary_ == theirs[0].vocabulary_
    assert len(stored) * 10 < len(dumps(theirs))


def test_models_that_were_stored_before_still_load() -> None:
    rows, labels = texts(40), np.array(["a", "b"] * 20)
    before = make_pipeline(TfidfVectorizer(**OPTIONS), LogisticRegression()).fit(rows, labels)
    assert np.array_equal(model_of(dumps(before)).predict_proba(rows), before.predict_proba(rows))


def test_it_is_cloned_pickled_and_stored_unfitted_like_any_estimator() -> None:
    vectorizer = CompactTfidfVectorizer(**OPTIONS)
    assert clone(vectorizer).get_params() == vectorizer.get_params()
    assert model_of(model_bytes(vectorizer)).get_params() == vectorizer.get_params()
    fitted = vectorizer.fit(texts(20))
    assert pickle.loads(pickle.dumps(fitted)).vocabulary_ == fitted.vocabulary_
