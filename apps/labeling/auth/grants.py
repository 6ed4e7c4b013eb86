"""Grants: give an annotator access to projects, or revoke it."""

from collections.abc import Sequence
from pathlib import Path
from uuid import uuid4

from tiltyard.apps.labeling.auth.tokens import token_hash
from tiltyard.schemas.errors import NotFound
from tiltyard.schemas.records import Access, AccessId, Role
from tiltyard.workspace.workspace import Workspace, open_workspace


def grant_access(projects: Sequence[Path], annotator: str, role: Role, token: str | None, decided_by: str) -> Access:
    """Give an annotator one role and token in all of the projects; only its hash is stored."""
    workspaces = [open_workspace(path) for path in projects]
    access = Access(
        access_id=AccessId(uuid4().hex),
        annotator=annotator,
        role=role,
        act="grant",
        token_hash=token_hash(token) if token else None,
        decided_by=decided_by,
        recorded_at=workspaces[0].clock(),
    )
    for workspace in workspaces:
        workspace.ledger.access.grant(access)
    return access


def revoke_access(projects: Sequence[Path], annotator: str, decided_by: str) -> list[Path]:
    """Revoke an annotator's access and release their assignments; returns the projects in which they had access.

    Raises NotFound if they had access to none of them.
    """
    workspaces = {path: open_workspace(path) for path in projects}
    had = {path: one for path, one in workspaces.items() if one.ledger.access.of(annotator) is not None}
    if not had:
        raise NotFound(f"{annotator!r} has no access; 'tiltyard annotators list' lists those who have")
    for workspace in had.values():
        _revoke(workspace, annotator, decided_by)
    return list(had)


def _revoke(workspace: Workspace, annotator: str, decided_by: str) -> None:
    """Revoke an annotator's access to one project."""
    workspace.ledger.access.revoke(annotator, decided_by, workspace.clock())
    workspace.ledger.assignments.release(annotator)
