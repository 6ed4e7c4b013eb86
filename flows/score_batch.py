"""Score: today's champion's predictions for batches that have none of it yet."""

from prefect import flow

from tasks.score_pool import batches_to_score, score_pool


@flow(name="score-batch", flow_run_name="score-batch {project}")
def score_batch(project: str = ".") -> list[str]:
    """Store predictions beside every pooled batch that today's champion has not scored; the files' names."""
    return [score_pool(project, batch_id) for batch_id in batches_to_score(project)]
