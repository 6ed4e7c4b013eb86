"""A project file as text with comments, from what was guessed about some rows."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import yaml

from tiltyard.ingest.column_names import unusual_letters
from tiltyard.ingest.inference.schema_inference import NOTHING, SERIES, InferredColumn, InferredSchema, infer_range

NUMBERED: Final = re.compile(r"^(?P<head>.*?)(?P<number>0|[1-9]\d*)$")
POSITIVE: Final = ("yes", "y", "true", "1", "positive", "pos", "good", "spam", "fraud")
COMMANDS: Final = "sufq?"


@dataclass(frozen=True, slots=True)
class ProjectSource:
    """The head of a project file: its name, the data's file name, its pattern and its CSV options."""

    name: str
    data: str
    pattern: str
    csv: Mapping[str, Any]


def render_project_file(about: ProjectSource, guessed: InferredSchema, classes: Sequence[str]) -> str:
    """The project file as YAML; each line has the evidence for its value as a comment."""
    groups = group_columns(guessed.of("features"))
    parts = [
        _head(about),
        _source(about, guessed),
        _columns(guessed, groups),
        _classes(classes, guessed),
        _rules(classes, guessed),
        _display(groups),
    ]
    return "\n".join("\n".join(lines) + "\n" for lines in parts if lines)


def to_flow_yaml(value: Any) -> str:
    """A value as YAML in one line, quoted where it must be.

    >>> to_flow_yaml("no"), to_flow_yaml({"a": 1.5, "b": ["x, y"]})
    ("'no'", "{a: 1.5, b: ['x, y']}")
    """
    how: dict[str, Any] = {"default_flow_style": True, "sort_keys": False, "width": float("inf")}
    written = str(yaml.dump([value], Dumper=OneLineDumper, allow_unicode=True, **how)).strip()[1:-1]
    # Invisible characters are written by their code points, so that a reader of the file sees them.
    if not written.isprintable():
        written = str(yaml.dump([value], Dumper=OneLineDumper, allow_unicode=False, **how)).strip()[1:-1]
    return written


class OneLineDumper(yaml.SafeDumper):
    """Writes text that holds line breaks, or marks that cannot be seen, in one line with escapes."""


def _represent(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    """A text, in double quotes where it would not stay in its line."""
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if text.isprintable() else '"')


OneLineDumper.add_representer(str, _represent)


def group_columns(guesses: Sequence[InferredColumn]) -> list[list[InferredColumn]]:
    """Columns that are alike and numbered one after the other put together; every other column is a group by itself."""
    groups: list[list[InferredColumn]] = []
    for guess in guesses:
        if groups and _follows(groups[-1][-1], guess):
            groups[-1].append(guess)
        else:
            groups.append([guess])
    return [part for group in groups for part in ([group] if len(group) >= SERIES else _apart(group))]


def _apart(group: Iterable[InferredColumn]) -> list[list[InferredColumn]]:
    """Each column of a group for itself."""
    return [[guess] for guess in group]


def _follows(one: InferredColumn, other: InferredColumn) -> bool:
    """Whether a column is numbered next after another and is alike."""
    first, second = NUMBERED.match(one.name), NUMBERED.match(other.name)
    if first is None or second is None or first["head"] != second["head"]:
        return False
    alike = (one.kind, one.missing, one.missing_as) == (other.kind, other.missing, other.missing_as)
    alike = alike and one.kind in {"integer", "number"}
    return alike and int(second["number"]) == int(first["number"]) + 1 and "{" not in first["head"]


def assign_class_keys(classes: Sequence[str]) -> list[str | None]:
    """A key of the keyboard for each class: its own letter where that is free, none where classes are many.

    >>> assign_class_keys(["no", "yes", "not sure"]), assign_class_keys(["0", "1"]), assign_class_keys(["spam", "ham"])
    (['n', 'y', 'o'], ['0', '1'], ['p', 'h'])
    """
    if len(classes) > 30:
        return [None] * len(classes)
    keys: list[str | None] = []
    for name in classes:
        own = [mark for mark in name.lower() if mark.isascii() and mark.isalnum() and mark not in COMMANDS]
        keys.append(next((mark for mark in [*own, *"123456789abcdeghijklmnoprtvwxyz"] if mark not in keys), None))
    return keys


