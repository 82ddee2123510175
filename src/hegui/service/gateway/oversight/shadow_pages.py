"""The page on which the policy in shadow is compared with the live one on live traffic."""

from __future__ import annotations

from hegui.kit.errors import InputError
from hegui.kit.pages import Page, Route, Visit
from hegui.kit.text import Bi
from hegui.people import Act
from hegui.service.gateway.oversight import queries, shadow

_DAYS = {"1": Bi("1 天", "1 day"), "7": Bi("7 天", "7 days"), "30": Bi("30 天", "30 days")}


def comparison(visit: Visit) -> Page:
    """Show counts of agreement by pair of actions, a picture, and the latest exchanges that differ."""
    days = visit.query.get("days", "7")
    if days not in _DAYS:
        raise InputError(Bi("没有这个时段", "there is no such span"), Bi("从列表中选择", "choose from the list"))
    known = shadow.policies(visit.session, int(days))
    policy = visit.query.get("policy", "").replace("\0", "") or (known[0] if known else "")
    found = shadow.compared(visit.session, policy, int(days))
    return Page(
        "gateway/shadow.html",
        Bi("影子对比", "Shadow"),
        {
            "found": found,
            "picture": shadow.picture(found, visit.lang),
            "rows": shadow.differing(visit.session, policy, int(days)),
            "known": known,
            "days": days,
            "spans": _DAYS,
            "sides": shadow.SIDES,
            "action": shadow.action_name,
            "outcomes": queries.OUTCOMES,
        },
    )


ROUTES = (Route("/shadow", Act.READ_EXCHANGES, comparison),)
