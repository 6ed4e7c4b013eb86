"""Pictures of samples: read from one folder, named by the sample, and only what is a picture inside."""

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
"""First bytes by kind. SVG is none of them: it can hold scripts."""


def read_picture(workspace: Workspace, payload: dict[str, Any]) -> tuple[bytes, str]:
    """The bytes of a sample's picture and their content type.

    Raises NotFound when the sample names none, or what it names is not a picture in the project's folder.
    """
    column = workspace.project.display.object
    key = payload.get(column) if column is not None else None
    if not isinstance(key, str) or not key:
        raise NotFound("this sample names no picture")
    content = _read(_path(workspace.project_file.parent / workspace.project.display.objects, key))
    kind = content_type(content)
    if kind is None:
        raise NotFound("what this sample names is no PNG, JPEG, GIF or WebP")
    return content, kind


def content_type(content: bytes) -> str | None:
    """What the bytes are, whatever the file is called; none when they are no picture that we show.

    >>> content_type(b"GIF89a..."), content_type(b"<svg onload=...>")
    ('image/gif', None)
    """
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for first, kind in SIGNATURES if content.startswith(first)), None)


def _path(folder: Path, key: str) -> Path:
    """The file that a key names, links followed; NotFound when it would lie outside the folder."""
    root = folder.resolve()
    try:
        path = (root / key).resolve()
    except (ValueError, OSError) as error:  # a NUL, a loop of links
        raise NotFound("the picture of this sample is not there") from error
    if not path.is_relative_to(root):
        raise NotFound("the picture of this sample is not there")
    return path


def _read(path: Path) -> bytes:
    """A file's bytes; NotFound when there is none, or it is too large to be shown."""
    try:
        if path.stat().st_size > LARGEST or not path.is_file():
            raise NotFound("the picture of this sample is too large, or no file")
        return path.read_bytes()
    except OSError as error:
        raise NotFound("the picture of this sample is not there") from error
