"""An estimator from its import path and parameters, refused with a reason where it breaks scikit-learn's contract."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib import import_module
from inspect import Parameter, signature
from typing import Any, Final

from tiltyard.schemas.errors import TrainingError, nearest
from tiltyard.schemas.project import Candidate

METHODS: Final = ("fit", "predict", "predict_proba", "get_params", "set_params", "__sklearn_tags__")
KINDS: Final = {
    "regressor": "predicts numbers, and a prediction here is a class: regression is not offered",
    "clusterer": "finds groups without labels, and is not a classifier",
    "outlier_detector": "finds outliers without labels, and is not a classifier",
    "transformer": "changes columns, and is not a classifier",
}
"""Kinds of scikit-learn estimators that cannot be candidates, and the reason."""
EXAMPLE: Final = "sklearn.linear_model.LogisticRegression"


def build_estimator(path: str, parameters: Mapping[str, Any], seed: int) -> Any:
    """The unfitted estimator at an import path, with its parameters and, where it has one, its ``random_state``.

    A parameter written as ``{estimator: path, parameters: {...}}`` is itself an estimator, so that
    calibration, bagging and the like can be named. Raises TrainingError when the path cannot be imported, a
    parameter is unknown (naming the nearest), it is not a classifier (a regressor, say), a method of scikit-learn's
    contract is missing, or it cannot be cloned.
    """
    estimator = _constructed(path, parameters, seed)
    _refuse_other_kinds(estimator, path)
    missing = [method for method in METHODS if not hasattr(estimator, method)]
    if missing:
        raise TrainingError(f"estimator {path!r} has no {missing[0]}(); {_advice(missing[0])}")
    _refuse_uncloneable(estimator, path)
    return seeded(estimator, seed)


def named_types(candidates: Iterable[Candidate]) -> list[str]:
    """The classes that candidates name as estimators, as ``module.Class`` where they are defined.

    Naming a class in the project file lets it run, so it may also be in a stored model. A path that cannot be
    imported is left out; fitting it says why.
    """
    described = [{"estimator": one.estimator, "parameters": one.parameters} for one in candidates]
    return sorted({name for description in described for name in types_of_recipe(description)})


def types_of_recipe(recipe: Mapping[str, Any]) -> set[str]:
    """The classes that one recipe (``estimator``, ``parameters``) names, as ``module.Class``."""
    return {name for path in _paths(recipe) if (name := _defined_at(path))}


def with_parameters(estimator: Any, path: str, parameters: Mapping[str, Any]) -> Any:
    """The same estimator with other parameters set; nested names (``estimator__C``) are allowed."""
    known = estimator.get_params(deep=True)
    _refuse_unknown(path, parameters, known)
    return estimator.set_params(**parameters)


def seeded(estimator: Any, seed: int) -> Any:
    """The estimator with every ``random_state`` that is not set, its own and nested ones, set from the seed."""
    open_states = {
        name: seed % 2**32
        for name, value in estimator.get_params(deep=True).items()
        if value is None and (name == "random_state" or name.endswith("__random_state"))
    }
    return estimator.set_params(**open_states)


def _constructed(path: str, parameters: Mapping[str, Any], seed: int) -> Any:
    """The object that the path's class or function makes of the parameters."""
    # It brings scikit-learn, which who only reads the project file need not wait for.
    from tiltyard.training.boosting.candidates import boosted

    factory = _imported(path)
    plain = {name: value for name, value in parameters.items() if "__" not in name}
    nested = {name: value for name, value in parameters.items() if "__" in name}
    _refuse_unknown(path, plain, _accepted(factory, plain))
    try:
        values = {name: _value(value, seed) for name, value in plain.items()}
        wrapped = boosted(factory, values, seed)
        estimator = factory(**values) if wrapped is None else wrapped
    except Exception as error:  # a user's own constructor may raise anything, a library refuses values in its own way
        raise TrainingError(f"estimator {path!r} cannot be made: {error}") from error
    return with_parameters(estimator, path, nested) if nested else estimator


