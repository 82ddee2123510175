"""flagged exchanges wait for people: items, who decided what, and what was learned from it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the step."""
    op.add_column('gateway_exchange', sa.Column('queued', sa.Boolean(), server_default=sa.text('false'), nullable=False))
    op.create_index('ix_gateway_exchange_to_queue', 'gateway_exchange', ['id'], unique=False, postgresql_where=sa.text('flagged AND NOT queued'))
    op.create_table('review_item',
    sa.Column('id', sa.UUID(as_uuid=False), nullable=False),
    sa.Column('exchange_id', sa.UUID(as_uuid=False), nullable=False),
    sa.Column('service', sa.Text(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('urgency', sa.Text(), nullable=False),
    sa.Column('risks', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('lanes', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('fingerprint', sa.Text(), nullable=False),
    sa.Column('occurrences', sa.Integer(), nullable=False),
    sa.Column('queued_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('draw', sa.Integer(), nullable=False),
    sa.Column('double', sa.Boolean(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('stage', sa.Text(), nullable=False),
    sa.Column('taken_by', sa.UUID(as_uuid=False), nullable=True),
    sa.Column('taken_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('verdict', sa.Text(), nullable=True),
    sa.Column('risk', sa.Text(), nullable=True),
    sa.ForeignKeyConstraint(['exchange_id'], ['evidence_entry.id'], name=op.f('fk_review_item_exchange_id')),
    sa.ForeignKeyConstraint(['taken_by'], ['people_account.id'], name=op.f('fk_review_item_taken_by')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_review_item')),
    sa.UniqueConstraint('exchange_id', name=op.f('uq_review_item_exchange_id'))
    )
    op.create_index('ix_review_item_open_due', 'review_item', ['due_at'], unique=False, postgresql_where=sa.text("state <> 'decided'"))
    op.create_index('uq_review_item_open_fingerprint', 'review_item', ['service', 'fingerprint'], unique=True, postgresql_where=sa.text("state <> 'decided'"))
    op.create_table('review_occurrence',
    sa.Column('exchange_id', sa.UUID(as_uuid=False), nullable=False),
    sa.Column('item_id', sa.UUID(as_uuid=False), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['exchange_id'], ['evidence_entry.id'], name=op.f('fk_review_occurrence_exchange_id')),
    sa.ForeignKeyConstraint(['item_id'], ['review_item.id'], name=op.f('fk_review_occurrence_item_id')),
    sa.PrimaryKeyConstraint('exchange_id', name=op.f('pk_review_occurrence'))
    )
    op.create_index(op.f('ix_review_occurrence_item_id'), 'review_occurrence', ['item_id'], unique=False)
    op.create_table('review_decision',
    sa.Column('id', sa.UUID(as_uuid=False), nullable=False),
    sa.Column('item_id', sa.UUID(as_uuid=False), nullable=False),
    sa.Column('stage', sa.Text(), nullable=False),
    sa.Column('by', sa.UUID(as_uuid=False), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('verdict', sa.Text(), nullable=False),
    sa.Column('risk', sa.Text(), nullable=True),
    sa.Column('salt', sa.Text(), nullable=False),
    sa.Column('sealed', sa.LargeBinary(), nullable=True),
    sa.Column('key_id', sa.Text(), nullable=True),
    sa.Column('due', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['by'], ['people_account.id'], name=op.f('fk_review_decision_by')),
    sa.ForeignKeyConstraint(['item_id'], ['review_item.id'], name=op.f('fk_review_decision_item_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_review_decision')),
    sa.UniqueConstraint('item_id', 'by', name='uq_review_decision_item_id_by'),
    sa.UniqueConstraint('item_id', 'stage', name='uq_review_decision_item_id_stage')
    )
    op.create_index('ix_review_decision_by_at', 'review_decision', ['by', 'at'], unique=False)
    op.create_index('ix_review_decision_due', 'review_decision', ['due'], unique=False, postgresql_where=sa.text('sealed IS NOT NULL'))
    op.create_table('review_excerpt',
    sa.Column('id', sa.UUID(as_uuid=False), nullable=False),
    sa.Column('decision_id', sa.UUID(as_uuid=False), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('service', sa.Text(), nullable=False),
    sa.Column('side', sa.Text(), nullable=False),
    sa.Column('risk', sa.Text(), nullable=True),
    sa.Column('action', sa.Text(), nullable=True),
    sa.Column('sealed', sa.LargeBinary(), nullable=False),
    sa.Column('key_id', sa.Text(), nullable=False),
    sa.Column('due', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['decision_id'], ['review_decision.id'], name=op.f('fk_review_excerpt_decision_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_review_excerpt'))
    )
    op.create_index(op.f('ix_review_excerpt_due'), 'review_excerpt', ['due'], unique=False)


def downgrade() -> None:
    """Undo the step."""
    for table in ('review_excerpt', 'review_decision', 'review_occurrence', 'review_item'):
        op.drop_table(table)
    op.drop_index('ix_gateway_exchange_to_queue', table_name='gateway_exchange')
    op.drop_column('gateway_exchange', 'queued')
