"""Exchange labels with files: every annotation out, whole facts or bare labels in, none lost, none taken twice."""

from collections import defaultdict
from pathlib import Path

import polars as pl

from tiltyard.labels.files.file_format import Imported, Line, PoolSample, is_full_export
from tiltyard.labels.files.file_import import (
    ImportDefaults,
    ImportPlan,
    count_contradictions,
    plan_full_import,
    plan_label_import,
    refuse_foreign_annotations,
)
from tiltyard.labels.files.strict_json import unstorable_character
from tiltyard.labels.files.tool_formats import ParsedLines, parse_lines
from tiltyard.labels.files.values import key_spellings
from tiltyard.samples.features import rows_to_payloads
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
    if is_full_export(found.names):
        taken, made = (
            refuse_foreign_annotations(plan_full_import(found.lines, stored), stored, workspace.project),
            ParsedLines(),
        )
    else:
        made = parse_lines(found.names, found.lines, workspace.project, key_column(workspace, by))
        hand = ImportDefaults(by, annotator, workspace.clock(), found.table, brings)
        taken = plan_label_import(made.lines, find_samples(workspace, made.lines, by), stored, workspace.project, hand)
    refused, new = [*found.refused, *made.refused, *taken.refused], len(taken.facts) + len(taken.labels)
    return Imported(
        lines=new + taken.known + len(refused) + made.left_out.total(),
        stored=store_labels(workspace, taken, brings),
        known=taken.known,
        refused=tuple(sorted(refused, key=lambda one: one.line)),
        ignored=tuple(made.ignored),
        left_out=dict(made.left_out),
        contradicted=count_contradictions(taken, workspace.project),
    )


def store_labels(workspace: Workspace, taken: ImportPlan, importer: str) -> int:
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


def find_samples(workspace: Workspace, lines: list[tuple[int, Line]], by: str) -> dict[str, list[PoolSample]]:
    """The pool's samples that the lines name, by that name, each with the assignment that waits for it."""
    wanted = pl.Series(sorted({key for _, line in lines for key in _keys(line, by)}), dtype=pl.String)
    waiting = {one.sample_id: one.assignment_id for one in reversed(workspace.ledger.assignments.waiting())}
    samples: dict[str, list[PoolSample]] = defaultdict(list)
    # The sample's own id is ours; a column of the project that bears the same name stands apart.
    column = by if by == SAMPLE_ID else inside(by)
    for chunk in workspace.pool.scan(workspace.pool_files(), workspace.settings.chunk_rows):
        rows = chunk.filter(pl.col(column).is_in(wanted.implode()))
        payloads = rows_to_payloads(rows, workspace.project)
        for key, name, marked, payload in zip(
            rows[column], rows["sample_id"], rows["evaluation"], payloads, strict=True
        ):
            sample_id = SampleId(name)
            samples[key].append(PoolSample(sample_id, payload, marked, waiting.get(sample_id)))
    return samples


def _keys(line: Line, by: str) -> list[str]:
    """The names that a line's key may stand for; none where it is no text, which is told with the line."""
    try:
        return [one for one in key_spellings(line.get(by)) if unstorable_character(one) is None]
    except ValueError:
        return []
