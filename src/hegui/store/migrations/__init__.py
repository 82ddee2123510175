"""Alembic's scripts; core PostgreSQL only, no extensions."""
