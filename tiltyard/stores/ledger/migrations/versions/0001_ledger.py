"""The ledger's first tables and their guards."""

from alembic import op

from tiltyard.stores.ledger.guards import guard_statements
from tiltyard.stores.ledger.tables import metadata

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create every table and put its guards on."""
    connection = op.get_bind()
    metadata.create_all(connection)
    for statement in guard_statements(connection.dialect.name):
        connection.exec_driver_sql(statement)
