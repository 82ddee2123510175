"""Reading the content of an exchange: decrypted for those who may, and that it was read is itself recorded."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy.orm import Session

from hegui.evidence import leave
from hegui.evidence.keyring import Keyring
from hegui.evidence.models import EntryRow
from hegui.general.content.policy import Side
from hegui.kit.errors import StoreError
from hegui.kit.text import Bi
from hegui.people.models import Account
from hegui.people.permits import Act, Role, require
from hegui.service.gateway import texts
from hegui.service.gateway.models import Exchange
from hegui.service.gateway.records import ContentBox

_MODERATIONS = "moderations"


def opened(session: Session, keyring: Keyring, exchange: Exchange, by: Account) -> dict[str, Any] | None:
    """Return `{"question", "answer"}` of an exchange, None when it was erased, and leave evidence that it was read.

    Raises NotAllowedError for a role that may not, StoreError for what can not be decrypted.
    """
    require(Role(by.role), Act.READ_CONTENT)
    if exchange.content is None:
        return None
    found = ContentBox(keyring).open(exchange.id, exchange.content)
    if found is None:
        raise StoreError(
            Bi("正文无法解密：密钥不符，或内容已损坏", "the content can not be decrypted: another key, or it is damaged"),
            Bi("从备份恢复 keys 目录里的内容密钥", "restore the content key in the folder `keys` from a backup"),
        )  # fmt: skip
    leave(session, "content.read", {"exchange": exchange.id, "by": by.id}, service=exchange.service)
    body: dict[str, Any] = found["body"]
    return body


def content_of(session: Session, keyring: Keyring, exchange_id: str, person: Account) -> dict[str, Any] | None:
    """Return the texts of an exchange with the hits in them, for the review; None when there is no such exchange.

    Each text is `{"part", "side", "role", "text", "withheld"}`, where `part` is the path that hits name and
    `withheld` says from which character on nothing left; `texts` is None once the content was erased.
    """
    exchange, entry = session.get(Exchange, exchange_id), session.get(EntryRow, exchange_id)
    if exchange is None or entry is None:
        return None
    payload = json.loads(entry.payload or "{}")
    verdicts = payload.get("verdicts", [])
    body = opened(session, keyring, exchange, person)
    parts = {item["part"].removeprefix("old:") for item in verdicts}
    found = None
    if body is not None:
        moderated = payload.get("endpoint") == _MODERATIONS
        found = [*_asked(body.get("question"), parts, moderated=moderated), *_answered(body.get("answer") or {})]
    return {
        "texts": found,
        "verdicts": verdicts,
        "not_scanned": payload.get("not_scanned", []),
        "versions": payload.get("versions", {}),
        "outcome": exchange.outcome,
        "model": exchange.model,
    }


def _text(part: str, side: Side, role: str, text: str, withheld: int | None = None) -> dict[str, Any]:
    return {"part": part, "side": side.value, "role": role, "text": text, "withheld": withheld}


def _asked(question: Any, parts: set[str], *, moderated: bool) -> list[dict[str, Any]]:  # noqa: ANN401 - as recorded
    if moderated or not isinstance(question, str):
        return [_text("input", Side.INPUT, "user", str(question))]
    found = []
    for place, message in enumerate(json.loads(question)):
        path, role = f"messages[{place}]", str(message.get("role", ""))
        whole = texts.joined_parts(message)
        if whole and f"{path}.content" in parts:
            found.append(_text(f"{path}.content", Side.INPUT, role, whole))
        found += [_text(part, Side.INPUT, role, text) for part, text in texts.leaves(message, path)]
    return found


def _answered(answer: dict[str, str]) -> list[dict[str, Any]]:
    found = []
    for part, text in answer.items():
        if not part.endswith(texts.WITHHELD):
            rest = answer.get(part + texts.WITHHELD, "")
            found.append(_text(part, Side.OUTPUT, "assistant", text + rest, len(text) if rest else None))
        elif part.removesuffix(texts.WITHHELD) not in answer:
            found.append(_text(part.removesuffix(texts.WITHHELD), Side.OUTPUT, "assistant", text, 0))
    return found
