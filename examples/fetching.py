"""Where an example's source comes from, and the proof that it is the right one."""

import gzip
import io
import os
import zipfile
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final
from urllib.error import URLError
from urllib.request import urlopen

from tiltyard.schemas.errors import NotFound, ObjectError

BESIDE: Final = Path(__file__).resolve().parents[2] / "shared" / "data"
"""Where a checkout of this repository may have the data sets beside it."""

SECONDS: Final = 60
"""How long to wait for the official archive."""


@dataclass(frozen=True, slots=True)
class Source:
    """A file that others publish: where, under which name, and what its bytes must hash to.

    ``member`` is the file's name inside the archive behind ``url``, empty when the address is the file itself.
    ``url`` is empty when no address is known to give these very bytes. ``local`` is the file's place under the
    data folder, gzipped.
    """

    name: str
    local: str
    sha256: str
    url: str = ""
    member: str = ""
    page: str = ""

    def content(self, file: Path | None = None) -> bytes:
        """The source's bytes, checked: from ``file``, else from the data folder, else from the official address.

        Raises NotFound when there is no such file or the network does not answer, ObjectError when the bytes
        are not the expected ones.
        """
        if file is not None:
            return self._checked(_unpacked(file), str(file))
        path = local_path(self.local)
        if path is not None:
            return self._checked(_unpacked(path), str(path))
        return self._checked(self._downloaded(), self.url)

    def _downloaded(self) -> bytes:
        """The bytes behind the official address."""
        if not self.url:
            raise NotFound(f"{self.name}: fetch the file from {self.page} and name it with --file")
        try:
            with urlopen(self.url, timeout=SECONDS) as answer:  # noqa: S310 - the address is a constant, https
                archive: bytes = answer.read()
        except (URLError, OSError) as error:
            raise NotFound(
                f"{self.name}: {self.url} does not answer ({error}); go online, or name the file with --file"
            ) from error
        return member_of(archive, self.member) if self.member else archive

    def _checked(self, content: bytes, where: str) -> bytes:
        """The content, when it is the expected one."""
        found = sha256(content).hexdigest()
        if found != self.sha256:
            raise ObjectError(
                f"{where}: not the {self.name} that this example was made for "
                f"(sha256 {found[:16]}…, expected {self.sha256[:16]}…); fetch it again"
            )
        return content


def member_of(archive: bytes, name: str) -> bytes:
    """A file of a zip archive, or of a zip inside it, by its bare name. Raises NotFound when there is none."""
    try:
        found = _search(archive, name)
    except zipfile.BadZipFile as error:
        raise ObjectError(f"{name}: the archive is not a zip file ({error}); fetch it again") from error
    if found is None:
        raise NotFound(f"the archive holds no {name!r}")
    return found


def local_path(name: str) -> Path | None:
    """A file of the data folder: TILTYARD_DATA when set, else ``../shared/data`` beside the repository."""
    folder = Path(os.environ["TILTYARD_DATA"]) if os.environ.get("TILTYARD_DATA") else BESIDE
    path = folder / name
    return path if path.is_file() else None


def _search(archive: bytes, name: str) -> bytes | None:
    """The member's bytes, looked for in nested archives too."""
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        for entry in opened.namelist():
            if Path(entry).name == name:
                return opened.read(entry)
            inner = _search(opened.read(entry), name) if entry.endswith(".zip") else None
            if inner is not None:
                return inner
    return None


def _unpacked(path: Path) -> bytes:
    """A file's bytes, unzipped when gzipped. Raises NotFound when there is no such file."""
    if not path.is_file():
        raise NotFound(f"{str(path)!r}: no such file; name the source's file with --file")
    content = path.read_bytes()
    return gzip.decompress(content) if path.suffix == ".gz" else content
