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
from apps.cli.verifying import verify
from apps.cli.watching import watch

app = typer.Typer(
    cls=Commands,
    name="tiltyard",
    help="Every label is kept. Only better models ship.",
    epilog="Each command takes --help and --json.",
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
)
app.command(rich_help_panel="Start")(demo)
app.command(rich_help_panel="Start")(init)
app.command(rich_help_panel="Start")(example)
app.command(rich_help_panel="Start")(schema)
app.command(rich_help_panel="Loop")(ingest)
app.command(rich_help_panel="Loop")(ask)
app.add_typer(label, name="label", rich_help_panel="Loop")
app.command(rich_help_panel="Loop")(train)
app.command(rich_help_panel="Loop")(judge)
app.command(rich_help_panel="Loop")(promote)
app.command(rich_help_panel="Loop")(approve)
app.command(rich_help_panel="Loop")(rollback)
app.command(rich_help_panel="Loop")(run)
app.command(rich_help_panel="Loop")(watch)
app.add_typer(annotators, name="annotators", rich_help_panel="Labels in the browser")
app.command("import-labels", rich_help_panel="Labels in files")(import_labels)
app.command("export-labels", rich_help_panel="Labels in files")(export_labels)
app.add_typer(label_studio, name="label-studio", rich_help_panel="Labels elsewhere")
app.command(rich_help_panel="Under Prefect")(deploy)
app.add_typer(automations, name="automations", rich_help_panel="Under Prefect")
app.command(rich_help_panel="Look")(status)
app.command(rich_help_panel="Look")(history)
app.command(rich_help_panel="Look")(show)
app.command(rich_help_panel="Look")(diff)
app.command(rich_help_panel="Look")(explain)
app.command(rich_help_panel="Look")(report)
app.add_typer(quarantine, name="quarantine", rich_help_panel="Look")
app.command(rich_help_panel="Trust")(verify)
app.command(rich_help_panel="Trust")(rebuild)
app.command(rich_help_panel="Trust")(doctor)


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
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
