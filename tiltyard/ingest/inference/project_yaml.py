"""The text of a project file as data: YAML within limits, where what is written is what is meant.

Where the project file wants text, a plain word is text as it is written: ``yes``, ``no``, ``on``, ``010``, ``1_000``
and ``~`` too, which YAML would make something else of. Keys are text always. A key twice in one mapping, an alias that
grows beyond bounds, tags, infinities and control characters are refused with the line where they stand.

The text is read event by event, never as a whole tree and never by recursion, so that no file is too deep or too large
for the reader: it is refused where it passes a limit.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

from tiltyard.schemas.errors import ProjectFileError
from tiltyard.schemas.project import project_schema
from tiltyard.schemas.project.class_names import code_point
from tiltyard.schemas.project.columns import CONTROL

MOST_BYTES: Final = 4_000_000
MOST_NODES: Final = 120_000
DEEPEST: Final = 30
MOST_DIGITS: Final = 40

LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})
BOOLEANS: Final = {
    spelling: value
    for value, words in ((True, ("yes", "true", "on")), (False, ("no", "false", "off")))
    for word in words
    for spelling in (word, word.capitalize(), word.upper())
}
WHOLE: Final = re.compile(r"[-+]?(?:0|[1-9][0-9_]*)")
PADDED: Final = re.compile(r"[-+]?0[0-9_]+")
BASED: Final = re.compile(r"0[xob][0-9a-fA-F_]+")
DECIMAL: Final = re.compile(r"[-+]?(?:[0-9][0-9_]*\.?[0-9_]*|\.[0-9][0-9_]*)(?:[eE][-+]?[0-9]+)?")
NO_NUMBER: Final = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
PLAIN_TEXT: Final = "tag:yaml.org,2002:str"

Node = dict[str, Any]


def parse_yaml(text: str, where: str, path: tuple[str, ...] = ()) -> Any:
    """The data that a project file's text holds; ``path`` is the place of the file that the text stands for.

    Raises ProjectFileError, which names ``where``, the line and the remedy.

    >>> parse_yaml("{name: no, classes: [yes, no, 010], seed: 1_000}", "p.yaml")
    {'name': 'no', 'classes': ['yes', 'no', '010'], 'seed': 1000}
    >>> parse_yaml("a: 1\\na: 2", "p.yaml")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    tiltyard.schemas.errors.ProjectFileError: p.yaml: line 2: key 'a' stands twice in one mapping, in line 1 before; ...
    """
    _refuse_controls(text, where)
    node = project_schema()
    for step in path:
        node = _inside(node, step)
    builder = _Builder(where, node)
    try:
        for event in _events(text):
            builder.take(event)
    except yaml.YAMLError as error:
        raise ProjectFileError(f"{where}: {_told(error)}") from error
    return builder.whole


def decode_project_file(content: bytes, where: str) -> str:
    """A project file's bytes as text; ProjectFileError where they are too many or not UTF-8."""
    if len(content) > MOST_BYTES:
        raise ProjectFileError(
            f"{where}: a project file holds at most {MOST_BYTES:,} bytes; write numbered columns as name{{0..63}}"
        )
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise ProjectFileError(f"{where}: line {line}: this is not UTF-8 text; save the file as UTF-8") from error


def _refuse_controls(text: str, where: str) -> None:
    """Refuse characters that no text file holds, by their code point and line."""
    found = CONTROL.search(text)
    if found:
        line = text.count("\n", 0, found.start()) + 1
        raise ProjectFileError(f"{where}: line {line}: {code_point(found[0])} has no place in a text file; take it out")


def _events(text: str) -> Iterator[Any]:
    """YAML's events; the parser ends with them."""
    loader = LOADER(text)
    try:
        while loader.check_event():
            yield loader.get_event()
    finally:
        loader.dispose()


