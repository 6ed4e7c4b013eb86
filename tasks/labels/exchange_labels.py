"""Exchange labels with files: every annotation out, whole facts or bare labels in, none lost, none taken twice."""

from collections import defaultdict
from pathlib import Path

import polars as pl

from tiltyard.labels.files.file_format import Imported, Known, Line, is_whole
from tiltyard.labels.files.file_import import Hand, Taken, admit_facts, contradicted_by, take_facts, take_labels
from tiltyard.labels.files.strict_json import illegible
from tiltyard.labels.files.tool_formats import Shaped, shaped
from tiltyard.labels.files.values import spellings
from tiltyard.samples.features import payloads_of
from tiltyard.schemas.errors import AnnotationError, nearest
from tiltyard.schemas.project import inside
from tiltyard.schemas.records import SampleId
from tiltyard.stores.files.label_files import read_labels, write_labels
from tiltyard.tasks.step import step
from tiltyard.workspace.workspace import Workspace, open_workspace

SAMPLE_ID = "sample_id"


@step("export-labels")
def export_labels(project: str, file: str) -> int:
    """Write every annotation with all its fields to a CSV, TSV or JSON Lines file; how many."""
    return write_labels(Path(file), open_workspace(project).ledger.annotations.until())


@step("import-labels")
def import_labels(
    project: str, file: str, by: str = SAMPLE_ID, annotator: str = "import", importer: str | None = None
) -> Imported:
    """Store the annotations of a file; what became of its lines.

    An export brings whole facts, which keep who said what of which sample, and why it was asked. ``importer``, who is
    the annotator where nobody else is named, and the moment of the import are recorded with each annotation.

    A file made by hand or by another tool names a sample (by its id, or by the project's id or a reference column) and
    a label; the sample's values come from the pool, and an assignment that waits for it is answered. Good lines are
    stored, all or none of them; bad ones are named with the reason. The same file again brings nothing new.
    """
    workspace, found, brings = open_workspace(project), read_labels(Path(file)), importer or annotator
    stored = {annotation.client_key: annotation for annotation in workspace.ledger.annotations.until()}
    if is_whole(found.names):
        taken, made = admit_facts(take_facts(found.lines, stored), stored, workspace.project), Shaped()
    else:
        made = shaped(found.names, found.lines, workspace.project, key_column(workspace, by))
        hand = Hand(by, annotator, workspace.clock(), found.table, brings)
        taken = take_labels(made.lines, named_samples(workspace, made.lines, by), stored, workspace.project, hand)
    refused, new = [*found.refused, *made.refused, *taken.refused], len(taken.facts) + len(taken.labels)
    return Imported(
        lines=new + taken.known + len(refused) + made.left_out.total(),
        stored=store_labels(workspace, taken, brings),
        known=taken.known,
        refused=tuple(sorted(refused, key=lambda one: one.line)),
        ignored=tuple(made.ignored),
        left_out=dict(made.left_out),
        contradicted=contradicted_by(taken, workspace.project),
    )


def store_labels(workspace: Workspace, taken: Taken, importer: str) -> int:
    """Store what was taken; how many annotations were new."""
    annotations, now = workspace.ledger.annotations, workspace.clock()
    restored = annotations.take_over(taken.facts, imported_by=importer, now=now)
    submitted = annotations.submit(
        taken.labels,
        contract_hash=workspace.contract_hash,
        now=now,
        marked=sorted(taken.marked),
        labeling=workspace.project.labeling,
    )
    return restored + len(submitted)


def key_column(workspace: Workspace, by: str) -> str:
    """The column by which samples are named: the sample id, the project's id, or a reference."""
    columns = workspace.project.columns
    known = [SAMPLE_ID, *([columns.id] if columns.id else []), *columns.reference]
    if by not in known:
        raise AnnotationError(f"samples cannot be named by {by!r}; {nearest(by, known)}")
    return by


def named_samples(workspace: Workspace, lines: list[tuple[int, Line]], by: str) -> dict[str, list[Known]]:
    """The pool's samples that the lines name, by that name, each with the assignment that waits for it."""
    wanted = pl.Series(sorted({key for _, line in lines for key in _keys(line, by)}), dtype=pl.String)
    waiting = {one.sample_id: one.assignment_id for one in reversed(workspace.ledger.assignments.waiting())}
    samples: dict[str, list[Known]] = defaultdict(list)
    # The sample's own id is ours; a column of the project that bears the same name stands apart.
    column = by if by == SAMPLE_ID else inside(by)
    for chunk in workspace.pool.scan(workspace.pool_files(), workspace.settings.chunk_rows):
        rows = chunk.filter(pl.col(column).is_in(wanted.implode()))
        payloads = payloads_of(rows, workspace.project)
        for key, name, marked, payload in zip(
            rows[column], rows["sample_id"], rows["evaluation"], payloads, strict=True
        ):
            sample_id = SampleId(name)
            samples[key].append(Known(sample_id, payload, marked, waiting.get(sample_id)))
    return samples


def _keys(line: Line, by: str) -> list[str]:
    """The names that a line's key may stand for; none where it is no text, which is told with the line."""
    try:
        return [one for one in spellings(line.get(by)) if illegible(one) is None]
    except ValueError:
        return []
