"""What the labeling queue keeps: accesses, gold samples, an outbox, suggestions, versions of the guidelines."""

import sqlalchemy as sa
from alembic import op

from tiltyard.stores.ledger.database.immutability import guard_statements, unguard_statements

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

GUARDED = ("access", "gold_sample")
ALTERED = ("assignment", "annotation")


def upgrade() -> None:
    """Create the new tables, add the new columns, and guard both."""
    create_tables()
    add_columns()
    make_indexes()
    connection = op.get_bind()
    made = sa.MetaData()
    made.reflect(connection, only=GUARDED + ALTERED)
    for name in ALTERED:
        for statement in unguard_statements(connection.dialect.name, made.tables[name]):
            connection.exec_driver_sql(statement)
    guarded = [made.tables[name] for name in GUARDED + ALTERED]
    for statement in guard_statements(connection.dialect.name, guarded):
        connection.exec_driver_sql(statement)


def create_tables() -> None:
    """The new tables as they were at this revision."""
    op.create_table(
        "access",
        sa.Column("access_id", sa.Text(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("annotator", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["seq"], ["journal.seq"]),
        sa.PrimaryKeyConstraint("access_id"),
        sa.UniqueConstraint("seq"),
    )
    op.create_table(
        "gold_sample",
        sa.Column("gold_id", sa.Text(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("sample_id", sa.Text(), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["seq"], ["journal.seq"]),
        sa.PrimaryKeyConstraint("gold_id"),
        sa.UniqueConstraint("seq"),
    )
    op.create_table(
        "outbox",
        sa.Column("notice_id", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.Text(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("notice_id"),
    )


def add_columns() -> None:
    """The columns that facts have from now on."""
    op.add_column("assignment", sa.Column("suggestion", sa.Text(), nullable=True))
    op.add_column("annotation", sa.Column("guidelines_hash", sa.Text(), nullable=True))


def make_indexes() -> None:
    """What the queue reads by; the first two take the place of narrower ones."""
    op.drop_index("assignment_by_priority", "assignment")
    op.drop_index("annotation_by_sample", "annotation")
    op.create_index("assignment_queue", "assignment", ["state", sa.text("priority DESC"), "assignment_id"])
    op.create_index("assignment_by_holder", "assignment", ["holder", "state"])
    op.create_index("assignment_by_query", "assignment", ["query_id", "state"])
    op.create_index("annotation_by_sample", "annotation", ["sample_id", "annotator"])
    op.create_index("annotation_by_annotator", "annotation", ["annotator", "recorded_at"])
    op.create_index("annotation_by_superseded", "annotation", ["supersedes"])
    op.create_index("access_by_annotator", "access", ["annotator", "seq"])
    op.create_index("access_by_token", "access", ["token_hash"])
    op.create_index("gold_by_sample", "gold_sample", ["sample_id", "seq"])
    op.create_index("outbox_by_state", "outbox", ["state", "next_at"])
