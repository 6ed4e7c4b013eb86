"""Complete ``--help``: add an example to each command, and let its paragraphs wrap at any width."""

from typing import Any, Final

from typer.core import TyperGroup

EXAMPLES: Final = {
    "annotators add": "tiltyard annotators add ada --role adjudicator",
    "annotators list": "tiltyard annotators list",
    "annotators revoke": "tiltyard annotators revoke ada",
    "approve": "tiltyard approve --reason 'the report convinced me'",
    "ask": "tiltyard ask --budget 40",
    "automations apply": "tiltyard automations apply --project bank",
    "automations list": "tiltyard automations list",
    "automations remove": "tiltyard automations remove --project bank",
    "demo": "tiltyard demo",
    "deploy": "tiltyard deploy --project bank",
    "diff": "tiltyard diff champion challenger --samples 30",
    "doctor": "tiltyard doctor",
    "example": "tiltyard example digits my-digits",
    "explain": "tiltyard explain 98b26c43 --model champion",
    "export-labels": "tiltyard export-labels labels.jsonl",
    "grant": "tiltyard grant tiltyard_writer --project bank",
    "history": "tiltyard history",
    "import-labels": "tiltyard import-labels answers.csv --by scan_id --annotator ada",
    "ingest": "tiltyard ingest --project my-project",
    "init": "tiltyard init orders.csv --into orders --label returned",
    "judge": "tiltyard judge --what-if --set gate.confidence=0.9",
    "label": "tiltyard label --annotator ada --count 20",
    "label secret": "tiltyard label secret",
    "label serve": "tiltyard label serve --demo --port 8080",
    "label-studio pull": "tiltyard label-studio pull",
    "label-studio push": "tiltyard label-studio push --count 40",
    "label-studio status": "tiltyard label-studio status",
    "promote": "tiltyard promote",
    "quarantine list": "tiltyard quarantine list",
    "quarantine retry": "tiltyard quarantine retry --all",
    "quarantine show": "tiltyard quarantine show 4d1f --rows 5",
    "rebuild": "tiltyard rebuild champion",
    "report": "tiltyard report challenger --out verdict.html",
    "restore": "tiltyard restore --project bank",
    "rollback": "tiltyard rollback --reason 'too many false alarms'",
    "run": "tiltyard run --from train --to judge",
    "schema": "tiltyard schema",
    "show": "tiltyard show 1.2.0",
    "status": "tiltyard status --json",
    "train": "tiltyard train --force",
    "verify": "tiltyard verify",
    "watch": "tiltyard watch --project bank --project hotel",
}
"""An example of each command, as typed."""


def add_examples(group: TyperGroup, above: str = "") -> None:
    """Add an example to every command of a group and its subgroups, and let its help text wrap."""
    for name, command in group.commands.items():
        words = f"{above}{name}"
        command.help = reflow(command.help or "")
        if words in EXAMPLES:
            command.epilog = f"Example: {EXAMPLES[words]}"
        below: Any = command
        if isinstance(below, TyperGroup):
            add_examples(below, f"{words} ")


def reflow(text: str) -> str:
    """A text with one line for each paragraph.

    >>> reflow("First\\n  line.\\n\\nSecond.")
    'First line.\\n\\nSecond.'
    """
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in text.split("\n\n"))
