"""Check Tiltyard's guarantees on a demo run: each check reads the stores, not the code that wrote them."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import polars as pl

from tiltyard.examples.dealing import read_rows
from tiltyard.examples.simulation import DayResult, RunLoop, Simulation
from tiltyard.labels.effective_labels import effective_labels
from tiltyard.samples.evaluation_split import draw_evaluation_set
from tiltyard.schemas.records import LabeledSet, Verdict
from tiltyard.tasks.models.rebuild_model import rebuild_model
from tiltyard.workspace.checks.verify import verify_workspace
from tiltyard.workspace.workspace import Workspace

TAMPERINGS: Final = ("UPDATE annotation SET label = 'other'", "DELETE FROM annotation")


@dataclass(frozen=True, slots=True)
class Check:
    """One check, whether it holds for the whole run, and its numbers in a sentence."""

    name: str
    title: str
    holds: bool
    sentence: str


def check_guarantees(
    simulation: Simulation, days: list[DayResult], run_loop: RunLoop, say: Callable[[str], None]
) -> list[Check]:
    """Check laws 1 to 6 and the integrity of the stores against the whole run."""
    workspace = simulation.workspace
    say("checking law 3: every object is delivered again, and the loop runs again")
    once_each = check_once_each(simulation, days, run_loop)
    say("checking the other laws")
    journal = [line for segment in workspace.ledger.segments.all() for line in workspace.ledger.segments.lines(segment)]
    return [
        check_labels(simulation),
        check_rows(workspace, days),
        once_each,
        check_moves(workspace, journal),
        check_evaluation(workspace, journal),
        check_rebuild(simulation),
        check_stores(workspace),
    ]


def check_labels(simulation: Simulation) -> Check:
    """Law 1: no annotation was lost or changed, training takes every effective label, the database refuses change."""
    workspace = simulation.workspace
    kept = {one.annotation_id: one for one in workspace.ledger.annotations.until()}
    lost = [one for one in simulation.acknowledged.values() if kept.get(one.annotation_id) != one]
    sets = workspace.ledger.models.sets()
    short = [labeled for labeled in sets if not _holds_every_label(workspace, labeled)]
    refused = [_is_refused(workspace.folder / "ledger.db", statement) for statement in TAMPERINGS]
    trained = [labeled.rows for labeled in sets if labeled.purpose == "training"]
    sentence = (
        f"{len(simulation.acknowledged)} annotations were acknowledged, {len(kept)} are in the ledger, {len(lost)} "
        f"were lost or changed; of {len(trained)} training sets and {len(sets) - len(trained)} evaluation sets "
        f"{len(short)} lack an effective label; the database refused {sum(refused)} of {len(refused)} attempts to "
        "change or delete annotations directly"
    )
    return Check("law 1", "every label is kept", not lost and not short and all(refused), sentence)


def _holds_every_label(workspace: Workspace, labeled: LabeledSet) -> bool:
    """Whether a labeled set has exactly the effective labels of its purpose at its position."""
    annotations = workspace.ledger.annotations.until(labeled.position)
    labels = effective_labels(annotations, workspace.project.effective_label)
    wanted = {(one.sample_id, one.label) for one in labels if one.evaluation == (labeled.purpose == "evaluation")}
    rows = workspace.labeled_rows(labeled.set_id)
    return set(zip(rows["sample_id"], rows["label"], strict=True)) == wanted


def _is_refused(database: Path, statement: str) -> bool:
    """Whether the database itself refuses a statement on a separate connection."""
    with closing(sqlite3.connect(database, timeout=10)) as connection:
        try:
            connection.execute(statement)
        except sqlite3.IntegrityError as error:
            return "append-only" in str(error)
        connection.rollback()
    return False


def check_rows(workspace: Workspace, days: list[DayResult]) -> Check:
    """Law 2: every row that was delivered is in exactly one place."""
    rows, delivered = workspace.ledger.batches.conservation(), delivered_rows(days)
    odd = [one for one in workspace.ledger.batches.all() if one.read != one.accepted + one.quarantined + one.duplicate]
    sentence = (
        f"{delivered} rows were delivered and {rows.read} read = {rows.accepted} accepted + "
        f"{rows.quarantined} quarantined + {rows.duplicate} duplicate"
    )
    return Check("law 2", "rows are conserved", rows.holds and not odd and rows.read == delivered, sentence)


def delivered_rows(days: list[DayResult]) -> int:
    """The number of delivered rows, with each object counted once."""
    objects = {one.key: one for result in days for one in result.day.deliveries}
    return sum(len(read_rows(one.content, one.delimiter)) - 1 for one in objects.values())


def check_once_each(simulation: Simulation, days: list[DayResult], run_loop: RunLoop) -> Check:
    """Law 3: if all objects are delivered again and the loop runs again, nothing changes."""
    before = simulation.workspace.ledger.position()
    redelivered = {one.key: one for result in days for one in result.day.deliveries}
    for delivery in redelivered.values():
        simulation.deliver(delivery)
    run_loop(str(simulation.folder))
    added = simulation.workspace.ledger.position() - before
    objects = simulation.workspace.ledger.batches.conservation().objects
    sentence = (
        f"all {len(redelivered)} objects were delivered again and the loop ran again: "
        f"{added} facts were added to the ledger's {before}, and the ledger lists {objects} objects"
    )
    return Check("law 3", "once each", added == 0 and objects == len(redelivered), sentence)


def check_moves(workspace: Workspace, journal: list[dict[str, Any]]) -> Check:
    """Law 4: each move of the champion follows a verdict that was recorded before it; the alias shows the last."""
    written = {(line["kind"], line["id"]): line["seq"] for line in journal}
    moves = workspace.ledger.champions.history()
    early = [move for move in moves if written["promotion", str(move.number)] < written["verdict", move.verdict_id]]
    champion = workspace.ledger.champions.champion_id
    shown = workspace.registry.aliases().get("champion")
    agrees = shown == (workspace.ledger.models.get(champion).registry_version if champion else None)
    back = sum(move.kind == "roll_back" for move in moves)
    verdicts = [one for one in workspace.ledger.champions.verdicts() if one.decision != "roll_back"]
    kept = sum(one.decision == "keep" for one in verdicts)
    sentence = (
        f"{len(verdicts)} challengers' verdicts, {kept} of which keep the champion; {len(moves)} changes of the "
        f"champion, {back} of them roll-backs, {len(early)} written before their verdict; "
        f"the registry's alias {'agrees with' if agrees else 'DIFFERS from'} the ledger"
    )
    return Check("law 4", "only a verdict moves the champion", not early and agrees, sentence)


def check_evaluation(workspace: Workspace, journal: list[dict[str, Any]]) -> Check:
    """Law 5: samples drawn at random for evaluation were never selected by a strategy and never trained on."""
    pool = pl.concat(workspace.pool.scan(workspace.pool_files(), workspace.settings.chunk_rows))
    drawn = draw_evaluation_set(pool["sample_id"], workspace.project.evaluation.share, workspace.project.seed)
    marked = set(pool.filter(drawn)["sample_id"])
    as_marked = bool((drawn == pool["evaluation"]).all())
    asked = [line["fact"] for line in journal if line["kind"] == "assignment"]
    chosen = [one for one in asked if one["purpose"] != "evaluation" and one["sample_id"] in marked]
    sets = [labeled for labeled in workspace.ledger.models.sets() if labeled.purpose == "training"]
    trained = {sample for one in sets for sample in workspace.labeled_rows(one.set_id)["sample_id"]} & marked
    sentence = (
        f"{len(marked)} of {pool.height} samples were drawn at random; "
        f"{len(chosen)} of them were selected by a strategy and {len(trained)} trained on"
    )
    return Check("law 5", "evaluation rows are never trained on", as_marked and not chosen and not trained, sentence)


def check_rebuild(simulation: Simulation) -> Check:
    """Law 6: the champion, refitted from its recorded inputs, makes equal predictions."""
    champion = simulation.workspace.ledger.champions.champion_id
    if champion is None:
        return Check("law 6", "every model can be rebuilt", True, "no champion yet, so there is nothing to rebuild")
    rebuilt = rebuild_model.fn(str(simulation.folder), champion)
    equal = "equal" if rebuilt.equal else "DIFFERENT"
    sentence = f"champion {champion[:8]} was refitted from its recorded inputs: {equal} predictions"
    return Check("law 6", "every model can be rebuilt", rebuilt.equal, sentence)


def check_stores(workspace: Workspace) -> Check:
    """Check all stored data against the ledger."""
    found = verify_workspace(workspace)
    checked = ", ".join(f"{count} {what}" for what, count in found.checked.items())
    sentence = "; ".join(found.problems) or f"every byte was read and compared: {checked}"
    return Check("verify", "the stores are intact", found.sound, sentence)


def summarize_labels(simulation: Simulation) -> str:
    """Whether labels were lost, in numbers."""
    workspace = simulation.workspace
    annotations = workspace.ledger.annotations.until()
    last = {labeled.purpose: labeled.rows for labeled in workspace.ledger.models.sets()}
    labels = effective_labels(annotations, workspace.project.effective_label)
    acknowledged = len(simulation.acknowledged)
    lost = acknowledged - len(annotations)
    return (
        f"{'YES' if lost else 'No'}. {acknowledged} annotations were acknowledged and {len(annotations)} "
        f"are in the ledger. They resolve to {len(labels)} effective labels (a corrected annotation counts once); "
        f"the last training used {last.get('training', 0)} and the last evaluation {last.get('evaluation', 0)}, "
        f"{sum(last.values())} in total."
    )


def summarize_trainings(simulation: Simulation) -> list[str]:
    """The labels that the first training after a rejection and after a roll-back used, of the effective ones."""
    workspace = simulation.workspace
    verdicts = workspace.ledger.champions.verdicts()
    rejected = [one for one in verdicts if one.decision == "keep" and one.champion_id]
    back = [one for one in verdicts if one.decision == "roll_back"]
    events = [("the first rejected challenger", rejected[:1]), ("the roll-back", back[:1])]
    return [_training_after(workspace, what, one) for what, found in events for one in found]


def _training_after(workspace: Workspace, what: str, verdict: Verdict) -> str:
    """The labels of the first training after a verdict, and the effective labels at that time."""
    later = [one for one in workspace.ledger.models.sets() if one.recorded_at > verdict.recorded_at]
    labeled = next((one for one in later if one.purpose == "training"), None)
    if labeled is None:
        return f"No training yet after {what}."
    labels = effective_labels(workspace.ledger.annotations.until(labeled.position), workspace.project.effective_label)
    in_force = sum(not one.evaluation for one in labels)
    return f"The training after {what} used {labeled.rows} of the {in_force} training labels."
