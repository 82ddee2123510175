"""The clause of the user agreement that a user accepts: the operator's, or the shipped template; a version by its digest."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from hegui.evidence import leave
from hegui.kit import clock
from hegui.kit.canonical import canonical
from hegui.kit.errors import InputError
from hegui.kit.text import Bi
from hegui.kit.yaml import YAMLError, read_yaml
from hegui.service.releases.models import ClauseRow
from hegui.service.releases.rules import CLAUSE

_KEYS = frozenset({"version", "zh", "en"})
_LONGEST = 64 * 1024


@dataclass(frozen=True)
class Clause:
    """One version of the clause, as a user is shown it."""

    version: str
    text: Bi
    template: bool = False

    @property
    def digest(self) -> str:
        """Return the SHA-256 of version and texts, in hex: what a user's acceptance names."""
        return sha256(canonical({"version": self.version, "zh": self.text.zh, "en": self.text.en})).hexdigest()

    def as_dict(self) -> dict[str, Any]:
        """Return the clause for machines."""
        return {"digest": self.digest, "version": self.version, "zh": self.text.zh, "en": self.text.en}


def _wrong(zh: str, en: str) -> InputError:
    return InputError(
        Bi(zh, en),
        Bi("写明 version、zh、en 三项，见 docs/labelling.md", "give `version`, `zh` and `en`; see docs/labelling.md"),
        cite=CLAUSE,
    )


def read_clause(path: Path) -> Clause:
    """Return the operator's clause; raise InputError for a file that is not one."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise _wrong(f"无法读取 {path}：{error.strerror}", f"can not read {path}: {error.strerror}") from None
    if len(raw) > _LONGEST:
        raise _wrong(f"{path} 过大", f"{path} is too large")
    return _read(raw, str(path))


def _read(raw: bytes, name: str, *, template: bool = False) -> Clause:
    try:
        data = read_yaml(raw.decode("utf-8"), shipped=template)
    except (UnicodeDecodeError, YAMLError) as error:
        raise _wrong(f"{name} 无法读取：{error}", f"{name} can not be read: {error}") from None
    if (
        not isinstance(data, dict)
        or set(data) != _KEYS
        or not all(isinstance(value, str) and value.strip() for value in data.values())
    ):
        raise _wrong(f"{name} 不是条款文件", f"{name} is not a clause")
    return Clause(data["version"].strip(), Bi(data["zh"].strip(), data["en"].strip()), template)


@cache
def template() -> Clause:
    """Return the shipped template, which an operator should replace by its own clause."""
    return _read((files("hegui.service.releases") / "clause.yaml").read_bytes(), "clause.yaml", template=True)


def clause_of(setting: str) -> Clause:
    """Return the clause of the setting `unlabelled_clause`, the template where it is empty; raise InputError."""
    return read_clause(Path(setting)) if setting else template()


def keep(session: Session, clause: Clause) -> ClauseRow:
    """Keep a clause as it is shown, once."""
    row = session.get(ClauseRow, clause.digest)
    if row is None:
        row = ClauseRow(
            digest=clause.digest, version=clause.version, zh=clause.text.zh, en=clause.text.en,
            template=clause.template, first_at=clock.now(),
        )  # fmt: skip
        session.add(row)
        session.flush()
        leave(session, "release.clause", {"digest": row.digest, "version": row.version, "template": row.template})
    return row
