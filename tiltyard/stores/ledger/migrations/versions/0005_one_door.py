"""What an import and a wrong clock say of an annotation, the head of the chain, and 64 bits for every whole number."""

import sqlalchemy as sa
from alembic import op

from tiltyard.stores.ledger.database.immutability import guard_statements, unguard_statements

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

LEASED = "assignment"


def upgrade() -> None:
    """Add two columns and a table, and widen on PostgreSQL; facts written before hold nothing in the columns."""
    op.add_column("annotation", sa.Column("claimed_at", sa.Text(), nullable=True))
    op.add_column("annotation", sa.Column("imported_by", sa.Text(), nullable=True))
    whole = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "head",
        sa.Column("chain", sa.Text(), nullable=False),
        sa.Column("segments", whole, nullable=False),
        sa.Column("facts", whole, nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("chain"),
    )
    connection = op.get_bind()
    if connection.dialect.name != "sqlite":  # there every INTEGER has 64 bits
        widen(connection)


def widen(connection: sa.Connection) -> None:
    """Make every INTEGER a BIGINT. A column that a trigger looks at cannot be altered under it."""
    made = sa.MetaData()
    made.reflect(connection, only=(LEASED,))
    for statement in unguard_statements(connection.dialect.name, made.tables[LEASED]):
        connection.exec_driver_sql(statement)
    inspector = sa.inspect(connection)
    for table in sorted(inspector.get_table_names()):
        for column in inspector.get_columns(table):
            if isinstance(column["type"], sa.Integer) and not isinstance(column["type"], sa.BigInteger):
                op.alter_column(table, column["name"], type_=sa.BigInteger())
    for statement in guard_statements(connection.dialect.name, [made.tables[LEASED]]):
        connection.exec_driver_sql(statement)
