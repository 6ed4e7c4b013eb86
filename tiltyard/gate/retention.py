"""Retention: which models' files can be deleted (rejected models beyond the number that the project file keeps)."""

from collections.abc import Sequence
from typing import Final

from tiltyard.gate.triggers import GateHistory
from tiltyard.schemas.records import Model, ModelId

TRAINED_LAST: Final = 2
"""The challenger, and the model trained before it, which says whether more labels still change anything."""


def deletable_models(models: Sequence[Model], now: GateHistory, keep: int | None) -> list[Model]:
    """The models whose files can be deleted, oldest first; ``models`` in the order in which they were trained.

    Of the models that no step needs any more, all but the newest ``keep``; none if ``keep`` is None.
    """
    if keep is None:
        return []
    needed = needed_models(models, now)
    rejected = [model for model in models if model.model_id not in needed]
    return rejected[: max(0, len(rejected) - keep)]


def needed_models(models: Sequence[Model], now: GateHistory) -> set[ModelId | None]:
    """The models that a step may ask: champions of any time, those trained last, and what a verdict may still move."""
    acted_on = {move.verdict_id for move in now.moves} | now.declined
    pending = [one for one in now.verdicts if one.decision == "promote" and one.verdict_id not in acted_on]
    return {
        now.champion,
        *(name for move in now.moves for name in (move.model_id, move.previous_id)),
        *(model.model_id for model in models[-TRAINED_LAST:]),
        *(one.challenger_id for one in pending if one.champion_id == now.champion),
    }
