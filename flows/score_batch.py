"""Score: the current champion's predictions for batches that it has not scored."""

from tiltyard.tasks.loop_flow import loop_flow
from tiltyard.tasks.models.score_pool import batches_to_score, score_pool


@loop_flow("score-batch")
def score_batch(project: str = ".") -> list[str]:
    """Store predictions for every pooled batch that the current champion has not scored.

    Args:
        project: Folder or file of the project.

    Returns:
        The names of the files with the predictions.
    """
    return [score_pool(project, batch_id) for batch_id in batches_to_score(project)]
