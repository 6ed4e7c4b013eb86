"""A fitted model as bytes and back, by skops: only types that we name may come to life, nothing is executed.

A file's own list of trusted types is never used: someone who changes the bytes can change the list. skops is imported
where it is used: it walks through all of scikit-learn at its import, and most commands touch no model.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Final
from zipfile import ZIP_DEFLATED

from tiltyard.schemas.errors import RegistryError
from tiltyard.training.stored_models import refuse_unsound

TRUSTED: Final = frozenset(
    {
        "numpy.dtype",
        "sklearn.calibration._CalibratedClassifier",
        "sklearn.calibration._SigmoidCalibration",
        "sklearn.calibration._TemperatureScaling",
        # skops leaves trees out because a crafted file could hold node numbers out of bounds. We load only
        # bytes whose SHA-256 the ledger recorded when we wrote them ourselves, and look at every node.
        "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
        "sklearn.metrics._dist_metrics.EuclideanDistance64",
        "sklearn.neighbors._ball_tree.BallTree",
        "sklearn.neighbors._kd_tree.KDTree",
        "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
        "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
        "sklearn.tree._tree.Tree",
        "sklearn.utils._bunch.Bunch",
        "tiltyard.model_classes.Boosted",
        "tiltyard.model_classes.Bounded",
        "tiltyard.model_classes.CompactTfidfVectorizer",
        # What models of older versions call the same three classes: see tiltyard/rules.py.
        "tiltyard.rules.boosting.Boosted",
        "tiltyard.rules.bounds.Bounded",
        "tiltyard.rules.vocabulary.CompactTfidfVectorizer",
    }
)
"""Types beyond skops's own list that models of scikit-learn consist of, and our own."""

LEVEL: Final = 6
"""How hard the bytes are compressed: a text model shrinks to a fifth, at almost the same loading time."""

KEPT: Final = 3
"""Models that stay in memory: as many as one verdict asks, challenger, champion and the one trained before."""
KEPT_BYTES: Final = 50_000_000
"""A model of more bytes is read each time."""


def dump_model(model: Any) -> bytes:
    """A fitted model as skops bytes; RegistryError where it cannot be written."""
    from skops.io import dumps

    try:
        content: bytes = dumps(model, compression=ZIP_DEFLATED, compresslevel=LEVEL)
    except Exception as error:  # skops passes on any exception of the model's own objects
        raise RegistryError(f"{type(model).__name__} cannot be written by skops: {error}") from error
    return content


def load_model(content: bytes, own_types: Iterable[str] = ()) -> Any:
    """The model that bytes hold; RegistryError names the types that are not trusted.

    The models that were asked for last are kept, so each must be queried, never changed: a verdict asks challenger and
    champion several times, and to read a forest takes longer than its answers.
    """
    trusted = frozenset(own_types)
    return _read_once(content, trusted) if len(content) <= KEPT_BYTES else _read(content, trusted)


def check_reloads(model: Any, own_types: Iterable[str] = ()) -> None:
    """Raise RegistryError where a model cannot be written and read again; nothing is kept."""
    _read(dump_model(model), frozenset(own_types))


def _read(content: bytes, own_types: frozenset[str]) -> Any:
    """The model, made from its bytes and looked through."""
    from skops.io.exceptions import UntrustedTypesFoundException

    try:
        model = _made(content, own_types)
        refuse_unsound(model)
    except UntrustedTypesFoundException as error:
        raise RegistryError(
            f"the model holds types that are not trusted: {', '.join(_strangers(content, own_types))}; "
            "if you wrote them or trust their author, name them under 'trusted' in the project file "
            "(loading a model then runs their code); else use estimators that skops knows"
        ) from error
    except Exception as error:  # a damaged archive fails in many ways, a class may be gone
        raise RegistryError(
            f"these bytes are not a skops model that can be loaded here: {type(error).__name__}: {error}"
        ) from error
    return model


def _made(content: bytes, own_types: frozenset[str]) -> Any:
    """What skops makes of the bytes, types of modules that are trusted as a whole included."""
    from skops.io import loads
    from skops.io.exceptions import UntrustedTypesFoundException

    trusted = TRUSTED | own_types
    try:
        return loads(content, trusted=sorted(trusted))
    except UntrustedTypesFoundException:
        if _strangers(content, own_types):
            raise
        return loads(content, trusted=sorted({*trusted, *_untrusted(content)}))


def _strangers(content: bytes, own_types: frozenset[str]) -> list[str]:
    """The types in a model's bytes that nobody trusts, neither by name nor with their module."""
    unknown = _untrusted(content) - TRUSTED - own_types
    return sorted(name for name in unknown if not any(name.startswith(f"{one}.") for one in own_types))


def _untrusted(content: bytes) -> set[str]:
    """The types in a model's bytes that skops does not trust by itself."""
    from skops.io import get_untrusted_types

    return set(get_untrusted_types(data=content))


_read_once: Final = lru_cache(maxsize=KEPT)(_read)


def forget() -> None:
    """Keep no model any longer."""
    _read_once.cache_clear()
