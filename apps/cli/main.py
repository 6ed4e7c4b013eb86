"""The ``tiltyard`` command, put together: every command in the order of the loop."""

import os
import sys
import warnings
from typing import Annotated

import typer

from apps.cli.annotators import annotators
from apps.cli.asking import ask
from apps.cli.automations import automations
from apps.cli.demo import demo
from apps.cli.deploying import deploy
from apps.cli.differing import diff
from apps.cli.doctoring import doctor
from apps.cli.exchanging import export_labels, import_labels
from apps.cli.explaining import explain
from apps.cli.granting import grant
from apps.cli.ingesting import ingest
from apps.cli.judging import judge
from apps.cli.label_studio import label_studio
from apps.cli.labeling import label
from apps.cli.mistakes import Commands
from apps.cli.promoting import approve, promote, rollback
from apps.cli.quarantine import quarantine
from apps.cli.reporting import report
from apps.cli.running import run
from apps.cli.showing import show
from apps.cli.starting import example, init, schema
from apps.cli.telling import history, status
from apps.cli.training import rebuild, train
from apps.cli.verifying import restore, verify
from apps.cli.watching import watch
from schemas.redaction import redact_logs

app = typer.Typer(
    cls=Commands,
    name="tiltyard",
    help="Every label is kept. Only better models ship.",
    epilog="See it work: tiltyard demo. Begin: tiltyard init DATA.csv --into my-project. "
    "Go on: tiltyard status says what to do next. Each command takes --help and --json.",
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
    version: Annotated[bool, typer.Option("--version", help="Say which version this is.")] = False,
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
    """Set what must be set before the first heavy import: one thread per fit, no telemetry, no spam.

    OpenMP's threads spin while they wait for each other on cores that others use too; see tasks/step.py.
    """
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    os.environ.setdefault("DO_NOT_TRACK", "1")
    if not sys.warnoptions:
        # Libraries warn about each other while they are imported; who runs a command can do nothing about it.
        warnings.simplefilter("ignore")
    redact_logs()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
