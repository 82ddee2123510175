"""Checking a request: every text in it, the current turn strictly, old turns without killing the talk."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from hegui.general.content.checks import Checked, Checker, Verdict, masked
from hegui.general.content.policy import BLOCKING, NOTED, Action, Side, severest
from hegui.service.gateway import texts
from hegui.service.gateway.protocol import ApiError, Json
from hegui.service.gateway.service import ServiceSettings

WITHHELD = "[已略去一条被拦截的历史消息 / an earlier message was withheld]"
LONGEST_TEXT = 1_000_000
_LONGEST_NAME = 200
_LONGEST_VOICE = 100
_MOST_CHOICES = 16
_ONLY_TEXT = frozenset({"role", "content"})
_OPERATOR_ROLES = frozenset({"system", "developer"})
_ROLES = frozenset({"system", "developer", "user", "assistant", "tool", "function"})


@dataclass
class Inbound:
    """The outcome of checking a request; `body` is what may go to the model."""

    body: Json
    verdicts: list[tuple[str, Verdict]] = field(default_factory=list)
    withheld_turns: int = 0

    @property
    def blocking(self) -> tuple[Verdict, ...]:
        """Return the verdicts of the current turn that block."""
        return tuple(item for path, item in self.verdicts if item.action in BLOCKING and not path.startswith("old:"))

    @property
    def replaces(self) -> bool:
        """Say whether anything is to be replaced by placeholders."""
        return any(item.action is Action.REPLACE for _, item in self.verdicts)


def validate(body: Json) -> None:
    """Raise ApiError for a request that no model could answer."""
    for key in ("stream_options", "response_format"):
        if not isinstance(body.get(key), dict | None):
            raise ApiError(400, f"invalid_{key}", f"{key} 应为对象 / `{key}` must be an object", param=key)
    if not isinstance(body.get("stream"), bool | None):
        raise ApiError(
            400, "invalid_stream", "stream 应为 true 或 false / `stream` must be true or false", param="stream"
        )
    count = body.get("n")
    if count is not None and (type(count) is not int or not 1 <= count <= _MOST_CHOICES):
        text = f"n 应为 1 至 {_MOST_CHOICES} / `n` must be 1 to {_MOST_CHOICES}"
        raise ApiError(400, "invalid_n", text, param="n")
    check_model(body.get("model"))
    _check_messages(body.get("messages"))


def check_model(model: object) -> None:
    """Raise ApiError for what is no name of a model."""
    if not isinstance(model, str) or not model:
        raise ApiError(
            400, "missing_model",
            "缺少 model，请用 /v1/models 列出的名称 / `model` is missing; give a name that /v1/models lists", param="model",
        )  # fmt: skip
    if len(model) > _LONGEST_NAME or not model.isprintable():
        raise ApiError(
            400, "invalid_model",
            "model 过长或含控制字符，请用 /v1/models 列出的名称 / "
            "`model` is too long or holds control characters; use a name that /v1/models lists",
            param="model",
        )  # fmt: skip


def _check_messages(messages: object) -> None:
    if not isinstance(messages, list) or not messages or not all(isinstance(item, dict) for item in messages):
        raise ApiError(
            400, "invalid_messages", "messages 应为非空的对象列表 / `messages` must be a non-empty list of objects",
            param="messages",
        )  # fmt: skip
    for place, message in enumerate(messages):
        role = message.get("role")
        if not isinstance(role, str) or role not in _ROLES:
            raise ApiError(
                400, "invalid_role",
                f"未知角色 {str(role)[:40]!r}，应为其一：{'、'.join(sorted(_ROLES))} / unknown role; use one of those",
                param=f"messages[{place}].role",
            )  # fmt: skip


def _check_length(text: str) -> None:
    if len(text) > LONGEST_TEXT:
        raise ApiError(
            400, "text_too_long",
            f"单段文本超过 {LONGEST_TEXT} 字，无法检查，请分开发送 / one text is over {LONGEST_TEXT} characters; split it",
        )  # fmt: skip


def _texts_of(message: Json, path: str) -> Iterator[str]:
    """Yield every text of a message in each form in which it is checked; raise ApiError for what is not text."""
    texts.check_parts(message, path)
    for where, text in texts.leaves(message, path):
        yield text
        if where.endswith(".arguments") and "\\" in text:
            yield texts.unescaped(text).text
    whole = texts.joined_parts(message)
    if whole:
        yield whole


def _is_voice(name: str, value: object) -> bool:
    """Say whether a field asks for sound, and holds none: its voice and format are checked as every option's text."""
    return (
        name == "audio" and isinstance(value, dict) and value.keys() <= {"voice", "format"}
        and all(isinstance(item, str) and len(item) <= _LONGEST_VOICE for item in value.values())
    )  # fmt: skip


