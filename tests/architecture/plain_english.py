"""The words that no page, message, comment or docstring uses, each with what to write instead; and where that holds.

The list is about habits of this project's own prose, not about English: each pattern was found here many times, and a
reader who searches for the thing would have used the other word.
"""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

from tests.architecture.sources import ROOT, TEXT

PLAIN = (
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "docs",
    "apps/cli",
    "apps/labeling",
    "apps/watch",
    "deployments",
    "examples",
    "flows",
    "prefect.yaml",
    "mkdocs.yml",
    "tasks",
    "tiltyard/evaluation",
    "tiltyard/gate",
    "tiltyard/monitoring",
    "tiltyard/project",
    "tiltyard/reports",
    "schemas",
    "tiltyard/ingest",
    "tiltyard/labels",
    "tiltyard/query",
    "tiltyard/samples",
    "tiltyard/stores",
    "tiltyard/training",
)
"""Files and folders whose prose is done. It grows until it holds every folder that people read."""

LEFT_OUT = (
    "docs/reference/cli.md",
    "docs/reference/ledger.md",
    "docs/reference/project-file.md",
    "docs/reference/project.schema.json",
    "docs/reference/python.md",
    "deployments/kubernetes/example/project.yaml",
)
"""Written by the code or copied from it: these follow when its folders are done."""

NARRATIVE = {
    r"\bwhoever\b|\bwhosever\b": "anyone who, users who",
    r"\bwhatever\b": "any, regardless of, even if",
    r"\bbecam(?:e|ing) of\b|\bbecomes? of\b": "where it ended, what happened to, the outcome of",
    r"\bthe story\b|\bstor(?:y|ies) of\b": "each step, a report, the history of",
    r"\btold\b": "reported, shown, described, stated",
    r"\btells? of\b": "report, describe",
    r"\bsp(?:eak|eaks|oke) (?:for|against|of)\b": "support, contradict, describe, fail",
    r"\bsay(?:s|ing)? nothing\b": "does not describe, carries no information about",
    r"\bmend(?:s|ed|ing)?\b": "fix, edit, repair, correct",
    r"\blesser\b": "with fewer rights, fully supported",
    r"\bhardly\b": "unlikely to, rarely, almost never",
    r"\bluck\b": "chance",
    r"\bby chance\b|\bchance (?:picks|picked|drew|draws|chose|decides)\b": "at random, random",
    r"\bput to (?:experts|people)\b": "sent to experts",
    r"\bteach(?:es)? (?:the )?(?:most|least)\b": "most informative",
    r"\bamounts? to\b": "resolve to, total, equal",
    r"\bfor ever\b": "permanently, never deleted",
    r"\b(?:stands?|stood) (?:in|on|at|under|beside|there|alone)\b": "is in, is stored in, appears in",
    r"\bthings stand\b": "the status",
    r"\b(?:lie|lies|lay) (?:in|on|there|beside)\b": "is in, is stored in",
    r"(?<!there )\b(?:is|are|was|were) no (?!longer|more|better|worse|different|smaller|larger|one\b)\w+":
        "is not a",
    r"\b(?:is|are) to (?:be|lie|have|hold)\b": "must, should",
    r"\bshall\b": "must, will, should",
    r"\bbear(?:s|ing)? (?:a|any|its|their|the) name": "has the name, is named",
    r"\banew\b|\bafresh\b": "again, from scratch",
    r"\baltogether\b": "in total",
    r"\b(?:thereof|therein|thereby|hitherto|henceforth|herein)\b": "rewrite",
    r"\blets? go\b": "delete, release",
    r"\basked out\b": "every sample has been queried",
    r"\bhands full\b": "overloaded",
    r"\bin hand\b": "in flight, received but not processed",
    r"\ba fault of ours\b": "a bug in Tiltyard",
    r"\bcoin\b": "at random",
    r"\btwins?\b": "duplicate, near-duplicate, concurrent run",
    r"\brulings?\b|\bruled\b": "adjudication, adjudicated",
    r"\bsift(?:s|ed|ing)?\b": "partition, check each row",
    r"\bgild(?:s|ed|ing)?\b": "mark as gold",
    r"\b(?:goes|going|went|go) round\b": "runs, runs again",
    r"\bknows? no\b": "does not know, has no",
    r"\b[Ss]o many (?:of|rows|columns|things)\b": "at most N, the maximum number of",
    r"\bsay why:": "give a reason",
    r"\bof (?:ours|theirs)\b": "our, Tiltyard's, its",
    r"\b(?:is|are) nobody's\b": "name the thing",
}  # fmt: skip
"""A pattern, whatever its case, and what to write instead."""

FENCED = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)
QUOTED_CODE = re.compile(r"``[^`]*``|`[^`]*`")


def narrative(path: Path) -> list[str]:
    """Each place of a file where its prose uses a word of the list, with what to write instead."""
    name = path.relative_to(ROOT).as_posix()
    return [
        f"{name}:{line}: {match.group()!r}, write: {plain}"
        for line, text in prose(path)
        for pattern, plain in NARRATIVE.items()
        for match in re.finditer(pattern, QUOTED_CODE.sub("`code`", text), re.IGNORECASE)
    ]


def prose(path: Path) -> Iterator[tuple[int, str]]:
    """The prose of a file, piece by piece with its line; code is left out."""
    text = path.read_text("utf-8")
    if path.suffix == ".py":
        yield from _strings(ast.parse(text))
        yield from _comments(text)
    elif path.suffix == ".md":
        yield from enumerate(FENCED.sub(_blank, text).splitlines(), start=1)
    else:
        yield from enumerate(text.splitlines(), start=1)


def plain_files() -> list[Path]:
    """Every file that is held to the list."""
    found = [path for name in PLAIN for path in _below(ROOT / name)]
    return [path for path in found if not path.relative_to(ROOT).as_posix().startswith(LEFT_OUT)]


def _below(path: Path) -> list[Path]:
    """A file itself, or every text file of a folder."""
    inner = sorted(path.rglob("*")) if path.is_dir() else [path]
    return [one for one in inner if one.is_file() and one.suffix in TEXT and "__pycache__" not in one.parts]


def _strings(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Docstrings and messages: every literal with a space in it; an f-string's values become one word."""
    inner = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts = [str(part.value) if isinstance(part, ast.Constant) else "value" for part in node.values]
            yield node.lineno, "".join(parts)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inner:
            yield node.lineno, node.value if " " in node.value else ""


def _comments(text: str) -> Iterator[tuple[int, str]]:
    """The comments of a Python file."""
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def _blank(match: re.Match[str]) -> str:
    """As many line breaks as a block had, so that the lines below keep their numbers."""
    return "\n" * match.group().count("\n")
