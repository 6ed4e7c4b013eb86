"""Granting access: one person, one token, one id, in one project or in several."""

from collections.abc import Sequence
from pathlib import Path
from uuid import uuid4

from tiltyard.apps.labeling.auth.tokens import token_hash
from tiltyard.schemas.errors import NotFound
from tiltyard.schemas.records import Access, AccessId, Role
from tiltyard.workspace.workspace import Workspace, open_workspace


def grant_access(projects: Sequence[Path], annotator: str, role: Role, token: str | None, decided_by: str) -> Access:
    """Let an annotator into projects; what their ledgers keep: the hash of the token, never the token."""
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
    """Take an annotator's access away in projects, and give back what they hold; in which projects they had one.

    Raises NotFound when they had none in any of them.
    """
    workspaces = {path: open_workspace(path) for path in projects}
    had = {path: one for path, one in workspaces.items() if one.ledger.access.of(annotator) is not None}
    if not had:
        raise NotFound(f"{annotator!r} has no access; 'tiltyard annotators list' names those who have")
    for workspace in had.values():
        _revoke(workspace, annotator, decided_by)
    return list(had)


def _revoke(workspace: Workspace, annotator: str, decided_by: str) -> None:
    """Take an annotator's access to one project away."""
    workspace.ledger.access.revoke(annotator, decided_by, workspace.clock())
    workspace.ledger.assignments.release(annotator)
