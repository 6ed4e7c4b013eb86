"""Verdicts and promotions: who is champion, who was, and why."""

from sqlalchemy import Connection, select
from sqlalchemy.exc import IntegrityError

from tiltyard.schemas.errors import NotFound, PromotionConflict
from tiltyard.schemas.records import Approval, ModelId, Promotion, Verdict, VerdictId
from tiltyard.stores.ledger.database import tables
from tiltyard.stores.ledger.database.engine import Database
from tiltyard.stores.ledger.database.records import all_of, append, find, records

VERDICT, PROMOTION, APPROVAL = tables.verdict, tables.promotion, tables.approval


class Promotions:
    """The part of the ledger that alone decides who is champion; the registry's alias only shows it."""

    def __init__(self, database: Database) -> None:
        """Work on an open database."""
        self._database = database

    def decide(self, verdict: Verdict) -> Verdict:
        """Record a verdict, once; the same comparison judged again gives the first verdict."""
        with self._database.writing() as connection:
            known = find(connection, Verdict, VERDICT.c.verdict_id == verdict.verdict_id)
            if known is None:
                append(connection, verdict)
            return known or verdict

    def verdict(self, verdict_id: VerdictId) -> Verdict:
        """One verdict; NotFound when there is none."""
        with self._database.reading() as connection:
            found = find(connection, Verdict, VERDICT.c.verdict_id == verdict_id)
        if found is None:
            raise NotFound(f"no verdict {verdict_id!r}; 'tiltyard history' lists them")
        return found

    def verdicts(self) -> list[Verdict]:
        """All verdicts, in the ledger's order."""
        with self._database.reading() as connection:
            return all_of(connection, Verdict)

    def verdicts_on(self, model_id: ModelId) -> list[Verdict]:
        """The verdicts on one challenger, first to last."""
        with self._database.reading() as connection:
            return all_of(connection, Verdict, VERDICT.c.challenger_id == model_id)

    def answer(self, approval: Approval) -> Approval:
        """Record a person's answer to a verdict, once; the same answer again gives the first.

        Raises PromotionConflict when somebody answered otherwise before.
        """
        with self._database.writing() as connection:
            known = find(connection, Approval, APPROVAL.c.verdict_id == approval.verdict_id)
            if known is None:
                append(connection, approval)
            elif known.approved != approval.approved:
                raise PromotionConflict(_answered(known))
            return known or approval

    def approvals(self) -> dict[VerdictId, Approval]:
        """Every answer, by its verdict."""
        with self._database.reading() as connection:
            return {one.verdict_id: one for one in all_of(connection, Approval)}

    def current(self) -> Promotion | None:
        """The move that made today's champion, if there is one."""
        with self._database.reading() as connection:
            return _current(connection)

    @property
    def champion_id(self) -> ModelId | None:
        """Today's champion, if there is one."""
        current = self.current()
        return current.model_id if current else None

    def history(self) -> list[Promotion]:
        """Every move of the champion, first to last."""
        with self._database.reading() as connection:
            return all_of(connection, Promotion)

    def position_of(self, number: int) -> int:
        """The ledger position of a move of the champion."""
        with self._database.reading() as connection:
            return int(connection.scalar(select(PROMOTION.c.seq).where(PROMOTION.c.number == number)) or 0)

    def move(self, promotion: Promotion) -> Promotion:
        """Record a move of the champion, once, if the champion is still the one that the move replaces.

        Raises PromotionConflict when another move came first: the number and the previous champion are the
        compare-and-set, and the database holds each number once.
        """
        try:
            with self._database.writing() as connection:
                known = find(connection, Promotion, PROMOTION.c.verdict_id == promotion.verdict_id)
                if known is None:
                    _expect(promotion, _current(connection))
                    append(connection, promotion)
                return known or promotion
        except IntegrityError as error:
            raise PromotionConflict(f"move {promotion.number} of the champion is taken; judge again") from error


def _answered(known: Approval) -> str:
    """Who answered what, and when."""
    said = "approved" if known.approved else "declined"
    when = known.recorded_at.date()
    return f"verdict {known.verdict_id[:8]} was {said} by {known.reviewer} on {when}: {known.reason}"


def _current(connection: Connection) -> Promotion | None:
    """The last move of the champion."""
    found = records(connection, Promotion, select(PROMOTION).order_by(PROMOTION.c.number.desc()).limit(1))
    return found[0] if found else None


def _expect(promotion: Promotion, current: Promotion | None) -> None:
    """Refuse a move that was decided against another champion than today's."""
    champion = current.model_id if current else None
    number = current.number + 1 if current else 1
    if (promotion.previous_id, promotion.number) != (champion, number):
        raise PromotionConflict(
            f"the verdict saw champion {promotion.previous_id!r}, today's is {champion!r}; judge the challenger again"
        )
