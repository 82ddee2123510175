"""PostgreSQL, embedded by default: one engine, one unit of work, and nobody else commits."""

from hegui.store.base import Base
from hegui.store.unit import Store, unit_of_work

__all__ = ["Base", "Store", "unit_of_work"]
