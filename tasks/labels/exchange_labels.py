"""Exchange labels with files: export every annotation, import full exports or plain labels."""

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
    """Write every annotation with all its fields to a CSV, TSV or JSON Lines file; their number."""
    return write_labels(Path(file), open_workspace(project).ledger.annotations.until())


@step("import-labels")
def import_labels(
    project: str, file: str, by: str = SAMPLE_ID, annotator: str = "import", importer: str | None = None
) -> Imported:
    """Store the annotations of a file; the outcome of its lines.

    An export contains complete annotations with annotator, sample, act and the reason of the query. ``importer`` (by
    default the annotator) and the time of the import are recorded with each annotation.

    A file made by hand or by another tool identifies a sample (by its id, the project's id or a reference column) and
    has a label; the sample's values come from the pool, and its open assignment is completed. Valid lines are stored,
    all or none of them; invalid ones are listed with the reason. Importing the same file again adds nothing.
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
    """Store the planned annotations; the number of new ones."""
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
    """The column that identifies samples: the sample id, the project's id, or a reference."""
    columns = workspace.project.columns
    known = [SAMPLE_ID, *([columns.id] if columns.id else []), *columns.reference]
    if by not in known:
        raise AnnotationError(f"samples cannot be identified by {by!r}; {nearest(by, known)}")
    return by


def find_samples(workspace: Workspace, lines: list[tuple[int, Line]], by: str) -> dict[str, list[PoolSample]]:
    """The pool's samples that the lines identify, by that key, each with its open assignment."""
    wanted = pl.Series(sorted({key for _, line in lines for key in _keys(line, by)}), dtype=pl.String)
    waiting = {one.sample_id: one.assignment_id for one in reversed(workspace.ledger.assignments.waiting())}
    samples: dict[str, list[PoolSample]] = defaultdict(list)
    # sample_id is Tiltyard's own id; a project's column of the same name has another internal name.
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
    """The possible spellings of a line's key; none if it is not text, which is reported with the line."""
    try:
        return [one for one in key_spellings(line.get(by)) if unstorable_character(one) is None]
    except ValueError:
        return []