class RequestCheck:
    """Checks one request, part by part."""

    def __init__(self, checker: Checker, settings: ServiceSettings) -> None:
        self._checker = checker
        self._settings = settings

    def run(self, body: Json) -> Inbound:
        """Return the outcome; `body` is changed in place where policy masks or withholds."""
        result = Inbound(body)
        for name in texts.OTHER_MEDIA:
            if body.get(name) and not _is_voice(name, body[name]):
                raise texts.unchecked(name, name)
        messages: list[Json] = body["messages"]
        if self._nothing_hits(body, messages):
            return result
        start = texts.turn_start(messages)
        for place, message in enumerate(messages):
            operator = message["role"] in _OPERATOR_ROLES
            old = place < start and not operator
            checked = self._message(message, f"messages[{place}]", mask=not operator)
            lenient = operator and self._settings.system_messages == "record"
            prefix = "old:" if old or lenient else ""
            result.verdicts.extend((prefix + path, verdict) for path, verdict in checked)
            if old and any(verdict.action in BLOCKING for _, verdict in checked):
                _withhold(message)
                result.withheld_turns += 1
        options = "\n".join(text for _, text in texts.options(body))
        if options:
            result.verdicts.extend(("options", _noted(verdict)) for verdict in self._text(options).verdicts)
        return result

    def _nothing_hits(self, body: Json, messages: list[Json]) -> bool:
        """Look at every text of the request in one pass, a line end between them, as in most requests nothing hits.

        A line end is part of no number or address and is no Latin letter, so whatever hits in one
        of the texts hits in the whole as well; where anything hits, each text is looked at alone. A
        classifier's score is diluted by other text, so it is asked about each.
        """
        found: list[str] = []
        for place, message in enumerate(messages):
            content = message.get("content")
            if isinstance(content, str) and message.keys() <= _ONLY_TEXT:
                found.append(content)
            else:
                found.extend(_texts_of(message, f"messages[{place}]"))
        found.extend(text for _, text in texts.options(body))
        for text in found:
            _check_length(text)
        if self._checker.check("\n".join(found), Side.INPUT).verdicts:
            return False
        return not any(self._checker.scored(text, Side.INPUT) for text in found)

    def _text(self, text: str) -> Checked:
        _check_length(text)
        return self._checker.check(text, Side.INPUT)

    def _message(self, message: Json, path: str, *, mask: bool) -> list[tuple[str, Verdict]]:
        found: list[tuple[str, Verdict]] = []
        texts.check_parts(message, path)
        stars: list[tuple[texts.Slot, str]] = []
        for slot in texts.slots(message, path):
            verdicts, text = self._slot(slot)
            found.extend((slot.path, verdict if mask else _noted(verdict)) for verdict in verdicts)
            if mask and text != slot.text:
                stars.append((slot, text))
        for slot, text in reversed(stars):
            slot.put(text)
        whole = texts.joined_parts(message)
        if whole and severest([verdict.action for _, verdict in found]) not in BLOCKING:
            checked = self._text(whole)
            across = [item for item in checked.verdicts if _matters(item, message)]
            if mask and checked.action in {Action.MASK, Action.REPLACE}:
                texts.split_into_parts(message, masked(whole, checked.verdicts))
            found.extend((f"{path}.content", item if mask else _noted(item)) for item in across)
        return found

    def _slot(self, slot: texts.Slot) -> tuple[tuple[Verdict, ...], str]:
        """Return the verdicts on a text, those seen only once the escapes of JSON are read too, and the text starred."""
        checked = self._text(slot.text)
        if not slot.path.endswith(".arguments"):
            return checked.verdicts, masked(slot.text, checked.verdicts)
        read = texts.unescaped(slot.text)
        if read.text == slot.text:
            return checked.verdicts, texts.starred(slot.text, read, checked.verdicts)
        inside = self._text(read.text)
        known = set(checked.verdicts)
        more = (read.as_written(verdict) for verdict in inside.verdicts)
        return (*checked.verdicts, *(item for item in more if item not in known)), texts.starred(
            slot.text, read, inside.verdicts
        )


def _matters(verdict: Verdict, message: Json) -> bool:
    """Say whether a hit in the joined parts says more than the parts did: it acts on the text, or lies across two parts."""
    if verdict.action not in NOTED:
        return True
    at, edges = 0, []
    for _, text in texts.part_texts(message):
        at += len(text)
        edges.append(at)
    return any(verdict.start < edge < verdict.end for edge in edges)


def _noted(verdict: Verdict) -> Verdict:
    """Return a verdict as it is recorded where nothing is masked or replaced: seen and passed."""
    return replace(verdict, action=Action.PASS) if verdict.action in {Action.MASK, Action.REPLACE} else verdict


def _withhold(message: Json) -> None:
    """Take the text of an old turn out, keeping the shape of the conversation."""
    calls = message.get("tool_calls")
    keep: Json = {"role": message["role"]}
    if "tool_call_id" in message:
        keep["tool_call_id"] = _name(message, "tool_call_id")
    message.clear()
    message.update({**keep, "content": WITHHELD})
    if isinstance(calls, list):
        message["tool_calls"] = [
            {"id": _name(call, "id"), "type": "function", "function": {"name": "withheld", "arguments": "{}"}}
            for call in calls
            if isinstance(call, dict)
        ]


def _name(node: Json, key: str) -> str:
    """Return an identifier of the protocol, or a word for one that could be a text."""
    value = node.get(key)
    return str(value) if texts.is_identifier(key, value) else "withheld"
