"""The exchange part of the API: every annotation out as a file, labels in from one."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Query
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import StreamingResponse

from tiltyard.apps.labeling.api.request_body import require_content_type
from tiltyard.apps.labeling.api.responses import ImportResponse, RejectedLine
from tiltyard.apps.labeling.middleware.body_limit import ON_REQUEST_END
from tiltyard.apps.labeling.service.callers import Caller, Lead
from tiltyard.apps.labeling.service.service import service_of
from tiltyard.schemas.records import Annotation
from tiltyard.stores.files.label_files import label_texts

CSV, TSV, LINES, JSON = "text/csv", "text/tab-separated-values", "application/x-ndjson", "application/json"
ENDINGS: Final = {CSV: ".csv", TSV: ".tsv", LINES: ".jsonl", JSON: ".json"}
TYPES: Final = {"csv": CSV, "tsv": TSV, "jsonl": LINES}
AT_ONCE: Final = 1_000
SHOWN: Final = 1_000

Format = Annotated[Literal["csv", "tsv", "jsonl"], Query(description="CSV, TSV, or a JSON object per line")]
ByColumn = Annotated[str, Query(max_length=200, description="column that names the sample")]
FILE: Final = {"schema": {"type": "string"}}
router = APIRouter(tags=["lead"])


@router.get(
    "/projects/{project}/export",
    response_class=StreamingResponse,
    responses={
        200: {"content": dict.fromkeys(TYPES.values(), FILE), "description": "every annotation with every field"}
    },
)
async def export(caller: Lead, format: Format = "csv") -> StreamingResponse:
    """Every annotation with all its fields, as of now; a spreadsheet runs none of its cells."""
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
    """Store the labels of a file: good lines are stored, bad ones named; the same file again brings nothing new."""
    kind = require_content_type(request, *ENDINGS)
    # Before the file is read: each may be as large as the settings let it be.
    request.scope[ON_REQUEST_END].append(service_of(request).imports.take(caller.annotator))
    return await run_in_threadpool(_import, caller, await request.body(), ENDINGS[kind], by)


def _annotations(caller: Caller, until: int) -> Iterator[Annotation]:
    """Every annotation up to a ledger position, a few at a time."""
    after = 0
    while found := caller.served.ledger.annotations.after(after, AT_ONCE, until):
        yield from found
        after = found[-1].seq


def _batched(texts: Iterator[str]) -> Iterator[str]:
    """Lines in larger pieces: each piece is one write to the network."""
    piece: list[str] = []
    for text in texts:
        piece.append(text)
        if len(piece) == AT_ONCE:
            yield "".join(piece)
            piece = []
    yield "".join(piece)


def _import(caller: Caller, content: bytes, ending: str, by: str) -> ImportResponse:
    """What became of a file's lines."""
    # It brings Prefect, whose import takes seconds.
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
