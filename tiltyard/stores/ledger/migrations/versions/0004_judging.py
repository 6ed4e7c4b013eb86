"""What a verdict saw beside its checks, and the verdict for whose sake evaluation labels were asked for."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the two columns; facts written before hold nothing in them."""
    op.add_column("verdict", sa.Column("evidence", sa.Text(), nullable=True))
    op.add_column("query", sa.Column("verdict_id", sa.Text(), nullable=True))
