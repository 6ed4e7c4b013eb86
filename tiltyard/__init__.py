"""Tiltyard: every label is kept, only better models ship.

The Python API for notebooks and scripts; ``import tiltyard`` itself loads nothing heavy.

    import tiltyard

    project = tiltyard.init("customers.csv", into="my-project", label="churned")   # or tiltyard.open("my-project")
    project.ingest()
    project.ask()
    project.annotate(project.queue().assign(label=...), by="ada")
    project.train()
    project.judge()
    project.champion.predict(rows)
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tiltyard.project.opening import init, open
    from tiltyard.project.project import Project
    from tiltyard.schemas.errors import TiltyardError

__all__ = ["Project", "TiltyardError", "__version__", "init", "open"]

_PLACES = {
    "Project": "tiltyard.project.project",
    "TiltyardError": "tiltyard.schemas.errors",
    "init": "tiltyard.project.opening",
    "open": "tiltyard.project.opening",
}


def __getattr__(name: str) -> Any:
    """A public name, imported on first use."""
    from importlib import import_module, metadata

    if name == "__version__":
        return metadata.version("tiltyard")
    if name not in _PLACES:
        raise AttributeError(f"module 'tiltyard' has no attribute {name!r}; it has {', '.join(__all__)}")
    return getattr(import_module(_PLACES[name]), name)


def __dir__() -> list[str]:
    """The public names."""
    return __all__
