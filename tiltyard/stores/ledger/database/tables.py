"""The tables of the ledger: plain text, whole numbers and floats, alike on SQLite and PostgreSQL.

``journal`` is the spine: one row per fact, whose ``seq`` is the ledger position and whose ``digest`` is the
SHA-256 of the fact's own row. Every other table holds facts of one kind. Moments are ISO 8601 text in UTC and
nested values are canonical JSON, so that a fact's bytes, and so its digest, are the same on every database.
"""

from sqlalchemy import BigInteger, Column, Float, ForeignKey, Index, Integer, MetaData, Table, Text, UniqueConstraint

metadata = MetaData()

WHOLE = BigInteger().with_variant(Integer, "sqlite")
"""64 bits on every database: an object of 3 GB and any seed have room. SQLite's INTEGER has them anyhow."""


def _seq() -> Column[int]:
    """A fact's place in the journal."""
    return Column("seq", WHOLE, ForeignKey("journal.seq"), nullable=False, unique=True)


def _text(name: str, *, nullable: bool = False) -> Column[str]:
    """A text column."""
    return Column(name, Text, nullable=nullable)


def _number(name: str, *, nullable: bool = False) -> Column[int]:
    """A column of whole numbers."""
    return Column(name, WHOLE, nullable=nullable)


def _float(name: str) -> Column[float]:
    """A column of floats that may be missing."""
    return Column(name, Float, nullable=True)


def _later(name: str) -> Column[str]:
    """A text column that was added later: while it is empty, it is not part of a fact's digest."""
    return Column(name, Text, nullable=True, info={"later": True})


journal = Table(
    "journal",
    metadata,
    Column("seq", WHOLE, primary_key=True, autoincrement=True),
    _text("kind"),
    _text("record_id"),
    _text("digest"),
    UniqueConstraint("kind", "record_id"),
    sqlite_autoincrement=True,
)

project_version = Table(
    "project_version",
    metadata,
    Column("project_hash", Text, primary_key=True),
    _seq(),
    _text("body"),
    _text("recorded_at"),
)

landed_object = Table(
    "landed_object",
    metadata,
    Column("object_id", Text, primary_key=True),
    _seq(),
    _text("source"),
    _text("key"),
    _text("version"),
    _text("stamp"),
    _text("checksum"),
    _number("size"),
    _text("landed_at"),
    UniqueConstraint("source", "key", "version", "checksum"),
)

