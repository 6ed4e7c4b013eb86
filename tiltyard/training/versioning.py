"""The version of a model, by a written rule, with the reason for each step.

Each model is compared with the one trained before it:

- **major**: the contract changed, that is what a caller sends or gets back: columns, their kinds and limits, the
  Pandera schema, the classes;
- **minor**: the recipe changed: candidates, tuning, metric, costs, seed, the rule that makes labels of annotations, the
  candidate or the parameters that were chosen, code, environment;
- **patch**: nothing but data, labels or what the project file says of other things.

The first model is 1.0.0. Versions are counted over all models, promoted or not, so a number is never reused.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from tiltyard.schemas.records import LabeledSet, Model, ModelId

ABSENT: Final = "(none)"
"""What stands for an item that one of the two does not have."""
LONGEST: Final = 60


@dataclass(frozen=True, slots=True)
class Difference:
    """One item with different values; ``ABSENT`` if one side does not have it."""

    item: str
    before: Any
    after: Any

    def __str__(self) -> str:
        """The difference as a phrase, short enough for a sentence."""
        if self.before == ABSENT:
            return f"{self.item} is new"
        if self.after == ABSENT:
            return f"{self.item} is gone"
        return f"{self.item} is {_short(self.after)}, was {_short(self.before)}"


def differences(before: Any, after: Any) -> list[Difference]:
    """Every item that differs, in the order of ``before``, then new items.

    Items of mappings are named by their path; a list of named things counts as a mapping by their names, so their
    order does not matter; other lists are compared whole. What is gone or new with all it holds is one difference.

    >>> [str(one) for one in differences({"a": {"b": 1, "c": 2}}, {"a": {"b": 1, "c": 3}, "d": {"e": 1}})]
    ['a.c is 3, was 2', 'd is new']
    """
    return list(_found("", _by_name(before), _by_name(after)))


def _found(item: str, before: Any, after: Any) -> Iterator[Difference]:
    """The differences below an item."""
    if before == after:
        return
    if not (isinstance(before, Mapping) and isinstance(after, Mapping)):
        yield Difference(item, before, after)
        return
    for name in [*before, *(name for name in after if name not in before)]:
        path = f"{item}.{name}" if item else str(name)
        yield from _found(path, _by_name(before.get(name, ABSENT)), _by_name(after.get(name, ABSENT)))


def _by_name(value: Any) -> Any:
    """A list of named things as a mapping; anything else as it is."""
    if isinstance(value, list) and value and all(isinstance(entry, Mapping) and "name" in entry for entry in value):
        return {str(entry["name"]): {key: said for key, said in entry.items() if key != "name"} for entry in value}
    return value


def _short(value: Any) -> str:
    """A value as it would be written, cut where it is long."""
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


Step = Literal["first", "major", "minor", "patch"]
TOLD: Final = 3
"""Differences that a reason names; it counts the rest."""
FOR_PEOPLE: Final = frozenset({"unit", "description"})
"""What a column says to annotators only."""
RECIPE: Final = ("candidates", "tuning", "positive", "costs", "seed", "effective_label")


@dataclass(frozen=True, slots=True)
class ModelInputs:
    """A model with the project file (as JSON) and the training set that it was made from."""

    model: Model
    project: Mapping[str, Any]
    training: LabeledSet


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """A model's version, which step led to it, and why."""

    model_id: ModelId
    major: int
    minor: int
    patch: int
    step: Step
    why: str

    @property
    def number(self) -> str:
        """The version as people write it, for example ``1.2.0``."""
        return f"{self.major}.{self.minor}.{self.patch}"


def assign_versions(models: Iterable[ModelInputs]) -> dict[ModelId, ModelVersion]:
    """The version of each model, by its id; ``models`` in the order in which they were recorded."""
    versions: dict[ModelId, ModelVersion] = {}
    before, last = None, None
    for made in models:
        last = _next(last, before, made)
        versions[made.model.model_id], before = last, made
    return versions


def model_contract(project: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a project file (as JSON) that a caller of its models must know; texts for annotators are left out."""
    columns = dict(project.get("columns") or {})
    for part in ("features", "context"):
        columns[part] = {name: _without_words(column) for name, column in (columns.get(part) or {}).items()}
    classes = [{"name": entry["name"]} for entry in project.get("classes") or ()]
    return {"columns": columns, "pandera": project.get("pandera"), "classes": classes}


def recorded_recipe(made: ModelInputs) -> dict[str, Any]:
    """All that decides over a model beside its data."""
    chosen = {name: made.model.recipe.get(name) for name in ("candidate", "estimator", "parameters")}
    code = {"code": made.model.code_version, "environment": dict(made.model.environment)}
    return {**training_settings(made.project), "chosen": chosen, **code}


def training_settings(project: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a project file (as JSON) that decides over a model beside its data and its columns."""
    return {**{name: project.get(name) for name in RECIPE}, "gate.metric": project.get("gate", {}).get("metric")}


def changed_recipe(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """What a project file (as JSON) says otherwise of the recipe than it did, as a phrase; empty where nothing."""
    found = differences(training_settings(before), training_settings(now))
    return f"the recipe changed: {summarize_differences(found)}" if found else ""


def changed_code(before: Mapping[str, str], now: Mapping[str, str]) -> str:
    """Which modules of the user's own have another source than a model's environment says; empty where none has."""
    names = sorted(name for name in {*before, *now} if before.get(name) != now.get(name))
    more = f" and {len(names) - TOLD} more" if len(names) > TOLD else ""
    return f"own code changed: {', '.join(names[:TOLD])}{more}" if names else ""


def _next(last: ModelVersion | None, before: ModelInputs | None, made: ModelInputs) -> ModelVersion:
    """The version that follows."""
    name = made.model.model_id
    if last is None or before is None:
        return ModelVersion(name, 1, 0, 0, "first", f"the first model, from {made.training.rows:,} labels")
    if found := differences(model_contract(before.project), model_contract(made.project)):
        return ModelVersion(name, last.major + 1, 0, 0, "major", f"another contract: {summarize_differences(found)}")
    if found := differences(recorded_recipe(before), recorded_recipe(made)):
        return ModelVersion(
            name, last.major, last.minor + 1, 0, "minor", f"another recipe: {summarize_differences(found)}"
        )
    return ModelVersion(name, last.major, last.minor, last.patch + 1, "patch", _of_data(before, made))


def _of_data(before: ModelInputs, made: ModelInputs) -> str:
    """How the labels differ."""
    if before.training.set_id != made.training.set_id:
        return f"other labels: {made.training.rows:,} instead of {before.training.rows:,}"
    changed = summarize_differences(differences(dict(before.project), dict(made.project)))
    return f"the same {made.training.rows:,} labels: {changed}"


def summarize_differences(found: Sequence[Difference]) -> str:
    """The first differences as a list, and how many more there are."""
    more = f" and {len(found) - TOLD} more" if len(found) > TOLD else ""
    return "; ".join(map(str, found[:TOLD])) + more


def _without_words(column: Mapping[str, Any]) -> dict[str, Any]:
    """What a column holds, without what is said of it to people."""
    return {name: value for name, value in column.items() if name not in FOR_PEOPLE}
