"""The wheel: one top-level name, all of the product, the same from an sdist; it works in an empty folder."""

import tarfile
from pathlib import Path

import pytest

from tests.architecture.deployments.dockerfiles import stages_of
from tests.architecture.sources import PACKAGES, ROOT
from tests.deployments.installed_wheel import (
    SOURCES,
    Installed,
    content_of,
    copy_of_sources,
    installed,
    sdist_of,
    wheel_of,
)
from tiltyard.workspace.models.provenance import code_version

LINKED = sorted(set(PACKAGES) - {"tiltyard"})
OWN_NAMES = ("schemas.py", "tasks.py", "flows/", "apps/", "examples/", "tests/")
"""Names that a user's own project is likely to have in its working directory."""


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_of_sources(tmp_path_factory.mktemp("build") / "source")


@pytest.fixture(scope="module")
def wheel(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return wheel_of(source, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def there(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    return installed(wheel, tmp_path_factory.mktemp("empty") / "venv")


def test_folders_of_the_checkout_are_linked_into_the_package() -> None:
    links = {path.name: path.readlink() for path in (ROOT / "tiltyard").iterdir() if path.is_symlink()}
    assert links == {name: Path("..") / name for name in LINKED}


def test_the_image_builds_from_the_same_sources() -> None:
    stages = stages_of((ROOT / "deployments" / "docker" / "Dockerfile").read_text("utf-8"))
    (build,) = [one for one in stages if one.name == "wheel"]
    copied = {name for instruction in build.instructions for name in instruction.copied}
    assert copied - {"deployments/docker/build.lock"} == set(SOURCES)


def test_it_installs_one_name_and_every_file(wheel: Path) -> None:
    names = set(content_of(wheel))
    information = {name for name in names if name.startswith("tiltyard-") and ".dist-info/" in name}
    assert {name.partition("/")[0] for name in names - information} == {"tiltyard"}
    kinds = {".py", ".yaml", ".mako", ".html", ".css", ".js", ".svg", ".typed"}
    here = [path for name in PACKAGES for path in (ROOT / name).rglob("*") if path.suffix in kinds and path.is_file()]
    assert names - information == {_place(path.relative_to(ROOT)) for path in here}


def _place(path: Path) -> str:
    """Where a file of the checkout is in the wheel."""
    return (path if path.parts[0] == "tiltyard" else Path("tiltyard") / path).as_posix()


def test_an_sdist_holds_files_in_place_of_links_and_gives_the_same_wheel(
    source: Path, wheel: Path, tmp_path: Path
) -> None:
    sdist = sdist_of(source, tmp_path / "sdist")
    with tarfile.open(sdist) as opened:
        assert [one.name for one in opened if one.issym() or one.islnk()] == []
    assert content_of(wheel_of(sdist, tmp_path / "wheel")) == content_of(wheel)


def test_it_runs_from_its_own_files(there: Installed, tmp_path: Path) -> None:
    script = (
        "import sys, tiltyard.workspace.models.provenance as provenance; "
        "print(provenance.__file__, provenance.code_version(), *sys.path, sep='\\n')"
    )
    file, code, *path = there.run(there.python, "-c", script, cwd=tmp_path).stdout.splitlines()
    assert Path(file).is_relative_to(there.folder)
    assert code == code_version()
    assert str(ROOT) not in path


def test_a_project_begins_in_an_empty_folder(there: Installed, tmp_path: Path) -> None:
    rows = [f"{number},{number % 7},{'yes' if number % 3 else 'no'}" for number in range(60)]
    (tmp_path / "orders.csv").write_text("\n".join(["order_id,items,returned", *rows, ""]), "utf-8")
    init = there.run(there.tiltyard, "init", "orders.csv", "--into", "orders", "--label", "returned", cwd=tmp_path)
    assert init.returncode == 0, init.stderr
    doctor = there.run(there.tiltyard, "doctor", "-p", "orders", cwd=tmp_path)
    assert doctor.returncode == 0, doctor.stdout + doctor.stderr
    assert "returned" in (tmp_path / "orders" / "project.yaml").read_text("utf-8")


def hostile(folder: Path, *names: str) -> Path:
    """A working directory whose own modules end the process that imports them."""
    for name in names:
        path = folder / name / "__init__.py" if name.endswith("/") else folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"raise SystemExit('the own {name} was imported')\n", "utf-8")
    return folder


@pytest.mark.parametrize("name", OWN_NAMES)
def test_an_own_module_in_the_working_directory_breaks_nothing(there: Installed, tmp_path: Path, name: str) -> None:
    folder = hostile(tmp_path, name)
    imports = "import tiltyard.schemas.errors, tiltyard.tasks, tiltyard.flows, tiltyard.apps.cli, tiltyard.examples"
    ways: dict[str, list[str | Path]] = {
        "console script": [there.tiltyard, "--version"],
        "python -m": [there.python, "-m", "tiltyard", "--version"],
        "import": [there.python, "-c", f"{imports}; print('tiltyard ')"],
    }
    for way, command in ways.items():
        # The working directory comes first, as PYTHONPATH of the manual puts it there.
        told = there.run(*command, cwd=folder, PYTHONPATH=str(folder))
        assert (told.returncode, told.stdout[:9]) == (0, "tiltyard "), f"{way}: {told.stdout}{told.stderr}"


def test_a_flow_runs_by_its_entry_point_beside_own_modules(there: Installed, tmp_path: Path) -> None:
    """As a Prefect worker does it: the flow is imported by its entry point in the working directory."""
    folder = hostile(tmp_path, *OWN_NAMES)
    (folder / "project.yaml").write_text(PROJECT, "utf-8")
    (folder / "incoming").mkdir()
    script = (
        "from prefect.flows import load_flow_from_entrypoint as load; "
        "flow = load('tiltyard.flows.ingest_batch.ingest_batch'); print(flow.name); flow('.')"
    )
    told = there.run(
        there.python, "-c", script, cwd=folder,
        PYTHONPATH=str(folder), PREFECT_HOME=str(tmp_path / "prefect"), PREFECT_LOGGING_LEVEL="ERROR",
        PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS="120",
    )  # fmt: skip
    assert told.returncode == 0, told.stdout + told.stderr
    assert told.stdout.splitlines()[0] == "ingest-batch"


def test_a_project_names_its_own_schemas(there: Installed, tmp_path: Path) -> None:
    """``schemas`` belongs to the user: the project file's Pandera model is found there."""
    (tmp_path / "schemas.py").write_text(SCHEMAS, "utf-8")
    (tmp_path / "project.yaml").write_text(f"{PROJECT}pandera: schemas:Orders\n", "utf-8")
    (tmp_path / "incoming").mkdir()
    (tmp_path / "incoming" / "day.csv").write_text("order,items\n1,2\n2,-3\n3,4\n", "utf-8")
    told = there.run(there.tiltyard, "ingest", "--json", cwd=tmp_path, PYTHONPATH=str(tmp_path))
    assert told.returncode == 0, told.stdout + told.stderr
    assert '"accepted": 2' in told.stdout
    assert '"quarantined": 1' in told.stdout


PROJECT = """name: orders
columns:
  id: order
  features:
    items: {kind: integer}
classes: [kept, returned]
limits: {bad_rows: 0.5}
"""
SCHEMAS = '''"""The user's own schemas."""

import pandera.polars as pa


class Orders(pa.DataFrameModel):
    """A frame of orders."""

    items: int = pa.Field(ge=0)
'''