def _imported(path: str) -> Callable[..., Any]:
    """The class or function at an import path."""
    place, _, name = path.rpartition(".")
    if not place:
        raise TrainingError(f"estimator {path!r} is not an import path such as {EXAMPLE}")
    try:
        module = import_module(place)
    except Exception as error:  # a user's module may fail in any way while it is imported
        remedy = _how_to_install(error)
        if remedy:
            raise TrainingError(f"estimator {path!r}: {place.partition('.')[0]} is not installed; {remedy}") from error
        raise TrainingError(f"estimator {path!r}: cannot import {place!r}: {error}") from error
    if not callable(getattr(module, name, None)):
        raise TrainingError(f"estimator {path!r}: {place!r} has no {name!r}; {nearest(name, _public(module))}")
    found: Callable[..., Any] = getattr(module, name)
    return found


def _how_to_install(error: Exception) -> str:
    """What installs the library that an import missed, where it is one that candidates are known to come from."""
    from tiltyard.training.boosting.libraries import how_to_install

    return how_to_install(error.name or "") if isinstance(error, ModuleNotFoundError) else ""


def _public(module: Any) -> list[str]:
    """The names of a module's public classes."""
    return [name for name in dir(module) if not name.startswith("_") and isinstance(getattr(module, name), type)]


def _accepted(factory: Callable[..., Any], given: Iterable[str]) -> set[str]:
    """The parameter names that a factory takes; None if it accepts any."""
    from tiltyard.training.boosting.candidates import known_parameters

    known = known_parameters(factory)
    if known is not None:
        return known
    parameters = signature(factory).parameters
    takes_any = any(parameter.kind is Parameter.VAR_KEYWORD for parameter in parameters.values())
    return set(parameters) | (set(given) if takes_any else set())


def _refuse_unknown(path: str, given: Iterable[str], known: Iterable[str]) -> None:
    """Raise for the first name that is not known."""
    accepted = set(known)
    for name in given:
        if name not in accepted:
            raise TrainingError(f"estimator {path!r} has no parameter {name!r}; {nearest(name, accepted)}")


def _value(value: Any, seed: int) -> Any:
    """A parameter as the project file writes it, or the estimator that it describes."""
    if isinstance(value, Mapping) and "estimator" in value and set(value) <= {"estimator", "parameters"}:
        return seeded(_constructed(value["estimator"], value.get("parameters", {}), seed), seed)
    if isinstance(value, list) and any(_paths(value)):
        return [_step(one, seed) for one in value]
    return value


def _step(value: Any, seed: int) -> Any:
    """One entry of a list that describes estimators; a named one, ``[name, {estimator: ...}]``, as a pair."""
    if isinstance(value, list) and len(value) == 2 and isinstance(value[0], str):
        return value[0], _value(value[1], seed)
    return _value(value, seed)


def _paths(value: Any) -> Iterator[str]:
    """Every import path in an estimator's description, its own and those of its parameters."""
    if isinstance(value, Mapping) and "estimator" in value and isinstance(value["estimator"], str):
        yield value["estimator"]
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    for part in inner:
        yield from _paths(part)


def _defined_at(path: str) -> str:
    """Where the class at an import path is defined; empty when there is none."""
    try:
        found = _imported(path)
    except TrainingError:
        return ""
    return f"{found.__module__}.{found.__qualname__}" if isinstance(found, type) else ""


def _refuse_other_kinds(estimator: Any, path: str) -> None:
    """Raise for an estimator whose tags name another kind than a classifier."""
    if isinstance(estimator, type) or not hasattr(estimator, "__sklearn_tags__"):
        return
    # Every workspace knows this module, and scikit-learn takes a second to import.
    from sklearn.utils import get_tags

    kind = get_tags(estimator).estimator_type
    if kind in KINDS:
        raise TrainingError(f"estimator {path!r} {KINDS[kind]}; name a classifier, for example {EXAMPLE}")


def _refuse_uncloneable(estimator: Any, path: str) -> None:
    """Raise for an estimator of which no fresh copy can be made: each fold is fitted on one."""
    from sklearn.base import clone  # likewise

    try:
        clone(estimator)
    except (RuntimeError, TypeError) as error:
        raise TrainingError(
            f"estimator {path!r} cannot be cloned: {error}; its __init__ must keep each parameter as it was given, "
            "under the same name"
        ) from error


def _advice(method: str) -> str:
    """What to do about a missing method."""
    if method == "predict_proba":
        return "choosing rows needs probabilities: wrap it in sklearn.calibration.CalibratedClassifierCV"
    return "a candidate keeps scikit-learn's contract: derive it from ClassifierMixin and BaseEstimator"
