"""Vocabularies are stored compactly, and come back the same."""

import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from skops.io import dumps

from tiltyard.query.feature_space import Candidates, column_encoder, to_points
from tiltyard.samples.tokens import TOKEN
from tiltyard.schemas.project import Candidate, Project
from tiltyard.stores.registry.serialization import dump_model, load_model
from tiltyard.training import recipes
from tiltyard.training.tfidf import CompactTfidfVectorizer, pack, unpack

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
    stored = dump_model(ours)
    back = load_model(stored)
    assert np.array_equal(back.predict_proba(rows), theirs.predict_proba(rows))
    assert back[0].vocabulary_ == theirs[0].vocabulary_
    assert len(stored) * 10 < len(dumps(theirs))


def test_models_that_were_stored_before_still_load() -> None:
    rows, labels = texts(40), np.array(["a", "b"] * 20)
    before = make_pipeline(TfidfVectorizer(**OPTIONS), LogisticRegression()).fit(rows, labels)
    assert np.array_equal(load_model(dumps(before)).predict_proba(rows), before.predict_proba(rows))


def test_it_is_cloned_pickled_and_stored_unfitted_like_any_estimator() -> None:
    vectorizer = CompactTfidfVectorizer(**OPTIONS)
    assert clone(vectorizer).get_params() == vectorizer.get_params()
    assert load_model(dump_model(vectorizer)).get_params() == vectorizer.get_params()
    fitted = vectorizer.fit(texts(20))
    assert pickle.loads(pickle.dumps(fitted)).vocabulary_ == fitted.vocabulary_


SCRIPTS = {
    "emoji": ("👍😀🎉", "😢👎💩"),
    "emoji with joiners and skin": ("👩‍💻👍🏽", "👨‍🚒👎🏿"),
    "flags": ("🇧🇷🇧🇷", "🇯🇵"),
    "chinese": ("我很高兴今天天气好", "我很难过今天下雨了"),
    "japanese": ("とてもうれしい", "かなしいです"),
    "thai": ("วันนี้ดีมาก", "วันนี้แย่มาก"),
    "burmese": ("ကောင်းတယ်", "ဆိုးတယ်"),
    "khmer": ("ល្អណាស់", "អាក្រក់ណាស់"),
    "korean": ("정말 좋아요", "정말 싫어요"),
    "hindi": ("बहुत अच्छा", "बहुत बुरा"),
    "arabic": ("جيد جدا", "سيئ جدا"),
    "hebrew with points": ("טוֹב", "רַע"),
    "decomposed accents": ("de\u0301ja\u0300", "jamais"),
    "one letter": ("a b a", "c d"),
    "digits": ("1 2 2", "7 8"),
    "punctuation": ("!!! :)", "... :("),
    "stop words": ("the of", "and to"),
    "symbols": ("€ ∞ ♥", "$ ≠ ♠"),
    "underscores": ("___", "_-_"),
    "control characters": ("\x00\x01", "\x02\x03"),
}
"""Two texts of each script that a model is to tell apart."""


@pytest.mark.parametrize("name", SCRIPTS)
@pytest.mark.parametrize("estimator", ["LINEAR", "TREES"])
def test_a_model_learns_from_every_script(name: str, estimator: str) -> None:
    one, other = SCRIPTS[name]
    frame, labels = pd.DataFrame({"text": [one, other] * 20}), np.array(["a", "b"] * 20)
    model = recipe_for(getattr(recipes, estimator)).fitted(frame, labels)
    assert (model.predict(frame) == labels).all()
    assert np.isfinite(model.predict_proba(pd.DataFrame({"text": ["", "!", "new words", "新", "🆕"]}))).all()
    assert np.array_equal(load_model(dump_model(model)).predict_proba(frame), model.predict_proba(frame))


@pytest.mark.parametrize("texts", [[""], [" ", "\n\t"], ["", "!"], ["(missing)"], ["", "", "word"]])
@pytest.mark.parametrize("estimator", ["LINEAR", "TREES"])
def test_texts_that_say_nothing_end_no_training(texts: list[str], estimator: str) -> None:
    frame = pd.DataFrame({"text": (texts * 20)[:20]})
    model = recipe_for(getattr(recipes, estimator)).fitted(frame, np.array(["a", "b"] * 10))
    told = model.predict_proba(pd.DataFrame({"text": ["", "!", "words", "新", *texts]}))
    assert np.isfinite(told).all()


@settings(max_examples=40)
@given(st.lists(st.text(max_size=8), min_size=1, max_size=6), st.lists(st.text(max_size=8), min_size=1, max_size=4))
def test_whatever_the_texts_there_is_a_vocabulary(known: list[str], new: list[str]) -> None:
    for own in (CompactTfidfVectorizer(token_pattern=TOKEN), CompactTfidfVectorizer(**OPTIONS)):
        fitted = own.fit_transform(known)
        assert fitted.shape == (len(known), len(own.vocabulary_))
        assert np.array_equal(own.transform(known).toarray(), fitted.toarray())
        assert np.array_equal(clone(own).fit(known).transform(new).toarray(), own.transform(new).toarray())


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("I don't care, ok?", ["i", "don", "t", "care", "ok"]),
        ("👍👍 très bon!", ["👍", "👍", "très", "bon"]),
        ("de\u0301ja\u0300 vu", ["de\u0301ja\u0300", "vu"]),
        ("我喜欢 Python3", ["我", "喜", "欢", "python3"]),
        ("5 stars", ["5", "stars"]),
        ("... !?", []),
    ],
)
def test_tokens_are_words_characters_without_spaces_and_symbols(text: str, tokens: list[str]) -> None:
    assert CompactTfidfVectorizer(token_pattern=TOKEN).build_analyzer()(text) == tokens


def test_rows_of_emoji_are_not_all_the_same_point() -> None:
    frame = pd.DataFrame({"text": ["👍😀🎉", "😢👎💩", "我很高兴"]})
    points, _ = to_points(Candidates(X=frame, scores=np.zeros(3), encoder=column_encoder(PROJECT)))
    assert len(np.unique(points, axis=0)) == 3


PROJECT = Project.model_validate(
    {"name": "p", "columns": {"features": {"text": {"kind": "text"}}}, "classes": ["a", "b"]}
)


def recipe_for(estimator: str) -> recipes.Recipe:
    return recipes.build_recipe(Candidate(name="one", estimator=estimator), {}, PROJECT, seed=0)
