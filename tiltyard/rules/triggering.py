"""When a step is due: counted from the ledger each time, never from the event that woke us."""

from collections.abc import Iterable, Sequence

from schemas.project import Project
from schemas.records import Due, EffectiveLabel, Model, ModelId, Verdict


def training_is_due(new_annotations: int, labels: Sequence[EffectiveLabel], project: Project) -> Due:
    """Whether to retrain: enough annotations since the last training set, and enough labels to learn from.

    ``labels`` are all effective labels outside the evaluation set.
    """
    wanted, fewest = project.triggers.labels, project.tuning.minimum_labels
    classes = {label.label for label in labels}
    if new_annotations < wanted:
        return Due(False, f"{new_annotations} of {wanted} new annotations")
    if len(labels) < fewest or len(classes) < 2:
        return Due(False, f"{len(labels)} training labels of {len(classes)} classes; {fewest} of two are needed")
    return Due(True, f"{new_annotations} new annotations, {len(labels)} training labels")


def challenger_to_judge(
    last: Model | None, champion: ModelId | None, verdicts: Sequence[Verdict], evaluation_id: str
) -> ModelId | None:
    """The model that awaits a verdict: the last one trained, if it has none, or none that could decide.

    A challenger is looked at once: to look again and again at growing rows until one look is favourable would
    promote models that are no better. Only a verdict that had too few rows or classes to look at all is taken
    up again, on other rows. ``verdicts`` are those on the last model.
    """
    if last is None or last.model_id == champion:
        return None
    if not verdicts:
        return last.model_id
    newest = verdicts[-1]
    undecided = any(check.outcome == "undecided" and check.name in {"labels", "classes"} for check in newest.checks)
    on_other_rows = newest.evaluation_id != evaluation_id
    return last.model_id if undecided and on_other_rows and newest.decision == "keep" else None


def verdict_to_act_on(verdicts: Sequence[Verdict], acted_on: Iterable[str], champion: ModelId | None) -> Verdict | None:
    """The newest verdict that says promote, was decided against today's champion and was not acted on yet."""
    done = set(acted_on)
    newest = next((verdict for verdict in reversed(verdicts) if verdict.decision != "roll_back"), None)
    if newest is None or newest.decision != "promote" or newest.verdict_id in done:
        return None
    return newest if newest.champion_id == champion else None
