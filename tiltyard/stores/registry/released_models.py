"""Models whose files were deleted on purpose, recorded before deletion, so that they do not count as damage."""

from tiltyard.stores.files import Files

BEGUN = ".begun"
DONE = ".done"


class ReleasedModels:
    """The notes of a project's models whose bytes are gone, by their ids."""

    def __init__(self, files: Files) -> None:
        """Keep notes in a place of immutable files."""
        self.files = files

    def begin(self, model_id: str, sha256: str) -> None:
        """Note that a model's bytes, which hash so, are about to be removed; it may be repeated."""
        if not self.files.exists(model_id + BEGUN):
            self.files.write(model_id + BEGUN, sha256.encode())

    def end(self, model_id: str) -> None:
        """Note that they are removed."""
        if not self.files.exists(model_id + DONE):
            self.files.write(model_id + DONE, b"")

    def begun(self) -> set[str]:
        """The models whose bytes may be gone."""
        return {name.removesuffix(BEGUN) for name in self.files.names() if name.endswith(BEGUN)}

    def ended(self) -> set[str]:
        """The models whose bytes are gone for sure."""
        return {name.removesuffix(DONE) for name in self.files.names() if name.endswith(DONE)}
