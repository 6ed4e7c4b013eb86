"""The ``tiltyard`` command: registers every command in the order of the loop."""

import os
import sys
import warnings
from typing import Annotated

import typer

from tiltyard.apps.cli.console.errors import CommandGroup
from tiltyard.apps.cli.data import ingest, quarantine, watch
from tiltyard.apps.cli.demo import demo
from tiltyard.apps.cli.deployment import automations, deploy
from tiltyard.apps.cli.labels import annotators, ask, export_labels, grant, import_labels, label, label_studio
from tiltyard.apps.cli.models import (
    approve,
    diff,
    explain,
    judge,
    promote,
    rebuild,
    rollback,
    run,
    show,
    train,
)
from tiltyard.apps.cli.project import doctor, example, history, init, report, restore, schema, status, verify
from tiltyard.schemas.redaction import redact_logs

app = typer.Typer(
    cls=CommandGroup,
    name="tiltyard",
    help="Every label is kept. Only better models ship.",
    epilog="See it work: tiltyard demo. Begin: tiltyard init DATA.csv --into my-project. "
    "Continue: tiltyard status shows the next command. Each command has --help and --json.",
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
)
PANELS = {
    "Start": (demo, init, example, schema),
    "Loop": (ingest, ask, train, judge, promote, approve, rollback, run),
    "Labels": (import_labels, export_labels),
    "Look": (status, history, show, diff, explain, report),
    "Trust": (verify, restore, rebuild, doctor),
    "Under Prefect": (deploy, watch, grant),
}
GROUPS = {
    "label": (label, "Labels"),
    "annotators": (annotators, "Labels"),
    "label-studio": (label_studio, "Labels"),
    "quarantine": (quarantine, "Look"),
    "automations": (automations, "Under Prefect"),
}
for panel, commands in PANELS.items():
    for command in commands:
        app.command(command.__name__.replace("_", "-"), rich_help_panel=panel)(command)
for name, (group, panel) in GROUPS.items():
    app.add_typer(group, name=name, rich_help_panel=panel)


@app.callback(invoke_without_command=True)
def tiltyard(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Show the version.")] = False,
) -> None:
    """Every label is kept. Only better models ship."""
    if version:
        from importlib.metadata import version as version_of

        typer.echo(f"tiltyard {version_of('tiltyard')}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def main() -> None:
    """Run the command that the process's arguments name."""
    prepare()
    app()


def prepare() -> None:
    """Set the environment before the first heavy import: one thread per fit, no telemetry, no warnings of libraries.

    OpenMP's threads spin while they wait for each other on busy cores; see tasks/step.py.
    """
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    os.environ.setdefault("DO_NOT_TRACK", "1")
    if not sys.warnoptions:
        # Libraries warn about each other during import; a user of the command cannot act on that.
        warnings.simplefilter("ignore")
    redact_logs()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
