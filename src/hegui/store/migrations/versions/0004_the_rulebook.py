"""the rulebook: versions of the policy, words, set answers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the step."""
    op.create_table('rulebook_answer',
    sa.Column('id', sa.UUID(as_uuid=False), nullable=False),
    sa.Column('key', sa.Text(), nullable=False),
    sa.Column('question', sa.Text(), nullable=False),
    sa.Column('answer', sa.Text(), nullable=False),
    sa.Column('risk', sa.Text(), nullable=False),
    sa.Column('why', sa.Text(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('author', sa.UUID(as_uuid=False), nullable=False),
    sa.Column('proposed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('approver', sa.UUID(as_uuid=False), nullable=True),
    sa.Column('approved_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('ended_by', sa.UUID(as_uuid=False), nullable=True),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('ended_why', sa.Text(), nullable=True),
    sa.ForeignKeyConstraint(['approver'], ['people_account.id'], name=op.f('fk_rulebook_answer_approver')),
    sa.ForeignKeyConstraint(['author'], ['people_account.id'], name=op.f('fk_rulebook_answer_author')),
    sa.ForeignKeyConstraint(['ended_by'], ['people_account.id'], name=op.f('fk_rulebook_answer_ended_by')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_rulebook_answer'))
    )
    op.create_index('ix_rulebook_answer_state', 'rulebook_answer', ['state'], unique=False)
    op.create_index('uq_rulebook_answer_live', 'rulebook_answer', ['key'], unique=True, postgresql_where=sa.text("state = 'live'"))
    op.create_table('rulebook_policy',
    sa.Column('number', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('body', sa.Text(), nullable=False),
    sa.Column('digest', sa.Text(), nullable=False),
    sa.Column('why', sa.Text(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('author', sa.UUID(as_uuid=False), nullable=False),
    sa.Column('written_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('shadow_by', sa.UUID(as_uuid=False), nullable=True),
    sa.Column('shadow_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('approver', sa.UUID(as_uuid=False), nullable=True),
    sa.Column('live_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('urgent_why', sa.Text(), nullable=True),
    sa.Column('ended_by', sa.UUID(as_uuid=False), nullable=True),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('ended_why', sa.Text(), nullable=True),
    sa.ForeignKeyConstraint(['approver'], ['people_account.id'], name=op.f('fk_rulebook_policy_approver')),
    sa.ForeignKeyConstraint(['author'], ['people_account.id'], name=op.f('fk_rulebook_policy_author')),
    sa.ForeignKeyConstraint(['ended_by'], ['people_account.id'], name=op.f('fk_rulebook_policy_ended_by')),
    sa.ForeignKeyConstraint(['shadow_by'], ['people_account.id'], name=op.f('fk_rulebook_policy_shadow_by')),
    sa.PrimaryKeyConstraint('number', name=op.f('pk_rulebook_policy'))
    )
    op.create_index('uq_rulebook_policy_live', 'rulebook_policy', ['state'], unique=True, postgresql_where=sa.text("state = 'live'"))
    op.create_index('uq_rulebook_policy_shadow', 'rulebook_policy', ['state'], unique=True, postgresql_where=sa.text("state = 'shadow'"))
    op.create_table('rulebook_word',
    sa.Column('id', sa.UUID(as_uuid=False), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('text', sa.Text(), nullable=False),
    sa.Column('folded', sa.Text(), nullable=False),
    sa.Column('risk', sa.Text(), nullable=False),
    sa.Column('rules', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('rule', sa.Text(), nullable=True),
    sa.Column('phrase', sa.Text(), nullable=True),
    sa.Column('why', sa.Text(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('author', sa.UUID(as_uuid=False), nullable=False),
    sa.Column('proposed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('urgent_by', sa.UUID(as_uuid=False), nullable=True),
    sa.Column('urgent_why', sa.Text(), nullable=True),
    sa.Column('live_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('lapses_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('approver', sa.UUID(as_uuid=False), nullable=True),
    sa.Column('approved_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('ended_by', sa.UUID(as_uuid=False), nullable=True),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('ended_why', sa.Text(), nullable=True),
    sa.ForeignKeyConstraint(['approver'], ['people_account.id'], name=op.f('fk_rulebook_word_approver')),
    sa.ForeignKeyConstraint(['author'], ['people_account.id'], name=op.f('fk_rulebook_word_author')),
    sa.ForeignKeyConstraint(['ended_by'], ['people_account.id'], name=op.f('fk_rulebook_word_ended_by')),
    sa.ForeignKeyConstraint(['urgent_by'], ['people_account.id'], name=op.f('fk_rulebook_word_urgent_by')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_rulebook_word'))
    )
    op.create_index('ix_rulebook_word_state', 'rulebook_word', ['state'], unique=False)
    op.create_index('ix_gateway_exchange_shadow', 'gateway_exchange', ['id'], unique=False, postgresql_where=sa.text('shadow IS NOT NULL'))


def downgrade() -> None:
    """Undo the step."""
    op.drop_index('ix_gateway_exchange_shadow', table_name='gateway_exchange', postgresql_where=sa.text('shadow IS NOT NULL'))
    op.drop_index('ix_rulebook_word_state', table_name='rulebook_word')
    op.drop_table('rulebook_word')
    op.drop_index('uq_rulebook_policy_shadow', table_name='rulebook_policy', postgresql_where=sa.text("state = 'shadow'"))
    op.drop_index('uq_rulebook_policy_live', table_name='rulebook_policy', postgresql_where=sa.text("state = 'live'"))
    op.drop_table('rulebook_policy')
    op.drop_index('uq_rulebook_answer_live', table_name='rulebook_answer', postgresql_where=sa.text("state = 'live'"))
    op.drop_index('ix_rulebook_answer_state', table_name='rulebook_answer')
    op.drop_table('rulebook_answer')
