"""The log of releases as a table for an inspector: CSV or XLSX, every row a content with who, when and under what."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from datetime import datetime

from hegui.evidence.box import Box
from hegui.kit import clock
from hegui.kit.errors import InputError
from hegui.kit.text import Bi
from hegui.service.releases import acts
from hegui.service.releases.models import (
    CONTENT_KINDS,
    CONTENT_STATES,
    ClauseRow,
    Content,
    ContentKind,
    ContentState,
    Grant,
)

COLUMNS = (
    Bi("内容编号", "content number"), Bi("种类", "kind"), Bi("结果", "outcome"), Bi("时间（北京）", "time (Beijing)"),
    Bi("内容摘要 SHA-256", "content SHA-256"), Bi("服务", "service"), Bi("提供对象（假名）", "recipient (pseudonym)"),
    Bi("用途", "purpose"), Bi("许可编号", "grant"), Bi("条款版本", "clause"), Bi("条款摘要", "clause SHA-256"),
    Bi("用户承诺时间（北京）", "accepted (Beijing)"), Bi("批准人", "approved by"), Bi("记录留存至（北京）", "kept until (Beijing)"),
)  # fmt: skip
CSV_MEDIA = "text/csv; charset=utf-8"
XLSX_MEDIA = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def _when(moment: datetime | None) -> str:
    return "" if moment is None else moment.astimezone(clock.CHINA).strftime("%Y-%m-%d %H:%M:%S")


def _plain(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def rows(found: Sequence[tuple[Content, Grant, ClauseRow]], box: Box, names: dict[str, str]) -> list[list[str]]:
    """Return header and rows of the log."""
    made = [[column.both for column in COLUMNS]]
    for content, grant, clause in found:
        made.append([
            content.content_id, CONTENT_KINDS[ContentKind(content.kind)].both, CONTENT_STATES[ContentState(content.state)].both,
            _when(content.at), content.digest or "", grant.service, grant.person, _plain(acts.purpose(box, grant) or ""),
            grant.id, _plain(clause.version), clause.digest, _when(grant.accepted_at), names.get(grant.decided_by or "", ""),
            _when(content.due),
        ])  # fmt: skip
    return made


def as_csv(made: list[list[str]]) -> bytes:
    """Return a CSV in UTF-8 with a byte-order mark, as spreadsheet programs in Chinese want it."""
    out = io.StringIO(newline="")
    csv.writer(out).writerows(made)
    return "\ufeff".encode() + out.getvalue().encode()


def as_xlsx(made: list[list[str]]) -> bytes:
    """Return a workbook of one sheet."""
    from openpyxl import Workbook  # noqa: PLC0415 - slow to import, seldom needed

    book = Workbook(write_only=True)
    sheet = book.create_sheet("LAB-9")
    for row in made:
        sheet.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


FORMATS: dict[str, tuple[Callable[[list[list[str]]], bytes], str]] = {
    "csv": (as_csv, CSV_MEDIA),
    "xlsx": (as_xlsx, XLSX_MEDIA),
}


def written(form: str, made: list[list[str]]) -> tuple[bytes, str]:
    """Return the file of a form and its media type; raise InputError for a form that there is not."""
    if form not in FORMATS:
        raise InputError(Bi(f"没有格式 {form}", f"there is no format {form}"), Bi("用 csv 或 xlsx", "use csv or xlsx"))
    write, media = FORMATS[form]
    return write(made), media
