"""Pages of uploads: the list by judgement, and one upload with what was found and added."""

from __future__ import annotations

from hegui.kit import ids
from hegui.kit.errors import InputError
from hegui.kit.pages import Page, Route, Visit
from hegui.kit.text import Bi
from hegui.people.permits import Act
from hegui.service.labels.files import VERDICT_NAMES, Verdict
from hegui.service.uploads import queries
from hegui.service.uploads.models import FORMS, JUDGEMENTS, Judgement, Upload

_TITLE = Bi("上传核验", "Uploads")
_FIELDS = (
    "Label",
    "ContentProducer",
    "ProduceID",
    "ReservedCode1",
    "ContentPropagator",
    "PropagateID",
    "ReservedCode2",
)


def overview(visit: Visit) -> Page:
    """Show uploads, newest first, by judgement and service."""
    given = {key: visit.query.get(key, "").replace("\0", "").strip() for key in vars(queries.Filter())}
    if (given["judgement"] and given["judgement"] not in set(Judgement)) or (
        given["before"] and not ids.is_id(given["before"])
    ):
        raise InputError(
            Bi("没有这个筛选值", "there is nothing of that name to filter by"),
            Bi("在列表上方选择", "choose above the list"),
        )
    wanted = queries.Filter(**given)
    found = queries.uploads(visit.session, wanted)
    values = {
        "rows": found[: queries.PAGE], "more": len(found) > queries.PAGE, "wanted": wanted, "judgements": JUDGEMENTS,
        "forms": FORMS, "verdicts": VERDICT_NAMES, "services": queries.services(visit.session),
        "query": {key: value for key, value in given.items() if value and key != "before"},
    }  # fmt: skip
    return Page("uploads/overview.html", _TITLE, values)


def one(visit: Visit) -> Page:
    """Show one upload: what it said, what its user declared, which notice, what was added."""
    row = visit.session.get(Upload, visit.path["id"])
    if not isinstance(row, Upload):
        raise InputError(Bi("没有这个上传", "there is no such upload"), Bi("回到列表", "go back to the list"))
    values = {
        "row": row, "judgements": JUDGEMENTS, "forms": FORMS, "verdict": VERDICT_NAMES[Verdict(row.verdict)],
        "fields": _FIELDS,
    }  # fmt: skip
    return Page("uploads/upload.html", Bi("一件上传", "One upload"), values)


ROUTES: tuple[Route, ...] = (
    Route("/uploads", Act.READ_UPLOADS, overview, menu=_TITLE),
    Route("/uploads/{id}", Act.READ_UPLOADS, one),
)
