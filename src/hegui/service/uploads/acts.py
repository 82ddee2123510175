"""What is done with uploads: judged, declared, shown; and what is due goes. The only writer.

Evidence names uploads, digests, judgements and clauses; never a person, a name of a file or a field of a label.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

from sqlalchemy import CursorResult, delete, func, select
from sqlalchemy.orm import Session

from hegui.evidence import leave
from hegui.evidence.retention import LOG, LOG_CLAUSE, Erased, log_due, log_months
from hegui.kit import clock, ids
from hegui.kit.calls import CallError, no_such
from hegui.kit.text import Bi
from hegui.law import cite
from hegui.service.labels.explain import Judged
from hegui.service.labels.files import Inspection, Verdict
from hegui.service.labels.schema import FIELDS, Label, Reading
from hegui.service.uploads.judging import Finding, Passed
from hegui.service.uploads.models import Form, Judgement, Upload
from hegui.service.uploads.shelf import UPLOAD, Slip

UPLOADS = "upload"
"""The class of what retention counts."""
CLAUSE = cite("LAB-6.4")
_LOCK = 0x75706C6F


def found(session: Session, number: str, service: str = "") -> Upload:
    """Return an upload that was judged, locked; of one service where it is given; raise CallError 404."""
    row = session.get(Upload, number, with_for_update=True, populate_existing=True) if ids.is_id(number) else None
    if row is None or (service and row.service != service):
        raise no_such(UPLOAD)
    return row


def by_key(session: Session, service: str, key: str | None) -> Upload | None:
    """Return what an application sent before under the same name of its own."""
    if not key:
        return None
    return session.scalar(select(Upload).where(Upload.service == service, Upload.key == key))


def keep(session: Session, number: str, slip: Slip, finding: Finding, months: int) -> Upload:
    """Keep what was found of an upload; what is kept already under that number or key stays."""
    if slip.key:
        name = func.hashtextextended(f"{slip.service}\n{slip.key}", _LOCK)
        session.execute(select(func.pg_advisory_xact_lock(name)))
    row = session.get(Upload, number) or by_key(session, slip.service, slip.key)
    if row is not None:
        return row
    moment = clock.now()
    row = Upload(
        id=number, service=slip.service, key=slip.key, person=slip.person, at=moment,
        declared=slip.declared, declared_at=moment if slip.declared is not None else None, traces=slip.traces,
        reminded=False, due=log_due(moment, log_months(months)),
    )  # fmt: skip
    _note(row, finding)
    session.add(row)
    session.flush()
    _leave(session, "upload.judged", row, {**_told(row), "c2pa": finding.passed.c2pa.value})
    return row


def _note(row: Upload, finding: Finding) -> None:
    label, passed, judged = finding.inspection.label, finding.passed, finding.judged
    row.size, row.digest, row.container = finding.size, finding.digest, finding.inspection.container
    row.verdict, row.judgement = finding.inspection.verdict.value, finding.judgement.value
    row.found = _plain(label.as_dict()) if label is not None else None
    row.notice = None if judged.notice is None else {"zh": judged.notice.zh, "en": judged.notice.en}
    row.clause = judged.clause or None
    row.form, row.out_digest = passed.form.value, passed.digest
    row.added = _plain(passed.added.as_dict()) if passed.added is not None else None
    row.problem = None if passed.problem is None else passed.problem.both.replace("\0", "")
    if row.declared is None and row.judgement in {Judgement.NOTHING, Judgement.UNDETERMINED}:
        row.reminded = True


def _plain(fields: dict[str, str]) -> dict[str, str]:
    """Return fields as a database keeps them: without the one character that it can not."""
    return {name: value.replace("\0", "") for name, value in fields.items()}


def _leave(session: Session, kind: str, row: Upload, payload: dict[str, Any]) -> None:
    """Leave evidence that goes when the record does: a digest tells who has the same file."""
    leave(session, kind, payload, service=row.service, retention=LOG, due=row.due)


def _told(row: Upload) -> dict[str, Any]:
    return {
        "upload": row.id, "before": row.digest, "after": row.out_digest, "container": row.container,
        "verdict": row.verdict, "judgement": row.judgement, "declared": row.declared, "traces": row.traces,
        "clause": row.clause, "form": row.form, "reminded": row.reminded,
    }  # fmt: skip


def declare(session: Session, row: Upload, person: str | None, finding: Finding | None, *, declared: bool) -> Upload:
    """Keep what a user declares afterwards; `finding` is the file judged anew, None where it is off the disk.

    Raises CallError 409 for a declaration that takes another one back: what was said stands.
    """
    if row.declared is not None and row.declared is not declared:
        raise CallError(
            409, "declared_already", Bi("用户已作声明，不能改为相反", "the user has declared, and it can not become the opposite"),
            Bi("如有争议，由人工处理", "where it is in dispute, let people handle it"), cite=CLAUSE,
        )  # fmt: skip
    row.declared, row.declared_at, row.person = declared, clock.now(), person or row.person
    if finding is not None:
        _note(row, finding)
        row.shown_at = None  # the notice may be another one
    manifest = {"c2pa": finding.passed.c2pa.value} if finding is not None else {}
    _leave(session, "upload.declared", row, {**_told(row), **manifest})
    return row


def _label(fields: dict[str, str]) -> Label:
    return Label(*(fields[name] for name in FIELDS))


def found_before(row: Upload) -> Finding:
    """Return what was found of an upload, as it is kept."""
    label = _label(row.found) if row.found is not None else None
    readings = () if label is None else (Reading("", "", label),)
    added = _label(row.added) if row.added is not None else None
    return Finding(
        row.digest, row.size, Inspection(row.container, Verdict(row.verdict), readings), Judged(None, None, ""),
        Passed(Form(row.form), added, row.out_digest),
    )  # fmt: skip


def shown(session: Session, row: Upload) -> Upload:
    """Keep that the application shows the notice beside what was published; raise CallError 409 where none is due."""
    if row.notice is None:
        raise CallError(
            409, "no_notice", Bi("该内容没有应显示的提示", "there is no notice to show for this content"),
            Bi("无须确认", "nothing is to be confirmed"), cite=CLAUSE,
        )  # fmt: skip
    if row.shown_at is None:
        row.shown_at = clock.now()
        _leave(session, "upload.shown", row, {"upload": row.id, "judgement": row.judgement})
    return row


def sidecar_body(row: Upload) -> dict[str, Any] | None:
    """Return the label that goes beside a file with no place for one."""
    return {"AIGC": row.added, "sha256": row.digest} if row.form == Form.SIDECAR and row.added is not None else None


def erase_due(session: Session, moment: datetime) -> Erased | None:
    """Erase the records whose time is up; that it was done is recorded."""
    done = session.execute(delete(Upload).where(Upload.due <= moment))
    count = cast("CursorResult[Any]", done).rowcount
    if count == 0:
        return None
    leave(session, "record.erased", {"class": UPLOADS, "cutoff": clock.iso(moment), "count": count, "cite": LOG_CLAUSE})
    return Erased(UPLOADS, count, moment)
