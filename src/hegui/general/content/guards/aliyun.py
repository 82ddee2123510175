"""Aliyun Content Moderation 2.0: the operation TextModerationPlus, for prompts and answers of large models.

Request: a form with `Service` (llm_query_moderation, llm_response_moderation) and `ServiceParameters`,
JSON with `content`; at most 2,000 characters. Reply: `Code`, `Data.RiskLevel` (none, low, medium,
high), `Data.Result` of labels with a confidence from 0 to 100, and for the AI guardrail services
`AttackLevel` and `SensitiveLevel`. Sources: help.aliyun.com/document_detail/2671445.html and
2684669.html, TextModerationPlusResponseBody of the SDK green-20220302, the ai-aliyun-content-moderation
plugin of apache/apisix. Words that hit (`RiskWords`, `CustomizedHit`) are left unread.
"""

from __future__ import annotations

import re
from urllib.parse import quote_plus, urlencode

import msgspec
import orjson

from hegui.general.content.guards.families import Asked, Call
from hegui.general.content.guards.mapping import Levels
from hegui.general.content.guards.results import (
    UNNAMED,
    Finding,
    Judgement,
    NotUnderstoodError,
    ServiceError,
    Severity,
)
from hegui.general.content.policy import Side

PATH = "/"
ACTION = "TextModerationPlus"
VERSION = "2022-03-02"
LONGEST = 2000
"""Characters of one request; the vendor checks no more than these."""
_OK = 200
_LABEL = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")


class _Label(msgspec.Struct, frozen=True, rename="pascal"):
    label: str
    confidence: float | None = None


class _Data(msgspec.Struct, frozen=True, rename="pascal"):
    risk_level: str
    result: tuple[_Label, ...] | None = None
    attack_level: str | None = None
    sensitive_level: str | None = None


class _Reply(msgspec.Struct, frozen=True, rename="pascal"):
    code: int
    data: _Data | None = None


_REPLY = msgspec.json.Decoder(_Reply)


class Aliyun:
    """The service as a guard; a score is its confidence over 100."""

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        self.levels = asked.mapping.levels or Levels({}, {}, ())  # `parse_mapping` sees to it that there are levels

    def calls(self, piece: str, side: Side, before: str) -> list[Call]:  # noqa: ARG002 - the service takes one text
        """Return the one question."""
        service = self.asked.input_service if side is Side.INPUT else self.asked.output_service
        parameters = orjson.dumps({"content": piece}).decode()
        form = urlencode({"Service": service, "ServiceParameters": parameters}, quote_via=quote_plus)
        return [Call(PATH, form.encode(), service)]

    def read(self, call: Call, reply: bytes) -> Judgement:  # noqa: ARG002 - all is in the reply
        """Return what the reply says; raise ServiceError for a failure it tells, NotUnderstoodError for another form or level."""
        try:
            whole = _REPLY.decode(reply)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise NotUnderstoodError("the reply is not one of TextModerationPlus") from error
        if whole.code != _OK:
            raise ServiceError(f"the service says {whole.code}")
        if whole.data is None:
            raise NotUnderstoodError("the reply holds no data")
        data = whole.data
        findings = self._labels(data, self._level(self.levels.risk, data.risk_level))
        for name, table, level in (
            ("attack", self.levels.risk, data.attack_level), ("sensitive_data", self.levels.sensitive, data.sensitive_level),
        ):  # fmt: skip
            severity = Severity.SAFE if level is None else self._level(table, level)
            if severity is not Severity.SAFE:
                findings.append(self.asked.mapping.finding(name, severity))
        return Judgement(tuple(findings))

    def _labels(self, data: _Data, severity: Severity) -> list[Finding]:
        if severity is Severity.SAFE:
            return []
        named = [item for item in data.result or () if item.label not in self.levels.safe_labels]
        if not all(_LABEL.fullmatch(item.label) for item in named):
            raise NotUnderstoodError("a label of another form")
        mapping = self.asked.mapping
        return [
            mapping.finding(
                item.label, severity, None if item.confidence is None else max(0.0, min(item.confidence, 100.0)) / 100
            )
            for item in named
        ] or [mapping.finding(UNNAMED, severity)]

    @staticmethod
    def _level(table: dict[str, Severity], level: str) -> Severity:
        try:
            return table[level]
        except KeyError:
            raise NotUnderstoodError("a level that the mapping does not know") from None
