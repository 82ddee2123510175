"""The record of an exchange: what GM-14, CSL-23 and DSP-10 need and no more.

The payload holds hashes, verdicts and actions; the person is a keyed pseudonym; the content is
encrypted with a key outside the database and goes sooner than the record.
"""

from __future__ import annotations

import hmac
import re
from base64 import b64encode
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

import orjson

from hegui.evidence.box import Box
from hegui.evidence.entries import make_entry, make_salt
from hegui.evidence.keyring import Keyring
from hegui.evidence.retention import LOG, log_due
from hegui.general.content.checks import Verdict, Versions
from hegui.general.content.policy import Action, Audience, Policy, Urgency
from hegui.general.content.skeleton import skeleton
from hegui.kit import clock
from hegui.kit.canonical import canonical
from hegui.service.gateway.texts import leaves

KIND = "exchange"
ANSWERED = "answered"
_STEP = re.compile(r"[^.\[\]]+")
_NUMBER = re.compile(r"[0-9]{1,5}")
_STEPS = frozenset(
    {
        "input", "options", "messages", "old:messages", "content", "text", "refusal", "name", "tool_calls", "function",
        "function_call", "arguments", "choices", "reasoning_content", "reasoning",
    }
)  # fmt: skip
_LONGEST_PATH = 80


@dataclass
class Exchanged:
    """Everything known of one exchange when its answer ends."""

    content_id: str
    service: str
    key: str
    person: str | None
    endpoint: str
    model: str
    upstream: str
    streamed: bool
    started: datetime
    outcome: str = ANSWERED
    inbound: list[tuple[str, Verdict]] = field(default_factory=list)
    outbound: list[tuple[str, Verdict]] = field(default_factory=list)
    not_scanned: list[str] = field(default_factory=list)
    withheld_turns: int = 0
    label: str = ""
    usage: dict[str, Any] | None = None
    latency_ms: int = 0
    first_ms: int | None = None
    question: Any = None
    answer: Any = None
    audience: str = Audience.GENERAL.value
    urgency: Urgency | None = None
    """Set where a person should look at the exchange."""
    shadow: dict[str, Any] | None = None
    media: list[dict[str, Any]] = field(default_factory=list)
    """Of each file that left: digest, container, labels and verdict; of each that did not, why. Never the file."""


def pseudonym(keyring: Keyring, service: str, user: str) -> str:
    """Return the keyed hash that stands for a person within one service."""
    return keyring.person(service, user)


def person_of(keyring: Keyring, service: str, body: dict[str, Any]) -> str | None:
    """Return the pseudonym of the user that a request names, None for none."""
    user = body.get("safety_identifier") or body.get("user")
    return pseudonym(keyring, service, user) if isinstance(user, str) and user else None


_URGENCIES = tuple(Urgency)


def urgency(exchanged: Exchanged, policy: Policy) -> Urgency | None:
    """Return how soon a person should look at an exchange: the soonest of what was flagged, None for never.

    A check that could not run is looked at soonest.
    """
    if exchanged.not_scanned:
        return Urgency.HIGH
    found = {
        policy.urgency[verdict.risk]
        for _, verdict in (*exchanged.inbound, *exchanged.outbound)
        if verdict.action is Action.FLAG
    }
    return next((item for item in _URGENCIES if item in found), None)


def fingerprint(keyring: Keyring, service: str, question: object, answer: object) -> str:
    """Return the keyed hash of what was said, the same however it is spaced, marked or written."""
    said = "\n".join(skeleton(_said(item)).text for item in (question, answer))
    return hmac.new(
        keyring.pseudonym, f"fingerprint\n{service}\n{said}".encode("utf-8", "replace"), sha256
    ).hexdigest()[:32]


def _said(item: object) -> str:
    """Return the texts of what is kept: those of messages without their JSON."""
    if not isinstance(item, str):
        return canonical(item).decode()
    try:
        messages = orjson.loads(item)
    except orjson.JSONDecodeError:
        return item
    if not isinstance(messages, list):
        return item
    return "\n".join(text for one in messages if isinstance(one, dict) for _, text in leaves(one, ""))


_SAID = frozenset({ANSWERED, "refused_output", "ended_output", "client_gone", "upstream_incomplete"})
"""Outcomes with something of the model's own; a refusal holds a number that makes each another."""


