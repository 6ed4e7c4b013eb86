"""Pictures of samples: read from the project's picture folder only, and only files whose content is a picture."""

from pathlib import Path
from typing import Any, Final

from tiltyard.schemas.errors import NotFound
from tiltyard.workspace.workspace import Workspace

LARGEST: Final = 32_000_000
SIGNATURES: Final = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)
"""Magic bytes and content types. SVG is missing on purpose: it can contain scripts."""


def read_picture(workspace: Workspace, payload: dict[str, Any]) -> tuple[bytes, str]:
    """The bytes of a sample's picture and their content type.

    Raises NotFound if the sample has no picture, or its file is missing, too large or not a picture.
    """
    column = workspace.project.display.object
    key = payload.get(column) if column is not None else None
    if not isinstance(key, str) or not key:
        raise NotFound("this sample has no picture")
    content = _read(_path(workspace.project_file.parent / workspace.project.display.objects, key))
    kind = content_type(content)
    if kind is None:
        raise NotFound("the picture of this sample is not a PNG, JPEG, GIF or WebP file")
    return content, kind


def content_type(content: bytes) -> str | None:
    """The content type by magic bytes, regardless of the file name; None if it is not a supported picture.

    >>> content_type(b"GIF89a..."), content_type(b"<svg onload=...>")
    ('image/gif', None)
    """
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for first, kind in SIGNATURES if content.startswith(first)), None)


def _path(folder: Path, key: str) -> Path:
    """The file of a key, with links resolved; NotFound if it is outside the folder."""
    root = folder.resolve()
    try:
        path = (root / key).resolve()
    except (ValueError, OSError) as error:  # a NUL, a loop of links
        raise NotFound("the picture of this sample is missing") from error
    if not path.is_relative_to(root):
        raise NotFound("the picture of this sample is missing")
    return path


def _read(path: Path) -> bytes:
    """The bytes of a file; NotFound if it is missing or larger than the limit."""
    try:
        if path.stat().st_size > LARGEST or not path.is_file():
            raise NotFound(f"the picture of this sample is not a file of at most {LARGEST:,} bytes")
        return path.read_bytes()
    except OSError as error:
        raise NotFound("the picture of this sample is missing") from error
