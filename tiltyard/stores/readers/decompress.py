"""From an object's bytes to a plain file: size, first bytes, compression and UTF-8 are checked before any parsing."""

import codecs
import zlib
from collections.abc import Iterator
from gzip import BadGzipFile
from pathlib import Path
from typing import IO, Final

import pyarrow as pa

from tiltyard.stores.readers.handover import Refusal, Request

CHUNK: Final = 1 << 20

MAGIC: Final = {
    b"PAR1": "Parquet",
    b"\x1f\x8b": "gzip",
    b"\x28\xb5\x2f\xfd": "zstd",
    # Frames that its readers skip; pzstd and others put one before the data.
    **{bytes([0x50 + number, 0x2A, 0x4D, 0x18]): "zstd" for number in range(16)},
    b"PK\x03\x04": "a zip archive (or an Excel workbook)",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"ORC": "ORC",
    b"Obj\x01": "Avro",
    b"ARROW1": "Arrow or Feather",
    b"%PDF": "PDF",
    b"SQLite format 3": "a SQLite database",
    b"\xff\xfe": "UTF-16 text",
    b"\xfe\xff": "UTF-16 text",
    b"BZh": "bzip2",
    b"\xfd7zXZ": "xz",
    b"\x89HDF": "HDF5",
}
"""First bytes by what they mean."""

BY_LINES: Final = {"csv", "jsonl"}

COMPRESSED: Final = {"gzip": (b"\x1f\x8b",), "zstd": tuple(mark for mark, what in MAGIC.items() if what == "zstd")}


def decompressed(request: Request) -> Path:
    """The file to parse: the object itself, or its decompressed copy of at most ``limits.max_bytes``.

    Raises Refusal when it is too big, empty, not what its name says, damaged, or (text) not UTF-8.
    """
    path = Path(request.path)
    _check_size(path, request.max_bytes)
    if request.compression:
        _check_first_bytes(path, request.compression, COMPRESSED[request.compression])
        path = _decompressed(path, request)
    _check_first_bytes(path, request.format, (b"PAR1",) if request.format == "parquet" else None)
    if request.format != "parquet":
        _check_utf8(path, request.max_line_bytes if request.format in BY_LINES else None)
    return path


def _check_size(path: Path, limit: int) -> None:
    """Refuse an empty or too big object."""
    size = path.stat().st_size
    if size == 0:
        raise Refusal("the object is empty (0 bytes)")
    if size > limit:
        raise Refusal(f"{size:,} bytes; limits.max_bytes is {limit:,}")


def _check_first_bytes(path: Path, wanted: str, magic: tuple[bytes, ...] | None) -> None:
    """Refuse an object whose first bytes belong to another format."""
    with path.open("rb") as stream:
        head = stream.read(16)
    if magic is not None and head.startswith(magic):
        return
    found = next((what for mark, what in MAGIC.items() if head.startswith(mark)), None)
    if found is not None or magic is not None:
        raise Refusal(f"the name says {wanted}, the first bytes are {f'those of {found}' if found else repr(head[:8])}")


def _decompressed(path: Path, request: Request) -> Path:
    """A decompressed copy, which a bomb cannot make bigger than the limit."""
    copy, size = Path(request.folder) / "plain", 0
    with copy.open("wb") as out:
        for chunk in _chunks(path, request.compression):
            size += len(chunk)
            if size > request.max_bytes:
                raise Refusal(f"decompresses to more than limits.max_bytes, {request.max_bytes:,}")
            out.write(chunk)
    if size == 0:
        raise Refusal("the object is empty once decompressed")
    return copy


def _chunks(path: Path, compression: str) -> Iterator[bytes]:
    """The decompressed bytes; a damaged or cut stream is refused."""
    try:
        with _stream(path, compression) as stream:
            while chunk := stream.read(CHUNK):
                yield chunk
    except (EOFError, BadGzipFile, zlib.error, OSError) as error:
        raise Refusal(f"the {compression} stream is damaged or cut off: {error}") from error


def _stream(path: Path, compression: str) -> IO[bytes] | pa.NativeFile:
    """A stream of decompressed bytes. Python's gzip checks its CRC and length, which not every reader does."""
    if compression == "gzip":
        import gzip

        return gzip.open(path)
    return pa.CompressedInputStream(pa.OSFile(str(path)), compression)


def _check_utf8(path: Path, longest: int | None) -> None:
    """Refuse text that is not UTF-8 throughout, or has a line of more than ``longest`` bytes, saying where."""
    decoder, offset, line, begun = codecs.getincrementaldecoder("utf-8")("strict"), 0, 1, 0
    with path.open("rb") as stream:
        while True:
            chunk = stream.read(CHUNK)
            held = len(decoder.getstate()[0])
            try:
                decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                wrong = error.object[error.start]
                line += error.object[: error.start].count(b"\n")
                at = offset - held + error.start
                raise Refusal(f"not UTF-8: byte 0x{wrong:02x} at offset {at} (line {line}); convert it") from error
            if not chunk:
                return
            if longest is not None:
                begun = _check_lines(chunk, line, begun, longest)
            offset += len(chunk)
            line += chunk.count(b"\n")


def _check_lines(chunk: bytes, line: int, begun: int, longest: int) -> int:
    """Refuse a line that is too long before it is held as a whole; how much of the last one was met.

    ``begun`` bytes of the line, whose number is ``line``, were met before.
    """
    lengths = [len(piece) for piece in chunk.replace(b"\r", b"\n").split(b"\n")]
    lengths[0] += begun
    if max(lengths) > longest:
        place = next(place for place, length in enumerate(lengths) if length > longest)
        at = sum(lengths[:place]) + place - begun
        line += chunk[: max(at, 0)].count(b"\n")
        raise Refusal(f"line {line} has more than {longest:,} bytes (limits.max_line_bytes); is its end missing?")
    return lengths[-1]
