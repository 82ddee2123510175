"""salts, with which the ledger commits to words, set answers and policies that it does not show."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None

_TABLES = ('rulebook_word', 'rulebook_answer', 'rulebook_policy')


def upgrade() -> None:
    """Apply the step; what is there already has a fresh salt for what will be said of it."""
    for table in _TABLES:
        op.add_column(table, sa.Column('salt', sa.Text(), nullable=True))
        op.execute(f"UPDATE {table} SET salt = gen_random_uuid()::text")  # noqa: S608 - names from above
        op.alter_column(table, 'salt', nullable=False)


def downgrade() -> None:
    """Undo the step."""
    for table in _TABLES:
        op.drop_column(table, 'salt')
