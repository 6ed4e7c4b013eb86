"""Tiltyard as its users have it: a wheel, built from what the image copies, in an environment without the checkout."""

import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZipFile

from tests.architecture.sources import PACKAGES, ROOT

SOURCES = ("pyproject.toml", "README.md", "LICENSE", *PACKAGES)
"""What a build reads; the image copies the same."""
ELSEWHERE = ("PYTHON", "TILTYARD_", "MLFLOW_", "PREFECT_", "COLUMNS", "VIRTUAL_ENV")
"""How variables begin that would lead a command to the checkout or to other stores."""


@dataclass(frozen=True)
class Installed:
    """An environment with the wheel in it, and every dependency of this one."""

    folder: Path

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / "bin" / "python"

    @property
    def tiltyard(self) -> Path:
        """The console script."""
        return self.folder / "bin" / "tiltyard"

    @property
    def environment(self) -> dict[str, str]:
        """The variables of a shell in which it is active."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(ELSEWHERE)}
        return kept | {"PATH": f"{self.folder / 'bin'}:{kept['PATH']}", "MLFLOW_DISABLE_TELEMETRY": "true"}

    def run(
        self, *words: str | Path, cwd: Path, timeout: float = 300, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """What a command says, run in a folder."""
        return subprocess.run(
            [str(word) for word in words],
            cwd=cwd,
            env={**self.environment, **environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout,
        )


def copy_of_sources(folder: Path) -> Path:
    """The files that a build reads, links kept as links, so that it writes nothing into the checkout."""
    folder.mkdir(parents=True)
    for name in SOURCES:
        path = ROOT / name
        if path.is_dir():
            shutil.copytree(path, folder / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(path, folder / name)
    return folder


def wheel_of(source: Path, into: Path) -> Path:
    """The wheel that pip builds, without a network, from a folder of sources or from an sdist."""
    _run("-m", "pip", "wheel", *OFFLINE, "--no-build-isolation", "--quiet", "--wheel-dir", into, source)
    (wheel,) = into.glob("*.whl")
    return wheel


def sdist_of(source: Path, into: Path) -> Path:
    """The sdist that setuptools builds from a folder of sources."""
    script = "import sys; from setuptools.build_meta import build_sdist; build_sdist(sys.argv[1])"
    _run("-c", script, into, cwd=source)
    (sdist,) = into.glob("*.tar.gz")
    return sdist


def content_of(wheel: Path) -> Mapping[str, bytes]:
    """Every file of a wheel by its name."""
    with ZipFile(wheel) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def installed(wheel: Path, folder: Path) -> Installed:
    """The wheel in an empty environment that sees the dependencies of this one, but not the checkout.

    A folder that a ``.pth`` file names is put on the path; ``.pth`` files in it, which an editable installation has,
    are not read.
    """
    venv.create(folder, with_pip=False, symlinks=True)
    there = Installed(folder)
    _run("-m", "pip", "--python", there.python, "install", *OFFLINE, "--quiet", "--no-index", wheel)
    (packages,) = folder.glob("lib/python*/site-packages")
    shared = dict.fromkeys(one for one in sys.path if one.endswith(("site-packages", "dist-packages")))
    (packages / "shared.pth").write_text("\n".join(shared) + "\n", "utf-8")
    return there


OFFLINE = ("--disable-pip-version-check", "--no-deps", "--no-cache-dir")


def _run(*words: str | Path, cwd: Path = ROOT) -> None:
    """Run this environment's Python; what it says is shown where it fails."""
    command = [sys.executable, *(str(word) for word in words)]
    run = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=300)
    assert run.returncode == 0, run.stdout + run.stderr
