"""Names of classes in stored models: one for each class, wherever it is defined, and the former ones still load."""

import subprocess
import sys
from importlib import import_module

import pytest

from tests.architecture.sources import product_sources
from tiltyard import model_classes
from tiltyard.stores.registry.serialization import TRUSTED, dump_model, load_model
from tiltyard.training.tfidf import CompactTfidfVectorizer

OURS = sorted(name for name in TRUSTED if name.startswith("tiltyard."))
EVER_STORED = {
    "tiltyard.model_classes.Boosted",
    "tiltyard.model_classes.Bounded",
    "tiltyard.model_classes.CompactTfidfVectorizer",
    "tiltyard.rules.boosting.Boosted",
    "tiltyard.rules.bounds.Bounded",
    "tiltyard.rules.vocabulary.CompactTfidfVectorizer",
}
"""Names that stored models of some version hold. A new name is added; none is ever taken away."""


def test_every_name_that_was_ever_stored_is_trusted() -> None:
    assert set(OURS) == EVER_STORED


@pytest.mark.parametrize("name", sorted(EVER_STORED))
def test_each_name_is_one_of_todays_classes(name: str) -> None:
    module, _, own = name.rpartition(".")
    found = getattr(import_module(module), own)
    assert found is getattr(model_classes, own)
    assert f"{found.__module__}.{found.__qualname__}" == f"tiltyard.model_classes.{own}"


def test_a_former_name_is_found_by_a_process_that_knows_nothing_else() -> None:
    script = "import importlib; print(importlib.import_module('tiltyard.rules.bounds').Bounded.__module__)"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout == "tiltyard.model_classes\n"


def test_nothing_imports_the_former_names() -> None:
    users = [source.name for source in product_sources() if "tiltyard.rules" in source.path.read_text("utf-8")]
    assert users == ["tiltyard/rules.py", "tiltyard/stores/registry/serialization.py"]


def test_an_archive_names_the_class_by_its_stored_name() -> None:
    content = dump_model(CompactTfidfVectorizer().fit(["a word of praise", "the parcel came"]))
    assert load_model(content).transform(["a parcel"]).nnz > 0
    from skops.io import get_untrusted_types

    assert get_untrusted_types(data=content) == ["tiltyard.model_classes.CompactTfidfVectorizer"]