def _told(error: yaml.YAMLError) -> str:
    """What YAML's parser says, with the line before it."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    problem = str(getattr(error, "problem", None) or getattr(error, "reason", None) or "it cannot be read")
    line = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
    return f"{line}not a YAML file: {problem}; look at quotes, brackets and indentation there"


@dataclass(slots=True)
class _Open:
    """A mapping or list that has begun and not ended."""

    content: Any
    node: Node
    anchor: str | None
    nodes_before: int
    step: str | int
    key: str | None = None
    lines: dict[str, int] = field(default_factory=dict)
    merged: list[Any] = field(default_factory=list)


class _Builder:
    """Data from YAML's events, in the words of the project file's schema."""

    def __init__(self, where: str, node: Node) -> None:
        """Begin with nothing; ``node`` is the schema of the whole."""
        self.whole: Any = None
        self._where, self._node = where, node
        self._open: list[_Open] = []
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._nodes = self._documents = 0
        self._line = 1

    def take(self, event: Any) -> None:
        """Take the next event."""
        self._line = event.start_mark.line + 1
        if isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                self._refuse("a second document begins here; a project file holds one")
        elif isinstance(event, yaml.ScalarEvent):
            self._scalar(event)
        elif isinstance(event, yaml.AliasEvent):
            self._alias(str(event.anchor))
        elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            self._begin(event)
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            self._end()

    def _begin(self, event: Any) -> None:
        """A mapping or list begins."""
        self._refuse_tag(event.tag)
        if self._wants_key():
            self._refuse("a key is a list or a mapping; keys are text")
        if len(self._open) >= DEEPEST:
            self._refuse(f"nested deeper than {DEEPEST} levels; a project file is flat")
        self._count(1)
        content: Any = {} if isinstance(event, yaml.MappingStartEvent) else []
        self._open.append(_Open(content, self._child_node(), event.anchor, self._nodes, self._step()))

    def _end(self) -> None:
        """The innermost mapping or list ends."""
        done = self._open.pop()
        if done.merged:
            done.content = {
                name: value for part in reversed(done.merged) for name, value in part.items()
            } | done.content
        if done.anchor:
            self._anchors[done.anchor] = (done.content, self._nodes - done.nodes_before + 1)
        self._put(done.content)

    def _scalar(self, event: Any) -> None:
        """A key, or a value that is neither list nor mapping."""
        self._count(1)
        self._refuse_tag(event.tag)
        if self._wants_key():
            self._key(self._clean(event.value), not event.style)
            return
        as_written = bool(event.style) or event.tag == PLAIN_TEXT
        value = self._clean(event.value) if as_written else self._plain(event.value)
        if event.anchor:
            self._anchors[event.anchor] = (value, 1)
        self._put(value)

    def _alias(self, name: str) -> None:
        """What an anchor stands for, once more; it counts as often as it is written."""
        if name not in self._anchors:
            self._refuse(f"*{name} stands for nothing that is complete here; write it out")
        value, nodes = self._anchors[name]
        self._count(nodes)
        if self._wants_key():
            self._refuse(f"*{name} is a key; write it out")
        self._put(value)

    def _key(self, key: str, plain: bool) -> None:
        """The key of the next value."""
        inner = self._open[-1]
        if not (plain and key == "<<") and key in inner.lines:
            before = inner.lines[key]
            self._refuse(f"key {key!r:.80} stands twice in one mapping, in line {before} before; keep one")
        inner.key, inner.lines[key] = key, self._line

    def _put(self, value: Any) -> None:
        """A value at its place."""
        if not self._open:
            self.whole = value
        elif isinstance(self._open[-1].content, list):
            self._open[-1].content.append(value)
        else:
            self._put_into(self._open[-1], value)

    def _put_into(self, inner: _Open, value: Any) -> None:
        """A value under its key; ``<<`` merges mappings."""
        key, inner.key = str(inner.key), None
        if key != "<<":
            inner.content[key] = value
            return
        parts = value if isinstance(value, list) else [value]
        if not all(isinstance(part, dict) for part in parts):
            self._refuse("'<<' merges mappings, here is something else")
        inner.merged += parts

    def _plain(self, text: str) -> Any:
        """A value without quotes, as the schema wants it."""
        node = self._child_node()
        if _wants_text(node):
            return None if node.get("nullable") and text in NULLS else self._clean(text)
        if text in NULLS:
            return None
        if text in BOOLEANS:
            return BOOLEANS[text]
        return self._number(text)

    def _number(self, text: str) -> Any:
        """A number, else the text itself."""
        if NO_NUMBER.fullmatch(text):
            self._refuse(f"{text} is not a number that can be compared; leave out a limit that does not exist")
        if PADDED.fullmatch(text):
            self._refuse(f"{text} may be read to the base of 8 or 10; write it without the zero, or in quotes as text")
        digits = text.replace("_", "")
        if len(digits) > MOST_DIGITS and DECIMAL.fullmatch(text):
            self._refuse(f"a number of {len(digits):,} characters; at most {MOST_DIGITS} are taken")
        if WHOLE.fullmatch(text) or BASED.fullmatch(text):
            return self._whole(digits)
        if DECIMAL.fullmatch(text):
            value = float(digits)
            if not math.isfinite(value):
                self._refuse(f"{text} is larger than any number that a computer holds; take a smaller one")
            return value
        return self._clean(text)

    def _whole(self, digits: str) -> Any:
        """A whole number; what only begins like one is text."""
        try:
            return int(digits, 0)
        except ValueError:
            return digits

    def _clean(self, text: str) -> str:
        """Text without control characters, which only a delimiter may be."""
        found = CONTROL.search(text)
        if found and [one.step for one in self._open[1:3]] != ["source", "csv"]:
            self._refuse(f"the text holds {code_point(found[0])}, which nobody sees and screens obey; take it out")
        return text

    def _count(self, nodes: int) -> None:
        """Count what was read; a small file may stand for a huge one."""
        self._nodes += nodes
        if self._nodes > MOST_NODES:
            self._refuse(f"more than {MOST_NODES:,} values, aliases counted; a project file is smaller")

    def _refuse_tag(self, tag: str | None) -> None:
        """Refuse types beyond YAML's plain ones."""
        if tag not in (None, "!", PLAIN_TEXT):
            self._refuse(f"the tag {tag!r:.80} is not taken; write the value plainly")

    def _wants_key(self) -> bool:
        """Whether what comes next is a key."""
        return bool(self._open) and isinstance(self._open[-1].content, dict) and self._open[-1].key is None

    def _step(self) -> str | int:
        """The step from the innermost mapping or list to what comes next."""
        if not self._open:
            return ""
        inner = self._open[-1]
        return len(inner.content) if isinstance(inner.content, list) else str(inner.key)

    def _child_node(self) -> Node:
        """The schema of what comes next."""
        return _inside(self._open[-1].node, self._step()) if self._open else self._node

    def _refuse(self, why: str) -> None:
        """Raise ProjectFileError with the line and the keys that lead there."""
        steps = [str(one.step) for one in self._open[1:]]
        inner = self._open[-1] if self._open else None
        steps += [inner.key] if inner is not None and inner.key is not None else []
        place = f" ({'.'.join(steps)[:120]})" if steps else ""
        raise ProjectFileError(f"{self._where}: line {self._line}{place}: {why}")


def _inside(node: Node, step: str | int) -> Node:
    """The schema one step further in; empty where there is none."""
    if isinstance(step, int):
        return _resolved(node.get("items") or {})
    inner = node.get("properties", {}).get(step) or node.get("additionalProperties")
    return _resolved(inner if isinstance(inner, dict) else {})


def _resolved(node: Node) -> Node:
    """A schema with its reference followed; of several the first that is not null, marked as one that may be null."""
    if "$ref" in node:
        return _resolved(project_schema()["$defs"][node["$ref"].rsplit("/", 1)[-1]])
    if "anyOf" in node:
        others = [one for one in node["anyOf"] if one.get("type") != "null"]
        return {**_resolved(others[0]), "nullable": len(others) < len(node["anyOf"])}
    return node


def _wants_text(node: Node) -> bool:
    """Whether the schema wants text; a class may be its bare name."""
    return node.get("type") == "string" or "enum" in node or node.get("title") == "ClassName"
