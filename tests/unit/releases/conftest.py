"""One worker whose provider may give content without the explicit label."""

from __future__ import annotations

from tests.application import house

__all__ = ["house"]