def _head(about: ProjectSource) -> list[str]:
    """The name and where the file comes from."""
    return [
        f"# Guessed by 'tiltyard init' from {_comment(about.data)}.",
        "# Review and edit it: it is your contract with the data.",
        "# Every key that may stand here is in the JSON Schema that 'tiltyard schema' prints.",
        f"name: {to_flow_yaml(about.name)}",
        'description: ""',
        "",
        "# Markdown, shown to those who label.",
        "guidelines: |",
        "  Say here what each class means, and what to do when in doubt.",
    ]


def _source(about: ProjectSource, guessed: InferredSchema) -> list[str]:
    """Where objects arrive and how they are written."""
    lines = ["source:", "  folder: incoming", f"  pattern: {to_flow_yaml(about.pattern)}"]
    csv = dict(about.csv)
    if len(guessed.nothing) > 1:
        csv["missing"] = list(guessed.nothing)
    return [*lines, f"  csv: {to_flow_yaml(csv)}"] if csv else lines


def _columns(guessed: InferredSchema, groups: Sequence[Sequence[InferredColumn]]) -> list[str]:
    """The columns by the part they play."""
    lines = ["columns:"]
    for part, why in (("id", "the producer's own key, part of a sample's identity"), ("time", "when the row happened")):
        lines += [f"  {part}: {to_flow_yaml(one.name)}  # {why}" for one in guessed.of(part)]  # type: ignore[arg-type]  # parts
    lines += ["  # What models learn from. Ranges are wider than what was met; see the comments.", "  features:"]
    lines += [_column(group) for group in groups]
    if guessed.of("context"):
        lines += ["  # Kept, shown and part of a sample's identity, never learnt from.", "  context:"]
        lines += [_column([one]) for one in guessed.of("context")]
    if references := [one.name for one in guessed.of("reference")]:
        lines += [f"  reference: {to_flow_yaml(references)}  # kept with the sample; neither identity nor feature"]
    if guessed.label is not None:
        lines += [f"  label: {to_flow_yaml(guessed.label)}  # labels that arrive with the rows are kept as annotations"]
    if left_out := guessed.of("left out"):
        told = "; ".join(f"{_comment(repr(one.name))}: {one.seen}" for one in left_out)
        lines += [f"  # Left out: {told}", "  extra: ignore"]
    return lines


def _column(group: Sequence[InferredColumn]) -> str:
    """One line for a column, or for a group of numbered ones."""
    first = group[0]
    lows, highs = [one.low for one in group], [one.high for one in group]
    content: dict[str, Any] = {"kind": first.kind}
    seen = first.seen
    met = [value for value in (*lows, *highs) if value is not None]
    if met and None not in lows:
        limits = infer_range(min(met), max(met))
        content |= {"min": limits[0], "max": limits[1]} if limits else {}
        seen = f"{min(met):.6g} to {max(met):.6g}" if len(group) > 1 else seen
    content |= {} if first.missing else {"missing": False}
    content |= {"missing_as": list(first.missing_as)} if first.missing_as else {}
    odd = [letter for one in group for letter in unusual_letters(one.name)][:3]
    seen += f"; its name has {', '.join(odd)}" if odd else ""
    return f"    {to_flow_yaml(range_name(group))}: {to_flow_yaml(content)}  # {_comment(seen)}"


def range_name(group: Sequence[InferredColumn]) -> str:
    """The one name that stands for all columns of a group.

    >>> range_name([InferredColumn("x_0", "features"), InferredColumn("x_1", "features")])
    'x_{0..1}'
    """
    first, last = NUMBERED.match(group[0].name), NUMBERED.match(group[-1].name)
    if len(group) == 1 or first is None or last is None:
        return group[0].name
    return f"{first['head']}{{{first['number']}..{last['number']}}}"


