"""The whole loop, step by step."""

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
    """Run the loop once, or from one step to another.

    No data passes from step to step: each reads from the stores what is left to do. Running again therefore resumes
    a killed run, and a run with nothing to do ends early. Experts add annotations through the queue at any time.

    Args:
        project: Folder or file of the project.
        first: The first step to run.
        last: The last step to run.

    Returns:
        The steps that were run.
    """
    steps = STEPS[STEPS.index(first) : STEPS.index(last) + 1]
    if "ingest" in steps:
        ingest_new_objects(project)  # land byte for byte, check, pool valid rows, quarantine the others
    if "settle" in steps:
        settle(project)  # apply new labels to earlier decisions: a harmful champion, an undecided verdict
    if "train" in steps and training_due(project):
        train(project)  # on every effective label outside the evaluation set
    if "judge" in steps:
        judge(project)  # challenger and champion on the same rows, drawn at random and never trained on
    if "promote" in steps and (verdict := pending_verdict(project)):
        promote_challenger(project, verdict)  # only a recorded verdict changes the champion
    if "ask" in steps:
        choose_samples(project)  # the most informative samples, and a few at random
    if "seal" in steps:
        seal_ledger(project)  # mirror what happened as a file in the hash chain
    return list(steps)
