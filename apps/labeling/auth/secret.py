"""The secret that signs sessions: from the settings, or from a file that only its owner can read."""

import os
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tiltyard.schemas.errors import TiltyardError
from tiltyard.schemas.labeling_settings import LabelingSettings
from tiltyard.workspace.workspace import open_workspace

FILE: Final = "label-secret"
OWNER_ONLY: Final = 0o600
MIN_LENGTH: Final = 32


def load_secret(projects: Sequence[Path], settings: LabelingSettings) -> str:
    """The secret; TiltyardError if it is missing, too short, or readable by other users."""
    if settings.secret is not None:
        return settings.secret.get_secret_value()
    file = secret_file(projects[0])
    if not file.is_file():
        raise TiltyardError(
            "no secret to sign sessions with: run 'tiltyard label secret' once, or set TILTYARD_LABEL_SECRET"
        )
    if file.stat().st_mode & 0o077:
        raise TiltyardError(f"other users can read {str(file)!r}: run chmod 600 on it, or delete it and make a new one")
    secret = file.read_text("ascii").strip()
    if len(secret) < MIN_LENGTH:
        raise TiltyardError(f"{str(file)!r} contains no valid secret; delete it and run 'tiltyard label secret'")
    return secret


def create_secret(project: Path) -> tuple[Path, bool]:
    """The secret's file, and whether it was created now; an existing secret is never replaced."""
    file = secret_file(project)
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY)
    except FileExistsError:
        return file, False
    with os.fdopen(descriptor, "w", encoding="ascii") as stream:
        stream.write(f"{secrets.token_urlsafe(48)}\n")
    return file, True


def secret_file(project: Path) -> Path:
    """The path of the secret in a project's workspace."""
    return open_workspace(project).folder / FILE
