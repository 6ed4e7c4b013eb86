"""A served project: its stores, its writer, and the caches that requests share."""

import logging
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import Final, TypeVar

from starlette.concurrency import run_in_threadpool

from tiltyard.apps.labeling.service.permissions import AccessCache
from tiltyard.apps.labeling.service.progress import ProjectProgress
from tiltyard.apps.labeling.service.ttl_cache import TtlCache
from tiltyard.apps.labeling.service.writer import Writer
from tiltyard.labels.adjudication import Dispute, find_disputes
from tiltyard.labels.current_classes import rename_classes
from tiltyard.schemas.errors import ProjectFileError, Unavailable
from tiltyard.schemas.project import Project
from tiltyard.schemas.records import Annotation, Assignment, AssignmentId, NewAnnotation
from tiltyard.stores.ledger.ledger import Ledger
from tiltyard.workspace.workspace import Workspace, find_project_file, open_workspace

LOG: Final = logging.getLogger("tiltyard.labeling")
T = TypeVar("T")
CACHED_ASSIGNMENTS: Final = 5_000
GOLD_SECONDS: Final = 5.0
QUALITY_SECONDS: Final = 60.0


class ServedProject:
    """One project that the server has open."""

    def __init__(self, path: Path, clock: Callable[[], datetime], *, seals: bool = True) -> None:
        """Open the project's stores and start its writer."""
        self._seals = seals
        self._file = find_project_file(path)
        self._stamp = self._file.stat().st_mtime_ns
        self._clock = clock
        self._opened = open_workspace(self._file)
        self.workspace: Workspace = replace(self._opened, clock=clock)
        self.writer = Writer(self.project.name, self._store, self._lease, self.ledger.position())
        self.progress = ProjectProgress(self)
        self._assignments: OrderedDict[str, Assignment] = OrderedDict()
        self._lock = Lock()
        self.quality: TtlCache[Mapping[str, float]] = TtlCache(QUALITY_SECONDS)
        self.accesses = AccessCache(self.ledger.access)
        self._has_gold: TtlCache[bool] = TtlCache(GOLD_SECONDS)

    @property
    def project(self) -> Project:
        """The current project file, or its last valid version."""
        return self.workspace.project

    @property
    def ledger(self) -> Ledger:
        """The append-only record."""
        return self.workspace.ledger

    def warm(self) -> None:
        """Do the work that the first request would have to wait for: Pandera's import takes a second."""
        try:
            _ = self.contract_hash
        except Unavailable as error:
            LOG.warning("annotations cannot be stored: %s", error)
        self.progress.of("")
        self.accesses.by_name("")

    @property
    def contract_hash(self) -> str:
        """The hash of the current contract; Unavailable if the project's Pandera module cannot be imported.

        The annotation is valid: the client keeps it and sends it again when the module can be imported.
        """
        try:
            return self.workspace.contract_hash
        except ProjectFileError as error:
            raise Unavailable(f"annotations cannot be stored until the project is fixed: {error}") from error

    def now(self) -> datetime:
        """The current time in UTC."""
        return self._clock()

    def assignment(self, assignment_id: str) -> Assignment:
        """One assignment, cached if it was leased recently; NotFound if it does not exist."""
        with self._lock:
            cached = self._assignments.get(assignment_id)
        return cached or self._cache([self.ledger.assignments.get(assignment_id)])[0]

    async def run_lookup(self, act: Callable[[], T], assignments: Sequence[str]) -> T:
        """The result of a function that looks assignments up; it runs in a thread unless all of them are cached."""
        with self._lock:
            is_cached = all(one in self._assignments for one in assignments)
        return act() if is_cached else await run_in_threadpool(act)

    def disputes(self) -> list[Dispute]:
        """The samples whose annotators disagree and that nobody has adjudicated."""
        contested = rename_classes(self.ledger.annotations.contested_voices(), self.project)
        return find_disputes(contested, self.project.effective_label)

    def refresh(self) -> None:
        """Load a changed project file or Pandera module; an invalid file is ignored and logged."""
        stamp = self._file.stat().st_mtime_ns
        is_new, self._stamp = stamp != self._stamp, stamp
        try:
            opened = open_workspace(self._file)
        except ProjectFileError as error:
            if is_new:
                LOG.warning("the changed project file is invalid and not used: %s", error)
            return
        if opened is self._opened:
            return
        self._opened, project = opened, opened.project
        if project.name != self.project.name:
            LOG.warning("the name in %s is now %r; restart the server to use it", self._file, project.name)
            return
        ledger = self.ledger
        workspace = replace(self.workspace, project=project)
        # The open ledger stays; only the settings from the project file change.
        workspace.__dict__["ledger"] = ledger
        self.workspace = workspace

    def seal(self) -> None:
        """Write new annotations to a hash-chained segment, which shows later changes; unless settings turn this off."""
        if self._seals:
            self.ledger.segments.seal(self.now())

    def close(self) -> None:
        """Store pending annotations, seal them, and close the database."""
        self.writer.close()
        self.seal()
        self.ledger.close()

    def _store(self, annotations: Sequence[NewAnnotation]) -> list[Annotation]:
        """Store annotations in one transaction; they are on disk when this returns."""
        contract, labeling = self.contract_hash, self.project.labeling
        submit = self.ledger.annotations.submit
        return submit(annotations, contract_hash=contract, now=self.now(), labeling=labeling)

    def _lease(self, counts: Mapping[str, int]) -> Mapping[str, list[Assignment]]:
        """Lease assignments to each annotator, with a gold sample from time to time."""
        labeling, now = self.project.labeling, self.now()
        if labeling.gold_share > 0 and self._has_gold.get("", lambda: bool(self.ledger.gold.current())):
            for annotator in counts:
                project = self.project
                self.ledger.gold.ask_if_due(annotator, now, labeling.gold_share, project.seed, project.names.answerable)
        held = self.ledger.assignments.lease_all(counts, now, timedelta(minutes=labeling.lease_minutes))
        return {annotator: self._cache(found) for annotator, found in held.items()}

    def _cache(self, assignments: list[Assignment]) -> list[Assignment]:
        """Cache assignments, which never change; the least recently leased ones are dropped."""
        with self._lock:
            for one in assignments:
                self._assignments[AssignmentId(one.assignment_id)] = one
                self._assignments.move_to_end(one.assignment_id)
            while len(self._assignments) > CACHED_ASSIGNMENTS:
                self._assignments.popitem(last=False)
        return assignments
