"""Pages of the gateway: the live list of exchanges, and one exchange with its proof."""

from __future__ import annotations

import json
from typing import Any

from hegui.evidence import sequencer
from hegui.evidence.models import EntryRow
from hegui.evidence.notes import tlog_proof
from hegui.general.content.policy import ACTION_NAMES, LANE_NAMES, UNMAPPED, URGENCY_NAMES
from hegui.general.rulebook.queries import word_texts
from hegui.kit import ids
from hegui.kit.errors import InputError
from hegui.kit.pages import Download, Page, Redirect, Route, Visit
from hegui.kit.text import Bi
from hegui.law import risks
from hegui.people import Act, Role, permits
from hegui.service.gateway.models import Exchange
from hegui.service.gateway.oversight import queries, reading, shadow

_HOURS, _BINS = 24, 48


def _missing() -> InputError:
    return InputError(
        Bi("没有这条记录，或已按期删除", "there is no such exchange, or it was erased when due"),
        Bi("返回列表", "go back to the list"),
    )


class _Names(dict[str, Bi]):
    """Names for people; what has none, such as a risk of another version, stands for itself."""

    def __missing__(self, key: str) -> Bi:
        return Bi(key, key)


def _risk_names() -> dict[str, Bi]:
    """Return the names of the 31 risks, and of what is none of them."""
    return _Names({risk: risks().name(risk).bi for risk in risks().ids} | {UNMAPPED: Bi("未对应风险", "no such risk")})


_FILTERS = ("outcome", "risk", "service", "person", "flagged", "before")


def listing(visit: Visit) -> Page:
    """Show the live list with filters and the chart."""
    wanted = queries.Filter(**{key: visit.query.get(key, "").strip() for key in _FILTERS})
    if "\0" in "".join(vars(wanted).values()) or (wanted.before and not ids.is_id(wanted.before)):
        raise _missing()
    if wanted.outcome and wanted.outcome not in queries.OUTCOMES:
        raise InputError(
            Bi(f"没有“{wanted.outcome}”这种结果", f"there is no outcome {wanted.outcome!r}"),
            Bi("在列表上方选择结果", "choose an outcome above the list"),
        )
    if wanted.flagged and wanted.flagged not in queries.FLAGS:
        raise InputError(
            Bi(f"没有“{wanted.flagged}”这种送审", f"there is no flag {wanted.flagged!r}"),
            Bi("在列表上方选择送审", "choose a flag above the list"),
        )
    rows = queries.exchanges(visit.session, wanted)
    partial = visit.query.get("part") == "rows"
    return Page(
        "gateway/rows.html" if partial else "gateway/exchanges.html",
        Bi("交互记录", "Exchanges"),
        {
            "rows": rows,
            "wanted": wanted,
            "outcomes": queries.OUTCOMES,
            "risk_names": _risk_names(),
            "urgency_names": URGENCY_NAMES,
            "flags": queries.FLAGS,
            "minors": queries.minors(visit.session, rows),
            "problem": None if partial else queries.rules_problem(visit.session),
            "services": queries.services(visit.session),
            "bins": None if partial else queries.volume(visit.session, _HOURS, _BINS),
            "more": len(rows) == queries.PAGE,
            "query": {key: value for key, value in vars(wanted).items() if value and key != "before"},
        },
    )


def _one(visit: Visit) -> tuple[Exchange, EntryRow]:
    exchange = visit.session.get(Exchange, visit.path["id"])
    entry = queries.entry(visit.session, visit.path["id"])
    if exchange is None or entry is None:
        raise _missing()
    return exchange, entry


def _words(visit: Visit, payload: dict[str, Any]) -> dict[str, str]:
    """Return the words behind the rules that hit, from the library version of that day; for operators only."""
    found = word_texts(visit.session, {verdict["rule"] for verdict in payload["verdicts"]})
    file = payload["versions"]["library"].partition("+")[0]
    path = visit.shared.settings.data / "libraries" / f"{file}.json"
    if path.exists():
        found |= {f"keyword:{row}": word for row, word, _ in json.loads(path.read_bytes())["rows"]}
    return found


def one(visit: Visit) -> Page:
    """Show one exchange: verdicts, labels, versions, and the proof that it is in the ledger."""
    exchange, entry = _one(visit)
    payload = json.loads(entry.payload) if entry.payload else {}
    proof = sequencer.proof_of(visit.session, entry.id)
    may_read = permits(Role(visit.person.role), Act.READ_CONTENT)
    return Page(
        "gateway/exchange.html",
        Bi("一次交互", "One exchange"),
        {
            "exchange": exchange,
            "entry": entry,
            "payload": payload,
            "words": _words(visit, payload) if payload and may_read else {},
            "outcomes": queries.OUTCOMES,
            "risk_names": _risk_names(),
            "lane_names": _Names(LANE_NAMES),
            "action_names": _Names(ACTION_NAMES),
            "shadow_action": shadow.action_name,
            "urgency_names": URGENCY_NAMES,
            "proof": proof,
            "may_read": may_read,
            "content": None,
        },
    )


def read_content(visit: Visit) -> Page:
    """Show the decrypted content; that it was read, and by whom, is itself recorded."""
    exchange, entry = _one(visit)
    page = one(visit)
    body = reading.opened(visit.session, visit.shared.keyring, exchange, visit.person)
    if (
        body
        and isinstance(body.get("question"), str)
        and json.loads(entry.payload or "{}").get("endpoint") != "moderations"
    ):
        body["question"] = json.loads(body["question"])
    return Page(page.template, page.title, {**page.values, "content": body or {}})


def content_again(visit: Visit) -> Redirect:
    """Lead a reload of the decrypted content back to the exchange, since reading again is recorded again."""
    _, entry = _one(visit)
    return Redirect(f"/exchanges/{entry.id}")


def proof(visit: Visit) -> Download | Redirect:
    """Hand over the proof of one exchange as a C2SP tlog-proof."""
    _, entry = _one(visit)
    found = sequencer.proof_of(visit.session, entry.id)
    if found is None:
        return Redirect(f"/exchanges/{entry.id}")
    index, hashes, checkpoint = found
    return Download(f"{entry.id}.tlog-proof", tlog_proof(index, hashes, checkpoint.note).encode())


ROUTES = (
    Route("/exchanges", Act.READ_EXCHANGES, listing, menu=Bi("交互记录", "Exchanges")),
    Route("/exchanges/{id}", Act.READ_EXCHANGES, one),
    Route("/exchanges/{id}/content", Act.READ_CONTENT, read_content, methods=("POST",)),
    Route("/exchanges/{id}/content", Act.READ_EXCHANGES, content_again),
    Route("/exchanges/{id}/proof", Act.READ_EXCHANGES, proof),
)
