"""Where the examples' sources come from, and that no other bytes pass for them."""

import gzip
import io
import threading
import zipfile
from collections.abc import Iterator
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tiltyard.examples.bank.fetch import SOURCE as BANK
from tiltyard.examples.catalogue import EXAMPLES
from tiltyard.examples.fetching import Source, local_path, member_of
from tiltyard.examples.hotel.fetch import SOURCE as HOTEL
from tiltyard.schemas.errors import NotFound, ObjectError

CONTENT = b"x,y\n1,no\n"


def zipped(name: str, content: bytes) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as opened:
        opened.writestr("folder/notes.txt", "not this one")
        opened.writestr(name, content)
    return archive.getvalue()


NESTED = zipped("outer/inner.zip", zipped("data/calls.csv", CONTENT))


@pytest.fixture
def server() -> Iterator[str]:
    """The address of a server that answers every request with the nested archive."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(NESTED)

        def log_message(self, format: str, *args: object) -> None:
            pass

    running = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=running.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{running.server_port}/calls.zip"
    running.shutdown()
    thread.join()
    running.server_close()


@pytest.fixture
def no_data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine without a data folder."""
    monkeypatch.setenv("TILTYARD_DATA", str(tmp_path / "nothing"))


def source(url: str = "", content: bytes = CONTENT) -> Source:
    return Source(
        "calls.csv", "calls/calls.csv.gz", sha256(content).hexdigest(), url, "calls.csv", "https://example.org/calls"
    )


def test_a_given_file_is_taken_plain_or_gzipped(tmp_path: Path) -> None:
    plain, packed = tmp_path / "calls.csv", tmp_path / "calls.csv.gz"
    plain.write_bytes(CONTENT)
    packed.write_bytes(gzip.compress(CONTENT))
    assert source().content(plain) == source().content(packed) == CONTENT


def test_one_changed_byte_is_refused(tmp_path: Path) -> None:
    (tmp_path / "calls.csv").write_bytes(CONTENT.replace(b"no", b"nO"))
    with pytest.raises(ObjectError, match=r"calls\.csv: not the calls\.csv that this example was made for"):
        source().content(tmp_path / "calls.csv")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"away\.csv': no such file"):
        source().content(tmp_path / "away.csv")


def test_the_data_folder_is_looked_up_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "calls").mkdir()
    (tmp_path / "calls" / "calls.csv.gz").write_bytes(gzip.compress(CONTENT))
    monkeypatch.setenv("TILTYARD_DATA", str(tmp_path))
    assert local_path("calls/calls.csv.gz") == tmp_path / "calls" / "calls.csv.gz"
    assert source("http://127.0.0.1:1/never").content() == CONTENT


@pytest.mark.usefixtures("no_data")
def test_a_download_is_unpacked_through_nested_archives(server: str) -> None:
    assert source(server).content() == CONTENT


@pytest.mark.usefixtures("no_data")
def test_a_download_of_other_bytes_is_refused(server: str) -> None:
    with pytest.raises(ObjectError, match="expected"):
        source(server, b"other").content()


@pytest.mark.usefixtures("no_data")
def test_offline_is_one_clear_line() -> None:
    with pytest.raises(NotFound, match=r"does not answer .*; go online, or name the file with --file") as told:
        source("http://127.0.0.1:1/calls.zip").content()
    assert "\n" not in str(told.value)


@pytest.mark.usefixtures("no_data")
def test_a_source_without_an_address_says_where_to_look() -> None:
    with pytest.raises(NotFound, match=r"fetch the file from https://example\.org/calls and name it with --file"):
        source().content()


@pytest.mark.parametrize("archive", [b"no zip", NESTED])
def test_an_archive_without_the_member_is_refused(archive: bytes) -> None:
    with pytest.raises((NotFound, ObjectError), match=r"other\.csv"):
        member_of(archive, "other.csv")


@pytest.mark.parametrize("published", [one.source for one in EXAMPLES.values() if one.source and one.source.url])
def test_published_addresses_are_https(published: Source) -> None:
    assert published.url.startswith("https://")


def test_where_the_sources_are_published() -> None:
    assert BANK.url == "https://archive.ics.uci.edu/static/public/222/bank+marketing.zip"
    assert HOTEL.url == ""
    assert "doi.org" in HOTEL.page
