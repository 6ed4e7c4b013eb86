"""A served project: its stores, its writer, and what is remembered of it between two requests."""

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
from tiltyard.labels.adjudication import Dispute, disputed
from tiltyard.labels.current_classes import in_todays_words
from tiltyard.schemas.errors import ProjectFileError, Unavailable
from tiltyard.schemas.project.project_file import Project
from tiltyard.schemas.records import Annotation, Assignment, AssignmentId, NewAnnotation
from tiltyard.stores.ledger.ledger import Ledger
from tiltyard.workspace.workspace import Workspace, find_project_file, open_workspace

LOG: Final = logging.getLogger("tiltyard.labeling")
T = TypeVar("T")
KEPT_ASSIGNMENTS: Final = 5_000
GOLD_SECONDS: Final = 5.0
QUALITY_SECONDS: Final = 60.0


class ServedProject:
    """One project as the server holds it open."""

    def __init__(self, path: Path, clock: Callable[[], datetime], *, seals: bool = True) -> None:
        """Open the project's stores, a ledger of our own among them, and start its writer."""
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
        self.admission = AccessCache(self.ledger.access)
        self._has_gold: TtlCache[bool] = TtlCache(GOLD_SECONDS)

    @property
    def project(self) -> Project:
        """The project file as it is now, or as it was when it could last be read."""
        return self.workspace.project

    @property
    def ledger(self) -> Ledger:
        """The append-only record."""
        return self.workspace.ledger

    def warm(self) -> None:
        """Do now what the first expert would have to wait for: Pandera's import takes a second, counting a moment."""
        try:
            _ = self.contract_hash
        except Unavailable as error:
            LOG.warning("answers cannot be stored: %s", error)
        self.progress.tell("")
        self.admission.by_name("")

    @property
    def contract_hash(self) -> str:
        """What decides over rows now; Unavailable when the project's Pandera module cannot be imported.

        That is no fault of an answer: it is kept by who gave it, and taken once the module is there again.
        """
        try:
            return self.workspace.contract_hash
        except ProjectFileError as error:
            raise Unavailable(f"nothing can be stored until the project is mended: {error}") from error

    def now(self) -> datetime:
        """This moment in UTC."""
        return self._clock()

    def assignment(self, assignment_id: str) -> Assignment:
        """One assignment, from memory where it was handed out lately; NotFound when there is none."""
        with self._lock:
            known = self._assignments.get(assignment_id)
        return known or self._keep([self.ledger.assignments.get(assignment_id)])[0]

    async def quickly(self, act: Callable[[], T], assignments: Sequence[str]) -> T:
        """What an act gives that looks assignments up: done here when all are in memory, else by a thread."""
        with self._lock:
            known = all(one in self._assignments for one in assignments)
        return act() if known else await run_in_threadpool(act)

    def disputes(self) -> list[Dispute]:
        """The samples that wait for an adjudicator."""
        contested = in_todays_words(self.ledger.annotations.contested_voices(), self.project)
        return disputed(contested, self.project.effective_label)

    def refresh(self) -> None:
        """Take up a project file or a Pandera module that was changed; a file that cannot be read is left alone, and
        logged."""
        stamp = self._file.stat().st_mtime_ns
        is_new, self._stamp = stamp != self._stamp, stamp
        try:
            opened = open_workspace(self._file)
        except ProjectFileError as error:
            if is_new:
                LOG.warning("the changed project file is not used: %s", error)
            return
        if opened is self._opened:
            return
        self._opened, project = opened, opened.project
        if project.name != self.project.name:
            LOG.warning("%s is called %r now; start the server again to serve it", self._file, project.name)
            return
        ledger = self.ledger
        workspace = replace(self.workspace, project=project)
        # The open ledger goes on serving; only what is read of the project file changes.
        workspace.__dict__["ledger"] = ledger
        self.workspace = workspace

    def seal(self) -> None:
        """Mirror what was stored as a chained file, so that nobody can change it unseen, if that is left to us."""
        if self._seals:
            self.ledger.segments.seal(self.now())

    def close(self) -> None:
        """Store what waits, seal what was stored, and give the database back."""
        self.writer.close()
        self.seal()
        self.ledger.close()

    def _store(self, annotations: Sequence[NewAnnotation]) -> list[Annotation]:
        """Store annotations together, all or none; on disk when this returns."""
        contract, labeling = self.contract_hash, self.project.labeling
        submit = self.ledger.annotations.submit
        return submit(annotations, contract_hash=contract, now=self.now(), labeling=labeling)

    def _lease(self, counts: Mapping[str, int]) -> Mapping[str, list[Assignment]]:
        """What each annotator is to answer next, a gold sample among it when it is time."""
        labeling, now = self.project.labeling, self.now()
        if labeling.gold_share > 0 and self._has_gold.get("", lambda: bool(self.ledger.gold.current())):
            for annotator in counts:
                project = self.project
                self.ledger.gold.ask_if_due(annotator, now, labeling.gold_share, project.seed, project.names.answerable)
        held = self.ledger.assignments.lease_all(counts, now, timedelta(minutes=labeling.lease_minutes))
        return {annotator: self._keep(found) for annotator, found in held.items()}

    def _keep(self, assignments: list[Assignment]) -> list[Assignment]:
        """Remember assignments, which never change, as long as they are among the last ones handed out."""
        with self._lock:
            for one in assignments:
                self._assignments[AssignmentId(one.assignment_id)] = one
                self._assignments.move_to_end(one.assignment_id)
            while len(self._assignments) > KEPT_ASSIGNMENTS:
                self._assignments.popitem(last=False)
        return assignments
