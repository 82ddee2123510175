"""exchanges say whether a person should look at them, and what a policy in shadow would have done."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the step."""
    op.add_column('gateway_exchange', sa.Column('flagged', sa.Boolean(), server_default=sa.text('false'), nullable=False))
    op.add_column('gateway_exchange', sa.Column('urgency', sa.Text(), nullable=True))
    op.add_column('gateway_exchange', sa.Column('fingerprint', sa.Text(), nullable=True))
    op.add_column('gateway_exchange', sa.Column('shadow', postgresql.JSONB(astext_type=sa.Text()), nullable=True))
    op.create_index('ix_gateway_exchange_flagged', 'gateway_exchange', ['id'], unique=False, postgresql_where=sa.text('flagged'))


def downgrade() -> None:
    """Undo the step."""
    op.drop_index('ix_gateway_exchange_flagged', table_name='gateway_exchange')
    op.drop_column('gateway_exchange', 'shadow')
    op.drop_column('gateway_exchange', 'fingerprint')
    op.drop_column('gateway_exchange', 'urgency')
    op.drop_column('gateway_exchange', 'flagged')
