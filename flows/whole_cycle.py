"""The whole loop, once round: this page tells the story."""

from typing import Literal, get_args

from tiltyard.flows.ingest_batch import ingest_new_objects
from tiltyard.flows.retrain_challenger import judge, settle, train
from tiltyard.tasks.labels.choose_samples import choose_samples
from tiltyard.tasks.loop_flow import loop_flow
from tiltyard.tasks.maintenance.seal_ledger import seal_ledger
from tiltyard.tasks.models.promote_challenger import pending_verdict, promote_challenger
from tiltyard.tasks.models.training_due import training_due

Step = Literal["ingest", "settle", "train", "judge", "promote", "ask", "seal"]
STEPS: tuple[Step, ...] = get_args(Step)


@loop_flow("whole-cycle")
def whole_cycle(project: str = ".", first: Step = "ingest", last: Step = "seal") -> list[Step]:
    """Go once round the loop, or from one step to another.

    Nothing is handed from step to step: each finds in the stores what is left to do. So a run that was killed
    is resumed by running again, and a run with nothing to do ends early. Annotations come in between, through
    the queue, whenever experts find the time.

    Args:
        project: Folder or file of the project.
        first: The first step to take.
        last: The last step to take.

    Returns:
        The steps that were taken.
    """
    steps = STEPS[STEPS.index(first) : STEPS.index(last) + 1]
    if "ingest" in steps:
        ingest_new_objects(
            project
        )  # new objects: landed byte for byte, checked, good rows pooled, bad rows quarantined
    if "settle" in steps:
        settle(project)  # apply new labels to earlier decisions: a harmful champion, an open question
    if "train" in steps and training_due(project):
        train(project)  # on every effective label outside the evaluation set
    if "judge" in steps:
        judge(project)  # challenger and champion on the same rows, by chance drawn and never trained on
    if "promote" in steps and (verdict := pending_verdict(project)):
        promote_challenger(project, verdict)  # only a recorded verdict moves the champion
    if "ask" in steps:
        choose_samples(project)  # the samples whose labels teach most, and a few by chance
    if "seal" in steps:
        seal_ledger(project)  # what happened, mirrored as a chained file
    return list(steps)