sighting = Table(
    "sighting",
    metadata,
    # No fact: what a listing said of an object whose bytes are known, so that they are not copied again.
    Column("source", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("version", Text, primary_key=True),
    Column("stamp", Text, primary_key=True),
    Column("object_id", Text, ForeignKey("landed_object.object_id"), nullable=False),
)

batch = Table(
    "batch",
    metadata,
    Column("batch_id", Text, primary_key=True),
    _seq(),
    Column("object_id", Text, ForeignKey("landed_object.object_id"), nullable=False),
    _number("attempt"),
    _text("contract_hash"),
    _text("state"),
    _number("read"),
    _number("accepted"),
    _number("quarantined"),
    _number("duplicate"),
    _text("reason"),
    _text("pool_file", nullable=True),
    _text("quarantine_file", nullable=True),
    _text("statistics"),
    _text("recorded_at"),
    UniqueConstraint("object_id", "attempt"),
)

query = Table(
    "query",
    metadata,
    Column("query_id", Text, primary_key=True),
    _seq(),
    _text("strategy"),
    _text("model_id", nullable=True),
    _number("budget"),
    _number("position"),
    _text("reason"),
    _text("recorded_at"),
    _later("verdict_id"),
)

assignment = Table(
    "assignment",
    metadata,
    Column("assignment_id", Text, primary_key=True),
    _seq(),
    Column("query_id", Text, ForeignKey("query.query_id"), nullable=False),
    _text("sample_id"),
    _number("slot"),
    _text("purpose"),
    _text("strategy"),
    _float("score"),
    _float("probability"),
    _text("model_id", nullable=True),
    _text("payload"),
    Column("priority", Float, nullable=False),
    _later("suggestion"),
    # What follows is the lease: it may change, the columns above may not.
    Column("state", Text, nullable=False, server_default="open"),
    _text("holder", nullable=True),
    Column("lease_until", Text, nullable=False, server_default=""),
    _text("lease_token", nullable=True),
    UniqueConstraint("sample_id", "slot"),
)
Index("assignment_queue", assignment.c.state, assignment.c.priority.desc(), assignment.c.assignment_id)
Index("assignment_by_holder", assignment.c.holder, assignment.c.state)
Index("assignment_by_query", assignment.c.query_id, assignment.c.state)

annotation = Table(
    "annotation",
    metadata,
    Column("annotation_id", Text, primary_key=True),
    _seq(),
    Column("client_key", Text, nullable=False, unique=True),
    _text("annotator"),
    _text("act"),
    _text("sample_id"),
    _text("label", nullable=True),
    _text("note"),
    _text("supersedes", nullable=True),
    _text("assignment_id", nullable=True),
    _text("purpose"),
    _text("strategy"),
    _float("score"),
    _float("probability"),
    _text("model_id", nullable=True),
    _text("suggestion", nullable=True),
    _number("suggestion_visible"),
    _text("payload"),
    _text("payload_hash"),
    _text("contract_hash"),
    _number("lead_ms", nullable=True),
    _text("origin"),
    _number("late"),
    _text("said_at"),
    _text("recorded_at"),
    _later("guidelines_hash"),
    _later("claimed_at"),
    _later("imported_by"),
    Index("annotation_by_sample", "sample_id", "annotator"),
    Index("annotation_by_assignment", "assignment_id"),
    Index("annotation_by_annotator", "annotator", "recorded_at"),
    Index("annotation_by_superseded", "supersedes"),
)

access = Table(
    "access",
    metadata,
    Column("access_id", Text, primary_key=True),
    _seq(),
    _text("annotator"),
    _text("role"),
    _text("act"),
    _text("token_hash", nullable=True),
    _text("decided_by"),
    _text("recorded_at"),
    Index("access_by_annotator", "annotator", "seq"),
    Index("access_by_token", "token_hash"),
)

gold_sample = Table(
    "gold_sample",
    metadata,
    Column("gold_id", Text, primary_key=True),
    _seq(),
    _text("sample_id"),
    _text("payload"),
    _text("label"),
    _text("act"),
    _text("decided_by"),
    _text("recorded_at"),
    Index("gold_by_sample", "sample_id", "seq"),
)

outbox = Table(
    "outbox",
    metadata,
    # No fact: a row is a message that waits until its receivers have it. The key makes it one message.
    Column("notice_id", Text, primary_key=True),
    _text("event"),
    _text("body"),
    _text("state"),
    _number("attempts"),
    _text("next_at"),
    _text("problem"),
    _text("recorded_at"),
    Index("outbox_by_state", "state", "next_at"),
)

labeled_set = Table(
    "labeled_set",
    metadata,
    Column("set_id", Text, primary_key=True),
    _seq(),
    _text("purpose"),
    _number("position"),
    _number("rows"),
    _text("classes"),
    _text("file"),
    _text("recorded_at"),
)

model = Table(
    "model",
    metadata,
    Column("model_id", Text, primary_key=True),
    _seq(),
    Column("training_id", Text, ForeignKey("labeled_set.set_id"), nullable=False),
    _text("project_hash"),
    _text("recipe"),
    _number("seed"),
    _text("code_version"),
    _text("environment"),
    _text("metrics"),
    _float("threshold"),
    _text("run_id"),
    _text("registry_version"),
    _text("artifact"),
    _text("predictions_hash"),
    _text("recorded_at"),
)

verdict = Table(
    "verdict",
    metadata,
    Column("verdict_id", Text, primary_key=True),
    _seq(),
    Column("challenger_id", Text, ForeignKey("model.model_id"), nullable=False),
    _text("champion_id", nullable=True),
    _text("evaluation_id", nullable=True),
    _text("decision"),
    _text("metric"),
    _number("rows"),
    _text("challenger", nullable=True),
    _text("champion", nullable=True),
    _text("gain", nullable=True),
    _text("checks"),
    _text("policy"),
    _text("decided_by"),
    _text("reason"),
    _text("recorded_at"),
    _later("evidence"),
)

approval = Table(
    "approval",
    metadata,
    # One per verdict: the key makes the first answer the only one.
    Column("verdict_id", Text, ForeignKey("verdict.verdict_id"), primary_key=True),
    _seq(),
    _number("approved"),
    _text("reviewer"),
    _text("reason"),
    _text("recorded_at"),
)

promotion = Table(
    "promotion",
    metadata,
    # 1, 2, 3 ... without gaps: the primary key itself is the compare-and-set on the champion that was seen.
    Column("number", WHOLE, primary_key=True, autoincrement=False),
    _seq(),
    Column("model_id", Text, ForeignKey("model.model_id"), nullable=False),
    _text("previous_id", nullable=True),
    Column("verdict_id", Text, ForeignKey("verdict.verdict_id"), nullable=False, unique=True),
    _text("kind"),
    _text("actor"),
    _text("reason"),
    _text("recorded_at"),
)

segment = Table(
    "segment",
    metadata,
    Column("number", WHOLE, primary_key=True, autoincrement=False),
    _number("first_seq"),
    _number("last_seq"),
    _text("previous"),
    _text("file"),
    _text("recorded_at"),
)

head = Table(
    "head",
    metadata,
    # No fact: how far the chain of segments has come, kept apart from them, so that a newest one that goes is missed.
    Column("chain", Text, primary_key=True),
    _number("segments"),
    _number("facts"),
    _text("sha256"),
    _text("recorded_at"),
)

FACTS = (
    project_version,
    landed_object,
    batch,
    query,
    assignment,
    annotation,
    labeled_set,
    model,
    verdict,
    promotion,
    access,
    gold_sample,
    approval,
)
"""The tables whose rows are in the journal."""
