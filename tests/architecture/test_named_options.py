"""Messages name commands and options that exist: what people are told to type can be typed."""

import ast
import re
from collections.abc import Iterator
from typing import Any

import pytest
from typer.main import get_command

from tests.architecture.sources import product_sources
from tiltyard.apps.cli.main import app

OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]+")
COMMAND = re.compile(r"'tiltyard((?: [a-z][a-z-]+)+)([^']*)'")
ELSEWHERE = {"--type", "--prefect-file", "--no-prompt", "--limit"}
"""Options of Prefect's own command that messages name."""

ROOT_COMMAND: Any = get_command(app)


def options_of(command: Any) -> set[str]:
    """The options of a command, and of all below it."""
    own = {name for parameter in command.params for name in [*parameter.opts, *parameter.secondary_opts]}
    return own.union({"--help"}, *[options_of(one) for one in getattr(command, "commands", {}).values()])


def texts() -> Iterator[tuple[str, str]]:
    """Every text in the code but docstrings, with its place; parts of f-strings one by one.

    The colours of pages are left out: the style sheet names them like options.
    """
    for source in product_sources():
        if source.name.startswith("tiltyard/reports/html/"):
            continue
        documented = {
            id(node.body[0].value)
            for node in ast.walk(source.tree)
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
            and node.body
            and isinstance(node.body[0], ast.Expr)
        }
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documented:
                yield source.place(node), node.value


def unknown(text: str) -> list[str]:
    """The commands and options in a text that the command line does not have."""
    found = [name for name in OPTION.findall(text) if name not in options_of(ROOT_COMMAND) | ELSEWHERE]
    for match in COMMAND.finditer(text):
        command, said = ROOT_COMMAND, "tiltyard"
        for word in match[1].split():
            below = getattr(command, "commands", None)
            if below is None:
                break
            said = f"{said} {word}"
            if word not in below:
                found.append(said)
                break
            command = below[word]
        found += [f"{said} {name}" for name in OPTION.findall(match[0]) if name not in options_of(command)]
    return found


def test_every_command_and_option_that_a_message_names_exists() -> None:
    assert {where: unknown(text) for where, text in texts() if unknown(text)} == {}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("run 'tiltyard jugde'", ["tiltyard jugde"]),
        ("run 'tiltyard judge --fast'", ["--fast", "tiltyard judge --fast"]),
        ("name it with --nowhere", ["--nowhere"]),
        ("run 'tiltyard quarantine retry'", []),
        ("'tiltyard example' takes '--file'", []),
    ],
)
def test_an_unknown_one_would_be_seen(text: str, wanted: list[str]) -> None:
    assert unknown(text) == wanted
