"""content given without the explicit label on a grant, and uploads that were judged."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0006'
down_revision = '0005'
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the step."""
    op.create_table('release_clause',
    sa.Column('digest', sa.Text(), nullable=False),
    sa.Column('version', sa.Text(), nullable=False),
    sa.Column('zh', sa.Text(), nullable=False),
    sa.Column('en', sa.Text(), nullable=False),
    sa.Column('template', sa.Boolean(), nullable=False),
    sa.Column('first_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('digest', name=op.f('pk_release_clause'))
    )
    op.create_table('upload_file',
    sa.Column('id', sa.UUID(as_uuid=False), nullable=False),
    sa.Column('service', sa.Text(), nullable=False),
    sa.Column('key', sa.Text(), nullable=True),
    sa.Column('person', sa.Text(), nullable=True),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('size', sa.BigInteger(), nullable=False),
    sa.Column('digest', sa.Text(), nullable=False),
    sa.Column('container', sa.Text(), nullable=False),
    sa.Column('verdict', sa.Text(), nullable=False),
    sa.Column('found', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.Column('declared', sa.Boolean(), nullable=True),
    sa.Column('declared_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('traces', sa.Boolean(), nullable=False),
    sa.Column('reminded', sa.Boolean(), nullable=False),
    sa.Column('judgement', sa.Text(), nullable=False),
    sa.Column('notice', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.Column('clause', sa.Text(), nullable=True),
    sa.Column('shown_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('form', sa.Text(), nullable=False),
    sa.Column('problem', sa.Text(), nullable=True),
    sa.Column('added', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.Column('out_digest', sa.Text(), nullable=True),
    sa.Column('due', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_upload_file')),
    sa.UniqueConstraint('service', 'key', name='uq_upload_file_service_key')
    )
    op.create_index('ix_upload_file_at', 'upload_file', ['at'], unique=False)
    op.create_index('ix_upload_file_due', 'upload_file', ['due'], unique=False)
    op.create_index('ix_upload_file_judgement_at', 'upload_file', ['judgement', 'at'], unique=False)
    op.create_table('release_grant',
    sa.Column('id', sa.UUID(as_uuid=False), nullable=False),
    sa.Column('service', sa.Text(), nullable=False),
    sa.Column('person', sa.Text(), nullable=False),
    sa.Column('kinds', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('days', sa.Integer(), nullable=False),
    sa.Column('most', sa.Integer(), nullable=True),
    sa.Column('used', sa.Integer(), nullable=False),
    sa.Column('purpose', sa.LargeBinary(), nullable=True),
    sa.Column('purpose_key', sa.Text(), nullable=True),
    sa.Column('clause', sa.Text(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('requested_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('accepted_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('decided_by', sa.UUID(as_uuid=False), nullable=True),
    sa.Column('reason', sa.Text(), nullable=True),
    sa.Column('lapses_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('due', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['clause'], ['release_clause.digest'], name=op.f('fk_release_grant_clause')),
    sa.ForeignKeyConstraint(['decided_by'], ['people_account.id'], name=op.f('fk_release_grant_decided_by')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_release_grant'))
    )
    op.create_index('ix_release_grant_due', 'release_grant', ['due'], unique=False)
    op.create_index('ix_release_grant_service_person', 'release_grant', ['service', 'person'], unique=False)
    op.create_index('ix_release_grant_state', 'release_grant', ['state', 'requested_at'], unique=False)
    op.create_table('release_content',
    sa.Column('content_id', sa.Text(), nullable=False),
    sa.Column('grant_id', sa.UUID(as_uuid=False), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('digest', sa.Text(), nullable=True),
    sa.Column('digest_salt', sa.Text(), nullable=True),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('due', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['grant_id'], ['release_grant.id'], name=op.f('fk_release_content_grant_id')),
    sa.PrimaryKeyConstraint('content_id', name=op.f('pk_release_content'))
    )
    op.create_index('ix_release_content_at', 'release_content', ['at'], unique=False)
    op.create_index('ix_release_content_due', 'release_content', ['due'], unique=False)
    op.create_index('ix_release_content_grant_at', 'release_content', ['grant_id', 'at'], unique=False)


def downgrade() -> None:
    """Undo the step."""
    op.drop_index('ix_release_content_grant_at', table_name='release_content')
    op.drop_index('ix_release_content_due', table_name='release_content')
    op.drop_index('ix_release_content_at', table_name='release_content')
    op.drop_table('release_content')
    op.drop_index('ix_release_grant_state', table_name='release_grant')
    op.drop_index('ix_release_grant_service_person', table_name='release_grant')
    op.drop_index('ix_release_grant_due', table_name='release_grant')
    op.drop_table('release_grant')
    op.drop_index('ix_upload_file_judgement_at', table_name='upload_file')
    op.drop_index('ix_upload_file_due', table_name='upload_file')
    op.drop_index('ix_upload_file_at', table_name='upload_file')
    op.drop_table('upload_file')
    op.drop_table('release_clause')
