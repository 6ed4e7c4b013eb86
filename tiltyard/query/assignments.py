"""How a query's budget is shared out, and how chosen rows become assignments."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

import polars as pl

from tiltyard.samples.evaluation_split import take_in_random_order
from tiltyard.samples.features import rows_to_payloads
from tiltyard.samples.hashing import hash_uniform, stochastic_round
from tiltyard.schemas.canonical import digest, sha256_of
from tiltyard.schemas.project import Project
from tiltyard.schemas.records import DISAGREEMENT, Assignment, AssignmentId, ModelId, Query, SampleId, Suggestion

NOTHING: Final[Mapping[str, Suggestion]] = MappingProxyType({})


def query_seed(project: Project, model_id: str | None, asked: int, pool: Iterable[str]) -> int:
    """The source of one query's chance: the same for the same question, another for every other.

    ``asked`` is how many samples were asked for before, ``pool`` the hashes of the pool's files.
    """
    return int(digest([project.seed, model_id, asked, sorted(pool)])[:8], 16)


def evaluation_share(free: int, project: Project, seed: int) -> int:
    """How many of the free assignments go to the evaluation set; on average exactly the project's share."""
    return min(free, stochastic_round(free * project.evaluation.budget_share, seed))


def select_evaluation(chunks: Iterable[pl.DataFrame], wanted: int, project: Project) -> pl.DataFrame:
    """The evaluation rows to label next: the first ``wanted`` in the order of chance, with the columns of a choice.

    ``chunks`` are pool frames of the evaluation set's rows that nobody was asked for yet; they are read once
    and only the rows wanted are kept.
    """
    first = take_in_random_order(chunks, wanted, project.seed)
    return _marked(first, "evaluation").drop("_order") if first.width else first


def select_disagreements(drawable: pl.DataFrame, wanted: int) -> pl.DataFrame:
    """The rows to label for an open question: the first ``wanted`` of those on which two models differ.

    ``drawable`` are these rows, lowest in the order of chance first; each had the same probability to be drawn.
    """
    probability = min(1.0, wanted / max(1, drawable.height))
    return _marked(drawable.head(wanted), DISAGREEMENT).with_columns(_probability=pl.lit(probability, pl.Float64))


def _marked(rows: pl.DataFrame, strategy: str) -> pl.DataFrame:
    """The rows with the columns that every choice has; they alternate with the queried ones in the queue."""
    priority = 1 - (pl.int_range(pl.len()).cast(pl.Float64) + 0.5) / pl.len()
    return rows.with_columns(
        _strategy=pl.lit(strategy),
        _score=pl.lit(None, pl.Float64),
        _probability=pl.lit(None, pl.Float64),
        _purpose=pl.lit("evaluation"),
        _priority=priority,
    )


def build_assignments(
    chosen: pl.DataFrame, query: Query, project: Project, suggestions: Mapping[str, Suggestion] = NOTHING
) -> list[Assignment]:
    """One assignment per chosen row and slot, each carrying the row's payload, most wanted first.

    ``suggestions`` are what the model says of the rows, by sample id; rows without one carry none.
    """
    rows = chosen.sort("_priority", "sample_id", descending=[True, False])
    made = zip(rows.iter_rows(named=True), rows_to_payloads(rows, project), strict=True)
    return [
        Assignment(
            assignment_id=AssignmentId(sha256_of(f"{query.query_id} {row['sample_id']} {slot}")[:32]),
            query_id=query.query_id,
            sample_id=SampleId(row["sample_id"]),
            slot=slot,
            purpose=row["_purpose"],
            strategy=row["_strategy"],
            score=row["_score"],
            probability=row["_probability"],
            model_id=ModelId(query.model_id) if query.model_id else None,
            payload=payload,
            priority=row["_priority"],
            suggestion=suggestions.get(row["sample_id"]),
        )
        for row, payload in made
        for slot in range(annotators_per_sample(SampleId(row["sample_id"]), project))
    ]


def annotators_per_sample(sample_id: SampleId, project: Project) -> int:
    """How many annotators are asked about a sample: the project's overlap for its share of the samples, else one."""
    overlaps = hash_uniform(project.seed, f"overlap {sample_id}") < project.query.overlap_share
    return project.query.overlap if overlaps else 1
