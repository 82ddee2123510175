"""Citations in code: a clause that does not exist fails at import, so a test sees it."""

from __future__ import annotations

from hegui.law.register import register


def cite(citation: str) -> str:
    """Return the citation after checking that the register has it; raise UnknownCitationError."""
    register().article(citation)
    return citation
