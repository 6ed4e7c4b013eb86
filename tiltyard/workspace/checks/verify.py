"""Whether a project's stores still hold what was written: ledger, landed objects, Parquet files, models, counts."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from tiltyard.gate.retention import needed_models
from tiltyard.schemas.errors import TiltyardError
from tiltyard.schemas.records import Batch, Model, StoredFile
from tiltyard.stores.files import ParquetStore
from tiltyard.stores.ledger.chain.integrity import READ_ERRORS, describe_guards, missing_guards, verify_ledger
from tiltyard.stores.user_code.own_code import import_paths, missing_modules
from tiltyard.workspace.checks.registry_check import differences
from tiltyard.workspace.triggers import gate_history
from tiltyard.workspace.workspace import Workspace


@dataclass(slots=True)
class Findings:
    """What was looked at (how many of each), what is wrong, and what is worth a word though sound; a sentence each."""

    checked: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


def verify_workspace(workspace: Workspace) -> Findings:
    """Compare everything that is stored with what the ledger says of it: bytes, digests, chain and counts.

    Every byte of every file is read. A damaged ledger is reported first; if it cannot be read, verification ends there.
    """
    findings = Findings()
    findings.problems += verify_ledger(workspace.ledger)
    try:
        findings.problems += describe_guards(missing_guards(workspace.ledger))
        findings.checked["facts in the ledger"] = workspace.ledger.position()
        findings.notes += [str(one) for one in workspace.ledger.annotations.set_aside()]
        findings.checked["segments"] = len(workspace.ledger.segments.all())
        for what, count, problems in _stores(workspace):
            findings.checked[what] = count
            findings.problems += problems
        shown = differences(workspace)
        findings.problems += shown.problems
        findings.notes += [*shown.notes, *_not_loadable_here(workspace.ledger.models.all())]
    except READ_ERRORS as error:
        reason = str(error).splitlines()[0]
        findings.problems.append(f"the search ended early, the ledger cannot be read: {reason}")
    return findings


def _stores(workspace: Workspace) -> Iterator[tuple[str, int, list[str]]]:
    """Each kind of thing outside the ledger: its name, how many there are, what is wrong."""
    ledger = workspace.ledger
    objects, batches, models = ledger.batches.objects(), ledger.batches.all(), ledger.models.all()
    lost = [one for one in objects if not workspace.landed.is_intact(one)]
    yield "landed objects", len(objects), [f"landed object {one.key!r} {GONE}" for one in lost]
    pooled = [batch.pool_file for batch in batches if batch.pool_file]
    yield "pool files", len(pooled), _files(workspace.pool.parquet, pooled, "pool file")
    held = [batch.quarantine_file for batch in batches if batch.quarantine_file]
    yield "quarantine files", len(held), _files(workspace.quarantine, held, "quarantine file")
    sets = [labeled.file for labeled in ledger.models.sets()]
    yield "labeled sets", len(sets), _files(workspace.labeled_sets, sets, "labeled set")
    yield "models", len(models), list(_models(workspace, models))
    yield "batches", len(batches), [*_miscounted(batches), *_not_conserved(workspace)]
    yield "samples", sum(stored.rows for stored in pooled), list(_met_twice(workspace, pooled))


GONE = "is missing or its bytes were changed; restore it from a backup"


def _files(store: ParquetStore, stored: Iterable[StoredFile], what: str) -> list[str]:
    """The Parquet files that are not what was written."""
    return [f"{what} {one.name} {GONE}" for one in stored if not store.is_intact(one)]


def _models(workspace: Workspace, models: Iterable[Model]) -> Iterator[str]:
    """The models whose bytes are not those that were recorded, or that cannot be loaded from them.

    One of a class that is not found here is only compared by its bytes: :func:`_not_loadable_here` says so.
    """
    gone = _let_go(workspace)
    for model in models:
        try:
            if model.model_id in gone and not workspace.registry.has_bytes(model):
                continue
            workspace.registry.check(model)
            if not _gone(model):
                workspace.registry.load(model)
        except TiltyardError as error:
            yield f"model {model.model_id[:8]}: {error}"


def _let_go(workspace: Workspace) -> set[str]:
    """The models whose files were deleted on purpose, which no step may load."""
    needed = needed_models(workspace.ledger.models.all(), gate_history(workspace))
    return workspace.let_go.begun() - {str(name) for name in needed}


def _gone(model: Model) -> list[str]:
    """The modules of a model's recipe that are not found where this process looks for modules."""
    return missing_modules(import_paths(model.recipe))


def _not_loadable_here(models: Iterable[Model]) -> Iterator[str]:
    """The models of which only the bytes could be compared, and why."""
    for model in models:
        if gone := _gone(model):
            yield (
                f"model {model.model_id[:8]}: its bytes were compared, but that it loads cannot be checked "
                f"here: module {', '.join(map(repr, gone))} is not found; run this where it can be imported "
                "(PYTHONPATH)"
            )


def _miscounted(batches: Iterable[Batch]) -> Iterator[str]:
    """Batches whose rows do not add up, or whose files hold other numbers of rows."""
    for batch in batches:
        parts = batch.accepted + batch.quarantined + batch.duplicate
        if batch.read != parts:
            yield f"batch {batch.batch_id[:8]} read {batch.read} rows, but {parts} have a place"
        for stored, count in ((batch.pool_file, batch.accepted), (batch.quarantine_file, batch.quarantined)):
            if (stored.rows if stored else 0) != count:
                yield f"batch {batch.batch_id[:8]} counts {count} rows, its file {stored and stored.name} holds others"


def _not_conserved(workspace: Workspace) -> Iterator[str]:
    """Law 2 over all objects: every row read is in exactly one place."""
    rows = workspace.ledger.batches.conservation()
    if not rows.holds:
        parts = f"{rows.accepted} accepted, {rows.quarantined} quarantined, {rows.duplicate} duplicate"
        yield f"rows are not conserved: {rows.read} read, but {parts}"


def _met_twice(workspace: Workspace, pooled: list[StoredFile]) -> Iterator[str]:
    """Samples that appear in the pool more than once, counted over the existing files."""
    there = [stored for stored in pooled if workspace.pool.parquet.is_intact(stored)]
    keys: set[str] = set()
    for frame in workspace.pool.parquet.scan(there, ["sample_id"]):
        fresh = set(frame["sample_id"])
        if twice := sorted(fresh & keys):
            yield f"sample {twice[0]} appears in the pool twice ({len(twice)} such samples in one file)"
        keys |= fresh
