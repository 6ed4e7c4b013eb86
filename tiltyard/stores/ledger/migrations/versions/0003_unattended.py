"""What the unattended loop keeps: approvals of promotions, and each look at an object that is known already."""

import sqlalchemy as sa
from alembic import op

from tiltyard.stores.ledger.database.immutability import guard_statements

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the two tables, and guard the one that holds facts."""
    op.create_table(
        "approval",
        sa.Column("verdict_id", sa.Text(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("approved", sa.Integer(), nullable=False),
        sa.Column("reviewer", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["seq"], ["journal.seq"]),
        sa.ForeignKeyConstraint(["verdict_id"], ["verdict.verdict_id"]),
        sa.PrimaryKeyConstraint("verdict_id"),
        sa.UniqueConstraint("seq"),
    )
    op.create_table(
        "sighting",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("stamp", sa.Text(), nullable=False),
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["object_id"], ["landed_object.object_id"]),
        sa.PrimaryKeyConstraint("source", "key", "version", "stamp"),
    )
    op.execute(
        "INSERT INTO sighting (source, key, version, stamp, object_id) "
        "SELECT source, key, version, stamp, object_id FROM landed_object "
        "WHERE seq IN (SELECT max(seq) FROM landed_object GROUP BY source, key, version, stamp)"
    )
    connection = op.get_bind()
    made = sa.MetaData()
    made.reflect(connection, only=("approval",))
    for statement in guard_statements(connection.dialect.name, [made.tables["approval"]]):
        connection.exec_driver_sql(statement)