class ContentBox:
    """Encrypts content, bound to the record's id, with the salt of its digest beside it."""

    def __init__(self, keyring: Keyring) -> None:
        self._box = Box(keyring)
        self.key_id = self._box.key_id

    def seal(self, content_id: str, salt: str, body: bytes) -> bytes:
        """Return nonce and ciphertext of a content with its salt."""
        return self._box.seal(content_id, salt.encode() + b"\n" + body)

    def open(self, content_id: str, sealed: bytes) -> dict[str, Any] | None:
        """Return `{"salt", "body"}`, or None when the key does not fit."""
        plain = self._box.open(content_id, sealed)
        if plain is None:
            return None
        salt, _, body = plain.partition(b"\n")
        return {"salt": salt.decode(), "body": orjson.loads(body)}


def _verdicts(side: str, found: list[tuple[str, Verdict]]) -> list[dict[str, Any]]:
    return [{"side": side, "part": plain_path(path), **verdict.as_dict()} for path, verdict in found]


def plain_path(path: str) -> str:
    """Return a path fit for the ledger: names of the protocol only, nothing that a client made up."""
    return _STEP.sub(lambda step: step[0] if step[0] in _STEPS or _NUMBER.fullmatch(step[0]) else "?", path)[
        :_LONGEST_PATH
    ]


def _count(usage: dict[str, Any] | None, name: str) -> int | None:
    value = usage.get(name) if isinstance(usage, dict) else None
    return value if isinstance(value, int) else None


class RecordWriter:
    """Turns an exchange into the row that is committed."""

    def __init__(self, keyring: Keyring, *, content_days: int, log_months: int) -> None:
        self._box = ContentBox(keyring)
        self._keyring = keyring
        self._content_days = timedelta(days=content_days)
        self._months = log_months
        self._due_of: tuple[int, str] = (-1, "")

    def _due(self, at: datetime) -> str:
        # The same for every record of an hour, so it is worked out once; days begin on the hour in China.
        hour = int(at.timestamp()) // 3600
        if self._due_of[0] != hour:
            self._due_of = (hour, clock.iso(log_due(at, self._months)))
        return self._due_of[1]

    def row(self, exchanged: Exchanged, versions: Versions) -> dict[str, Any]:
        """Return the row of an exchange, every value plain JSON."""
        content = canonical({"question": exchanged.question, "answer": exchanged.answer})
        salt = make_salt()
        verdicts = _verdicts("input", exchanged.inbound) + _verdicts("output", exchanged.outbound)
        payload: dict[str, Any] = {
            "at": clock.iso(exchanged.started),
            "audience": exchanged.audience,
            "content_digest": b64encode(sha256(salt.encode() + content).digest()).decode(),
            "content_id": exchanged.content_id,
            "endpoint": exchanged.endpoint,
            "first_ms": exchanged.first_ms,
            "key": exchanged.key,
            "label": exchanged.label,
            "latency_ms": exchanged.latency_ms,
            "model": exchanged.model,
            "not_scanned": exchanged.not_scanned,
            "outcome": exchanged.outcome,
            "person": exchanged.person,
            "service": exchanged.service,
            "shadow": exchanged.shadow,
            "streamed": exchanged.streamed,
            "tokens": [_count(exchanged.usage, "prompt_tokens"), _count(exchanged.usage, "completion_tokens")],
            "upstream": exchanged.upstream,
            "verdicts": verdicts,
            "versions": versions.as_dict(),
            "withheld_turns": exchanged.withheld_turns,
        }
        if exchanged.media:
            payload["media"] = exchanged.media
        due = self._due(exchanged.started)
        entry = make_entry(
            KIND, payload, service=exchanged.service, retention=LOG, due=due,
            entry_id=exchanged.content_id, at=exchanged.started,
        )  # fmt: skip
        sealed = self._box.seal(exchanged.content_id, salt, content)
        return {
            "id": entry.id,
            "at": entry.at,
            "kind": entry.kind,
            "service": entry.service,
            "payload": entry.payload,
            "salt": entry.salt,
            "commitment": entry.commitment,
            "retention": entry.retention,
            "due": entry.due,
            "person": exchanged.person,
            "outcome": exchanged.outcome,
            "risks": sorted({item["risk"] for item in verdicts}),
            "model": exchanged.model.replace("\0", ""),
            "streamed": exchanged.streamed,
            "latency_ms": exchanged.latency_ms,
            "first_ms": exchanged.first_ms,
            "flagged": exchanged.urgency is not None,
            "urgency": exchanged.urgency,
            "fingerprint": exchanged.urgency
            and fingerprint(
                self._keyring,
                exchanged.service,
                exchanged.question,
                exchanged.answer if exchanged.outcome in _SAID else "",
            ),
            "shadow": exchanged.shadow,
            "content": b64encode(sealed).decode(),
            "content_key": self._box.key_id,
            "content_due": clock.iso(exchanged.started + self._content_days),
        }
