"""Fixtures of the store's tests."""

from tests.unit.store.postgres import empty, migrated, postgres, store

__all__ = ["empty", "migrated", "postgres", "store"]
