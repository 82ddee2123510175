"""Personal information that the model must not see: placeholders in the request, the values back in the answer.

The values live in the vault of the exchange, in memory, until the exchange ends; the record has the
placeholders. What is found where, and what is never put back: `general.content.placeholders`.
"""

from __future__ import annotations

import logging
import re
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, replace

import orjson

from hegui.general.content.checks import Verdict
from hegui.general.content.personal import Kind
from hegui.general.content.placeholders import Restorer, Vault
from hegui.service.gateway import texts
from hegui.service.gateway.hold import TEXT, Path
from hegui.service.gateway.judge import OPERATOR_ROLES
from hegui.service.gateway.protocol import Json
from hegui.service.gateway.texts import Edit

_LOG = logging.getLogger(__name__)
_OLD = "old:"
_SHORTEST = 5
"""No value that is hidden has fewer characters."""
_WRITTEN = re.compile(r"\\u27e6(?:(?!\\u27e6)\\u[0-9a-f]{4}|[^\\\"]){1,40}?\\u27e7", re.IGNORECASE)
_OPEN = re.compile(r"\\(?:u(?:2(?:7(?:e(?:6(?:\\u[0-9a-f]{4}|[^\\\"]){0,40}(?:\\(?:u[0-9a-f]{0,3})?)?)?)?)?)?)?\Z", re.IGNORECASE)  # fmt: skip
"""The beginning of a placeholder written with escapes, at the end of a text."""


@dataclass(frozen=True)
class Move:
    """How one text became part of the text that is kept: what was before it, and what was replaced in both together."""

    path: str
    before: int = 0
    edits: tuple[Edit, ...] = ()

    def place(self, at: int, *, end: bool = False) -> int:
        """Return where a place of the text lies now; one inside what was replaced lies at its beginning, or its end."""
        at += self.before
        moved = at
        for start, stop, new in self.edits:
            if stop <= at and not (end and start == at):
                moved += len(new) - (stop - start)
            elif start < at:
                return moved - (at - start) + (len(new) if end else 0)
        return moved

    def span(self, verdict: Verdict) -> Verdict:
        """Return a verdict with its span in the text that is kept."""
        return replace(verdict, start=self.place(verdict.start), end=self.place(verdict.end, end=True))


class Moves:
    """Where the texts of a request stand in what is kept of it, by the path that verdicts name."""

    def __init__(self) -> None:
        self._moves: dict[str, Move] = {}

    def add(self, path: str, move: Move) -> None:
        """Say what became of a text."""
        self._moves[path] = move

    def verdicts(self, found: Iterable[tuple[str, Verdict]]) -> list[tuple[str, Verdict]]:
        """Return verdicts of a request with their paths and spans in what is kept."""
        moved: dict[tuple[str, Verdict], None] = {}
        for path, verdict in found:
            own = path.removeprefix(_OLD)
            move = self._moves.get(own)
            if move is None:
                moved[path, verdict] = None
            else:
                moved[path.removesuffix(own) + move.path, move.span(verdict)] = None
        return list(moved)


def hide_messages(messages: list[Json], vault: Vault) -> Moves:
    """Put placeholders into every text of the messages, in place, and return what moved; what the operator wrote stays."""
    moves = Moves()
    for place, message in enumerate(messages):
        if message.get("role") in OPERATOR_ROLES:
            continue
        path = f"messages[{place}]"
        parts = texts.part_texts(message)
        found = list(texts.slots(message, path))
        edits = [_edits(slot, vault) for slot in found]
        for slot, made in reversed(list(zip(found, edits, strict=True))):
            moves.add(slot.path, Move(slot.path, 0, tuple(made)))
            if made:
                slot.put(texts.edited(slot.text, made))
        if parts:
            _together(message, path, parts, vault, moves)
    return moves


def _together(message: Json, path: str, parts: list[tuple[str, str]], vault: Vault, moves: Moves) -> None:
    """Hide what lies across parts: they become the one text that a model reads."""
    whole = "".join(text for _, text in parts)
    edits = tuple(vault.replaced(whole))
    kept = ".content" if len(parts) > 1 else parts[0][0]
    moves.add(f"{path}.content", Move(path + kept, 0, edits))
    hidden = texts.edited(whole, edits)
    if hidden == "".join(text for _, text in texts.part_texts(message)):
        return
    silent = [part for part in message["content"] if isinstance(part, dict) and not isinstance(part.get("text"), str)]
    message["content"] = [{"type": "text", "text": hidden}, *silent]
    at = 0
    for where, text in [(".content", ""), *parts]:
        moves.add(path + where, Move(f"{path}.content[0].text", at, edits))
        at += len(text)


def hidden_text(text: str, kinds: frozenset[Kind]) -> tuple[str, Move]:
    """Return a text as a record keeps it, with placeholders where policy wants them, and how it moved."""
    if not kinds:
        return text, Move("input")
    with Vault(hidden=kinds) as vault:
        edits = tuple(vault.replaced(text))
    return texts.edited(text, edits), Move("input", 0, edits)


def hidden_question(question: str, vault: Vault) -> tuple[str, Moves]:
    """Return the messages that a record keeps, as JSON text, with placeholders, and how their texts moved."""
    messages = orjson.loads(question)
    moves = hide_messages(messages, vault)
    return orjson.dumps(messages).decode(), moves


def kept_question(question: str, kinds: frozenset[Kind]) -> str:
    """Return a question with its values hidden, as `hidden_question` does; what can not be hidden is not kept."""
    try:
        with Vault(hidden=kinds) as vault:
            return hidden_question(question, vault)[0]
    except Exception:  # noqa: BLE001 - whatever fails, nothing stays that should be hidden
        _LOG.exception("a question whose values could not be hidden is not kept")
        return "[]"


def _edits(slot: texts.Slot, vault: Vault) -> list[Edit]:
    """Return the placeholders that go into one text."""
    return _in_arguments(slot.text, vault) if slot.path.endswith(".arguments") else vault.replaced(slot.text)


def _in_arguments(text: str, vault: Vault) -> list[Edit]:
    """Return the placeholders that go into JSON text: inside its strings, and for whole numbers, so that it stays JSON."""
    read = texts.unescaped(text)
    edits = [(read.places[start], read.places[end], new) for start, end, new in vault.replaced(read.text)]
    begins = [edit[0] for edit in edits]
    found: list[Edit] = []
    for start, end, _ in texts.tokens(text) if _is_json(text) else [(0, len(text), False)]:
        # What tells a value, such as a name before it, may stand in another string; what lies across two is in neither.
        mine = [edit for edit in edits[bisect_left(begins, start) : bisect_left(begins, end)] if edit[1] <= end]
        if not mine and end - start >= _SHORTEST:
            said = texts.unescaped(text[start:end])
            mine = [
                (start + said.places[at], start + said.places[to], new) for at, to, new in vault.replaced(said.text)
            ]
        found += mine
    return texts.in_json(text, found)


def _is_json(text: str) -> bool:
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True


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
        said = texts.unescaped(match[0]).text
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
