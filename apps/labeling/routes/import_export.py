"""API for files: export of all annotations, import of labels."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Query
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import StreamingResponse

from tiltyard.apps.labeling.api import require_content_type
from tiltyard.apps.labeling.api.responses import ImportResponse, RejectedLine
from tiltyard.apps.labeling.middleware import ON_REQUEST_END
from tiltyard.apps.labeling.service import Caller, service_of
from tiltyard.apps.labeling.service.callers import Lead
from tiltyard.schemas.records import Annotation
from tiltyard.stores.files.label_files import label_texts

CSV, TSV, LINES, JSON = "text/csv", "text/tab-separated-values", "application/x-ndjson", "application/json"
ENDINGS: Final = {CSV: ".csv", TSV: ".tsv", LINES: ".jsonl", JSON: ".json"}
TYPES: Final = {"csv": CSV, "tsv": TSV, "jsonl": LINES}
CHUNK: Final = 1_000
SHOWN: Final = 1_000

Format = Annotated[Literal["csv", "tsv", "jsonl"], Query(description="CSV, TSV or JSON Lines")]
ByColumn = Annotated[str, Query(max_length=200, description="column with the sample id")]
FILE: Final = {"schema": {"type": "string"}}
router = APIRouter(tags=["lead"])


@router.get(
    "/projects/{project}/export",
    response_class=StreamingResponse,
    responses={200: {"content": dict.fromkeys(TYPES.values(), FILE), "description": "all annotations with all fields"}},
)
async def export(caller: Lead, format: Format = "csv") -> StreamingResponse:
    """All annotations with all fields, as of now; formulas are escaped for spreadsheets."""
    name = f"{caller.served.project.name}-annotations.{format}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    until = await run_in_threadpool(caller.served.ledger.position)
    texts = label_texts(_annotations(caller, until), format)
    return StreamingResponse(_batched(texts), media_type=TYPES[format], headers=headers)


@router.post(
    "/projects/{project}/import",
    openapi_extra={"requestBody": {"required": True, "content": dict.fromkeys(ENDINGS, FILE)}},
)
async def import_annotations(request: Request, caller: Lead, by: ByColumn = "sample_id") -> ImportResponse:
    """Import the labels of a file: valid lines are stored, rejected ones listed; the same file again adds nothing."""
    kind = require_content_type(request, *ENDINGS)
    # Before the file is read: each may have the largest size that the settings allow.
    request.scope[ON_REQUEST_END].append(service_of(request).imports.take(caller.annotator))
    return await run_in_threadpool(_import, caller, await request.body(), ENDINGS[kind], by)


def _annotations(caller: Caller, until: int) -> Iterator[Annotation]:
    """All annotations up to a ledger position, read in batches."""
    after = 0
    while found := caller.served.ledger.annotations.after(after, CHUNK, until):
        yield from found
        after = found[-1].seq


def _batched(texts: Iterator[str]) -> Iterator[str]:
    """Lines joined to larger chunks: each chunk is one write to the network."""
    chunk: list[str] = []
    for text in texts:
        chunk.append(text)
        if len(chunk) == CHUNK:
            yield "".join(chunk)
            chunk = []
    yield "".join(chunk)


def _import(caller: Caller, content: bytes, ending: str, by: str) -> ImportResponse:
    """The outcome of each line of a file."""
    # This imports Prefect, which takes seconds.
    from tiltyard.tasks.labels.exchange_labels import import_labels

    with TemporaryDirectory() as folder:
        file = Path(folder) / f"labels{ending}"
        file.write_bytes(content)
        imported = import_labels.fn(str(caller.served.workspace.project_file), str(file), by, caller.annotator)
    return ImportResponse(
        lines=imported.lines,
        stored=imported.stored,
        known=imported.known,
        refused=[RejectedLine(line=one.line, why=one.why) for one in imported.refused[:SHOWN]],
        ignored=list(imported.ignored),
        left_out=dict(imported.left_out),
    )
