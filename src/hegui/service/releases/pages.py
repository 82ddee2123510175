"""Pages of releases: the grants, one grant with what was given under it, the decision, the log for an inspector."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hegui.evidence.box import Box
from hegui.kit import clock
from hegui.kit.errors import InputError
from hegui.kit.pages import Download, Page, Redirect, Route, Visit
from hegui.kit.text import Bi
from hegui.people.permits import Act, Role, permits
from hegui.service.releases import acts, handing, queries, rules
from hegui.service.releases.models import CONTENT_KINDS, CONTENT_STATES, GRANT_STATES, Grant, GrantState

_TITLE = Bi("无标提供", "Unlabelled")


def _may(visit: Visit, act: Act) -> bool:
    return permits(Role(visit.person.role), act)


def _no_filter() -> InputError:
    return InputError(Bi("没有这一页", "there is no such page"), Bi("回到列表", "go back to the list"))


def overview(visit: Visit) -> Page:
    """Show the grants, newest first, with filters."""
    moment = clock.now()
    given = {key: visit.query.get(key, "").replace("\0", "").strip() for key in vars(queries.Filter())}
    if given["state"] and given["state"] not in set(GrantState):
        raise InputError(
            Bi(f"没有“{given['state']}”这个状态", f"there is no state {given['state']!r}"),
            Bi("在列表上方选择", "choose above the list"),
        )
    if given["before"] and not acts.is_number(given["before"]):
        raise _no_filter()
    wanted = queries.Filter(**given)
    rows = queries.grants(visit.session, wanted, moment)
    today = clock.today()
    values = {
        "rows": rows[: queries.PAGE], "more": len(rows) > queries.PAGE,
        "query": {key: value for key, value in given.items() if value and key != "before"}, "wanted": wanted, "moment": moment,
        "states": GRANT_STATES, "kinds": CONTENT_KINDS, "services": queries.services(visit.session),
        "waiting": queries.waiting(visit.session, moment), "may_export": _may(visit, Act.EXPORT_RELEASES),
        "first": handing.first_day(visit.shared.settings).isoformat(), "last": today.isoformat(),
        "months": rules.months(visit.shared.settings.log_months), "clause": rules.CLAUSE,
    }  # fmt: skip
    return Page("releases/overview.html", _TITLE, values)


def _row(visit: Visit) -> Grant:
    row = visit.session.get(Grant, visit.path["id"])
    if not isinstance(row, Grant):
        raise InputError(Bi("没有这个许可", "there is no such leave"), Bi("回到列表", "go back to the list"))
    return row


def _shown(visit: Visit, row: Grant, error: InputError | None = None) -> Page:
    moment = clock.now()
    state = row.state_at(moment)
    may = _may(visit, Act.DECIDE_RELEASES)
    before = visit.query.get("before", "").replace("\0", "")
    if before and not acts.is_number(before):
        raise _no_filter()
    contents = queries.contents(visit.session, row.id, before)
    values: dict[str, Any] = {
        "row": row, "state": state, "states": GRANT_STATES, "kinds": CONTENT_KINDS,
        "content_states": CONTENT_STATES, "clause": acts.clause_row(visit.session, row),
        "purpose": acts.purpose(Box(visit.shared.keyring), row), "names": queries.names(visit.session),
        "contents": contents[: queries.PAGE], "more": len(contents) > queries.PAGE, "error": error,
        "may_approve": may and state is GrantState.ACCEPTED,
        "may_refuse": may and state in {GrantState.REQUESTED, GrantState.ACCEPTED},
        "may_revoke": may and state is GrantState.GRANTED,
    }  # fmt: skip
    return Page("releases/grant.html", Bi("一份许可", "One leave"), values, 400 if error else 200)


def one(visit: Visit) -> Page:
    """Show one grant: who, what for, which clause, what was given."""
    return _shown(visit, _row(visit))


def _decided(act: Callable[[Visit, str], Grant]) -> Callable[[Visit], Page | Redirect]:
    def view(visit: Visit) -> Page | Redirect:
        row = _row(visit)
        try:
            act(visit, row.id)
        except InputError as error:
            return _shown(visit, row, error)
        return Redirect(f"/releases/{row.id}")

    return view


def _approve(visit: Visit, number: str) -> Grant:
    return acts.approve(visit.session, number, visit.person, visit.shared.settings)


def _refuse(visit: Visit, number: str) -> Grant:
    return acts.refuse(visit.session, number, visit.person, visit.form.get("reason", ""))


def _revoke(visit: Visit, number: str) -> Grant:
    return acts.revoke(visit.session, number, visit.person, visit.form.get("reason", ""))


def log(visit: Visit) -> Download:
    """Hand the log of some days over as CSV or XLSX."""
    today, form = clock.today(), visit.form.get("form", "csv")
    first = handing.day(visit.form.get("first", ""), handing.first_day(visit.shared.settings))
    last = handing.day(visit.form.get("last", ""), today)
    box = Box(visit.shared.keyring)
    data, media, _ = handing.hand_over(visit.session, box, form, (first, last), visit.person.id)
    return Download(f"releases-{first}-{last}.{form}", data, media)


ROUTES: tuple[Route, ...] = (
    Route("/releases", Act.READ_RELEASES, overview, menu=_TITLE),
    Route("/releases/log", Act.EXPORT_RELEASES, log, methods=("POST",)),
    Route("/releases/{id}", Act.READ_RELEASES, one),
    Route("/releases/{id}/approve", Act.DECIDE_RELEASES, _decided(_approve), methods=("POST",)),
    Route("/releases/{id}/refuse", Act.DECIDE_RELEASES, _decided(_refuse), methods=("POST",)),
    Route("/releases/{id}/revoke", Act.DECIDE_RELEASES, _decided(_revoke), methods=("POST",)),
)
