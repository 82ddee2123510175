"""Endpoints for the operator's application: show the clause, ask, accept, give back, list."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy.orm import Session

from hegui.evidence.box import Box
from hegui.evidence.keyring import Keyring
from hegui.kit import clock
from hegui.kit.calls import Call, CallError, Reply, no_such
from hegui.kit.settings import Settings
from hegui.kit.text import Bi
from hegui.kit.threads import Own
from hegui.service.releases import acts, queries, rules
from hegui.service.releases.clauses import Clause, clause_of
from hegui.service.releases.models import Content, Grant
from hegui.store.unit import Store, unit_of_work

CLAUSE, GRANTS = "/v1/labelling/clause", "/v1/labelling/grants"
_LONGEST_USER = 512
T = TypeVar("T")


def grant_data(session: Session, row: Grant) -> dict[str, Any]:
    """Return a grant as its user's application sees it."""
    clause = acts.clause_row(session, row)
    return {
        "id": row.id, "object": "labelling.grant", "state": row.state_at(clock.now()).value, "kinds": row.kinds,
        "days": row.days, "most": row.most, "used": row.used, "reason": row.reason,
        "requested_at": clock.iso(row.requested_at), "accepted_at": row.accepted_at and clock.iso(row.accepted_at),
        "decided_at": row.decided_at and clock.iso(row.decided_at), "lapses_at": clock.iso(row.lapses_at),
        "clause": {"digest": clause.digest, "version": clause.version, "zh": clause.zh, "en": clause.en},
    }  # fmt: skip


def _content_data(row: Content) -> dict[str, Any]:
    return {
        "content_id": row.content_id, "kind": row.kind, "state": row.state, "sha256": row.digest, "at": clock.iso(row.at),
    }  # fmt: skip


def _page(rows: list[dict[str, Any]]) -> Reply:
    """Return a page of a list; `has_more` says that `before`, with the last id of this page, gives another."""
    return Reply({"object": "list", "data": rows[: queries.PAGE], "has_more": len(rows) > queries.PAGE})


def _before(call: Call) -> str:
    before = call.query.get("before", "")
    if before and not acts.is_number(before):
        raise CallError(
            400, "invalid_field", Bi("before 应为上一页最后一项的编号", "`before` must be the last number of the page before"),
            Bi("改正后重试", "correct it"),
        )  # fmt: skip
    return before


class GrantEndpoints:
    """Answers under `/v1/labelling/grants` and `/v1/labelling/clause`."""

    prefixes = (CLAUSE, GRANTS)

    def __init__(self, store: Store, keyring: Keyring, settings: Settings) -> None:
        self._store = store
        self._box = Box(keyring)
        self._settings = settings
        self._aside = Own("releases")
        self._clause: Clause = clause_of(settings.unlabelled_clause)

    async def close(self) -> None:
        """Give back every connection."""
        self._aside.close()
        self._store.close()

    async def __call__(self, prefix: str, call: Call) -> Reply:
        """Answer a call; raise HeguiError."""
        match (prefix, call.method, call.rest):
            case (str(name), "GET", ()) if name == CLAUSE:
                return Reply({"object": "labelling.clause", **self._clause.as_dict()})
            case (str(name), "POST", ()) if name == GRANTS:
                return await self._request(call)
            case (str(name), "GET", ()) if name == GRANTS:
                return await self._list(call)
            case (str(name), "GET", (str(number),)) if name == GRANTS:
                return await self._one(call, number)
            case (str(name), "GET", (str(number), "contents")) if name == GRANTS:
                return await self._contents(call, number)
            case (str(name), "POST", (str(number), "accept" | "give-back" as act)) if name == GRANTS:
                return await self._act(call, number, act)
        raise no_such(Bi("接口", "endpoint"))

    async def _work(self, work: Callable[[Session], T]) -> T:
        def run() -> T:
            with unit_of_work(self._store) as session:
                return work(session)

        return await self._aside(run)

    def _person(self, call: Call, given: object) -> str:
        if not isinstance(given, str) or not 0 < len(given) <= _LONGEST_USER:
            raise CallError(
                400, "user_missing", Bi("缺少 user（提供对象）", "`user` is missing: who it is given to"),
                Bi("给出与生成请求相同的 user", "give the same `user` as in requests for content"), cite=rules.CLAUSE,
            )  # fmt: skip
        return call.pseudonym(given)

    async def _request(self, call: Call) -> Reply:
        data = await call.json()
        who = (call.service, self._person(call, data.get("user")))
        asked = acts.Asked.of(data, self._settings)
        if not self._settings.provider_code:
            raise CallError(
                409, "no_provider_code",
                Bi("运营者未设提供者编码，隐式标识无从写入，不能提供无显式标识的内容", "the operator has set no provider's code, so there is no implicit label that could stay"),
                Bi("请运营者设定 provider_code", "ask the operator to set `provider_code`"), cite="GB45438-6.1",
            )  # fmt: skip

        def work(session: Session) -> dict[str, Any]:
            row = acts.request(session, self._box, self._clause, who, asked, months=self._settings.log_months)
            return grant_data(session, row)

        return Reply(await self._work(work), 201)

    async def _list(self, call: Call) -> Reply:
        person = self._person(call, call.query["user"]) if "user" in call.query else ""
        wanted = queries.Filter(service=call.service, person=person, before=_before(call))
        rows = await self._work(lambda s: [grant_data(s, row) for row in queries.grants(s, wanted, clock.now())])
        return _page(rows)

    async def _one(self, call: Call, number: str) -> Reply:
        return Reply(await self._work(lambda s: grant_data(s, acts.found(s, number, call.service))))

    async def _contents(self, call: Call, number: str) -> Reply:
        before = _before(call)

        def work(session: Session) -> list[dict[str, Any]]:
            row = acts.found(session, number, call.service)
            return [_content_data(one) for one in queries.contents(session, row.id, before)]

        return _page(await self._work(work))

    async def _act(self, call: Call, number: str, act: str) -> Reply:
        data = await call.json()
        person = self._person(call, data.get("user"))

        def work(session: Session) -> dict[str, Any]:
            row = acts.found(session, number, call.service, person)
            if act == "accept":
                acts.accept(session, row, self._clause, str(data.get("clause")), self._settings)
            else:
                acts.give_back(session, row)
            return grant_data(session, row)

        return Reply(await self._work(work))