def _classes(classes: Sequence[str], guessed: InferredSchema) -> list[str]:
    """The classes with their keys."""
    if not guessed.classes:
        head = ["# What a sample can be. Nothing in the data says it: write your own names and keys."]
    else:
        head = ["# What a sample can be, from the labels that arrived; the key is the one to press in the queue."]
    if empty := [name for name in classes if guessed.classes and name in NOTHING]:
        told = ", ".join(map(repr, empty))
        head.append(f"# If {told} means that there is no label, take it out here and name it under source.csv.missing.")
    pairs = zip(classes, assign_class_keys(classes), strict=True)
    entries = [f"  - {to_flow_yaml({'name': name} | ({'key': key} if key else {}))}" for name, key in pairs]
    return [*head, "classes:", *entries, *_positive(classes)]


def _positive(classes: Sequence[str]) -> list[str]:
    """The class that two-class metrics are about."""
    if len(classes) != 2:
        return []
    known = next((name for name in classes if name.lower() in POSITIVE), classes[-1])
    return [f"positive: {to_flow_yaml(known)}  # the class that f1, roc_auc and the threshold are about"]


def _rules(classes: Sequence[str], guessed: InferredSchema) -> list[str]:
    """The few numbers that a team decides on."""
    metric, why = _metric(classes, guessed)
    return [
        "limits:",
        "  bad_rows: 0.1  # a batch with a larger share of bad rows is refused whole",
        "",
        "query:",
        "  budget: 60  # samples kept open in the queue",
        "",
        "triggers:",
        "  labels: 60  # new annotations until the next training",
        "",
        "models:",
        "  keep_rejected: 10  # rejected models whose bytes are kept; the others can be rebuilt",
        "",
        "gate:",
        f"  metric: {metric}  # {why}",
        "  minimum_labels: 50  # evaluation labels before a challenger is judged",
    ]


def _metric(classes: Sequence[str], guessed: InferredSchema) -> tuple[str, str]:
    """The metric to judge by, and why."""
    total = sum(guessed.counts.values())
    rarest = min((guessed.counts.get(name, 0) for name in classes), default=0)
    if not total or rarest * len(classes) * 2 >= total:
        return "accuracy", "the share of right answers"
    if len(classes) == 2:
        return "roc_auc", f"not accuracy: only {rarest / total:.0%} of the labels are of the rarer class"
    return "macro_f1", "not accuracy: the classes are of very different size"


def _display(groups: Sequence[Sequence[InferredColumn]]) -> list[str]:
    """How a sample is shown: as a picture, as text, or as a table."""
    texts = [group[0].name for group in groups if group[0].kind == "text"]
    picture = next((group for group in groups if _is_picture(group)), None)
    if picture is not None:
        levels, width = max(one.high or 0 for one in picture) or 1, round(len(picture) ** 0.5)
        shape = [f"  width: {width}  # pixels per line", f"  levels: {to_flow_yaml(levels)}  # a full pixel"]
        return ["display:", "  kind: image", f"  columns: {to_flow_yaml([range_name(picture)])}", *shape]
    return ["display:", "  kind: text", f"  columns: {to_flow_yaml(texts)}"] if texts else []


def _is_picture(group: Sequence[InferredColumn]) -> bool:
    """Whether a group of numbered columns may be the pixels of a square picture."""
    is_square = round(len(group) ** 0.5) ** 2 == len(group) and len(group) >= 16
    return is_square and all((one.low or 0) >= 0 for one in group) and _in_a_row(group)


def _in_a_row(group: Sequence[InferredColumn]) -> bool:
    """Whether the columns follow one another."""
    return all(_follows(one, other) for one, other in pairwise(group))


def _comment(text: str) -> str:
    """Text that stays within one comment."""
    return " ".join("".join(mark if mark.isprintable() else " " for mark in text).split())[:120]
