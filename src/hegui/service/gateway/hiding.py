"""Personal information that the model must not see: placeholders in the request, the values back in the answer.

The values live in the vault of the exchange, in memory, until the exchange ends; the record has the
placeholders. What is found where, and what is never put back: `general.content.placeholders`.
"""

from __future__ import annotations

import re
from typing import Any

import orjson

from hegui.general.content.personal import Kind
from hegui.general.content.placeholders import Restorer, Vault
from hegui.service.gateway import texts
from hegui.service.gateway.hold import TEXT, Path
from hegui.service.gateway.judge import OPERATOR_ROLES
from hegui.service.gateway.protocol import Json

_WRITTEN = re.compile(r"\\u27e6(?:(?!\\u27e6)\\u[0-9a-f]{4}|[^\\\"]){1,40}?\\u27e7", re.IGNORECASE)
_OPEN = re.compile(r"\\(?:u(?:2(?:7(?:e(?:6(?:\\u[0-9a-f]{4}|[^\\\"]){0,40}(?:\\(?:u[0-9a-f]{0,3})?)?)?)?)?)?)?\Z", re.IGNORECASE)  # fmt: skip
"""The beginning of a placeholder written with escapes, at the end of a text."""


def hide_messages(messages: list[Json], vault: Vault) -> None:
    """Put placeholders into every text of the messages, in place; what the operator wrote stays as it is."""
    for message in messages:
        if message.get("role") in OPERATOR_ROLES:
            continue
        whole = texts.joined_parts(message)
        hidden = {key: _hidden(value, key, vault) for key, value in message.items() if key not in {"role", "type"}}
        message.update(hidden)
        together = vault.hide(whole) if whole else ""
        if together != texts.joined_parts(message):
            # A value lies across parts: they become the one text that a model reads.
            message["content"] = [{"type": "text", "text": together}]


def hidden_text(text: str, kinds: frozenset[Kind]) -> str:
    """Return a text as a record keeps it, with placeholders where policy wants them."""
    if not kinds:
        return text
    with Vault(hidden=kinds) as vault:
        return vault.hide(text)


def hidden_question(question: str, vault: Vault) -> str:
    """Return the messages that a record keeps, as JSON text, with placeholders."""
    messages = orjson.loads(question)
    hide_messages(messages, vault)
    return orjson.dumps(messages).decode()


def _hidden(value: Any, key: str, vault: Vault) -> Any:  # noqa: ANN401 - any JSON value
    if isinstance(value, str):
        if key == "arguments":
            return _hidden_arguments(value, vault)
        return value if texts.is_identifier(key, value) else vault.hide(value)
    if isinstance(value, list):
        return [_hidden(item, key, vault) for item in value]
    if isinstance(value, dict):
        return {vault.hide(name): _hidden(item, name, vault) for name, item in value.items()}
    return value


def _hidden_arguments(text: str, vault: Vault) -> str:
    """Return JSON text with placeholders inside its strings; a number that has to go becomes a string."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        plain = texts.decoded(text)
        return vault.hide(plain) if vault.hide(plain) != plain else text
    hidden = _hidden_value(value, vault)
    return text if hidden == value else orjson.dumps(hidden).decode()


def _hidden_value(value: Any, vault: Vault) -> Any:  # noqa: ANN401 - any JSON value
    if isinstance(value, list):
        return [_hidden_value(item, vault) for item in value]
    if isinstance(value, dict):
        return {vault.hide(name): _hidden_value(item, vault) for name, item in value.items()}
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return value
    hidden = vault.hide(str(value))
    return value if hidden == str(value) else hidden


def _inside_json(value: str) -> str:
    return orjson.dumps(value).decode()[1:-1]


class _JsonRestorer:
    """A restorer for JSON text: values get its escapes, and a placeholder may be written with escapes."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._restorer = vault.restorer(_inside_json)
        self._open = ""

    def feed(self, piece: str) -> str:
        text = self._open + piece
        match = _OPEN.search(text) if "\\" in text else None
        text, self._open = (text[: match.start()], text[match.start() :]) if match else (text, "")
        return self._restorer.feed(_WRITTEN.sub(self._plain, text) if "\\" in text else text)

    def _plain(self, match: re.Match[str]) -> str:
        said = texts.decoded(f'"{match[0]}"')
        return said if said in self._vault.values else match[0]

    def finish(self) -> str:
        rest, self._open = self._open, ""
        return self._restorer.feed(rest) + self._restorer.finish()


class Restoring:
    """Puts the values back in one choice of an answer, each channel for itself, whole or streamed."""

    def __init__(self, vault: Vault, *, machine: bool) -> None:
        self._vault = vault
        self._machine = machine
        self._channels: dict[Path, Restorer | _JsonRestorer] = {}

    def deltas(self, node: Json, path: Path = ()) -> bool:
        """Put values back in a delta or message in place; return whether it was changed."""
        changed = False
        for key, value in node.items():
            if isinstance(value, str):
                if value and key in TEXT:
                    node[key] = self._channel((*path, key)).feed(value)
                    changed = changed or node[key] != value
            elif isinstance(value, dict):
                changed = self.deltas(value, (*path, key)) or changed
            elif isinstance(value, list):
                for place, item in enumerate(value):
                    changed = self.deltas(item, (*path, key, item.get("index", place))) or changed
        return changed

    def finish(self) -> list[tuple[Path, str]]:
        """Return what waited for the end of a placeholder that never came, by channel."""
        return [(path, rest) for path, channel in self._channels.items() if (rest := channel.finish())]

    def _channel(self, path: Path) -> Restorer | _JsonRestorer:
        found = self._channels.get(path)
        if found is None:
            json = path[-1] == "arguments" or (self._machine and path == ("content",))
            found = _JsonRestorer(self._vault) if json else self._vault.restorer()
            self._channels[path] = found
        return found
