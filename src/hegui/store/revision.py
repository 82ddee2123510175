"""A counter that tells gateway workers that keys, services or policy have changed."""

from __future__ import annotations

from sqlalchemy import BigInteger, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from hegui.store.base import Base


class Revision(Base):
    """One row; `value` grows with each change that running workers must see."""

    __tablename__ = "store_revision"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    value: Mapped[int] = mapped_column(BigInteger)


def bump(session: Session) -> None:
    """Tell the workers, at commit, to read keys and services again."""
    session.execute(
        text(
            "INSERT INTO store_revision (id, value) VALUES (1, 1)"
            " ON CONFLICT (id) DO UPDATE SET value = store_revision.value + 1"
        )
    )
