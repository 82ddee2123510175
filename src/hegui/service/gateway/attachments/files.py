"""Files in the answers of a chat: taken out before the text is checked, labelled, and put back where they stood.

They stand in `images` and parts of a message, in its `audio`, and in all its texts as data URLs. In a text
one character of a private plane stands for a file while the text is checked; it can not be cut in two.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from hegui.service.gateway.hold import Path
from hegui.service.gateway.media.desk import Desk, data_url, encoded
from hegui.service.gateway.media.formats import check_format
from hegui.service.gateway.media.inline import begin, hidden, in_base64
from hegui.service.gateway.media.labelling import AUDIO, IMAGE, Labelled, WithheldError
from hegui.service.gateway.media.percent import behind, written
from hegui.service.gateway.protocol import ApiError, Json, chunk, event
from hegui.service.gateway.service import MediaStyle
from hegui.service.gateway.texts import TEXT_PARTS
from hegui.service.labels import Labeller, LabelStyle

_FIRST = 0xF0000
_MOST = 64
_ROOM = 2
"""How many files of the largest size all files of one answer may weigh together: they are held until it leaves."""
_TOKENS = re.compile(f"([{chr(_FIRST)}-{chr(_FIRST + _MOST)}])")
PICTURES = frozenset({"image_url", "image", "output_image", "input_image"})
_SAID = ("content", "reasoning_content", "reasoning", "refusal")
_CALLED = ("name", "arguments")


def validate(body: Json, style: MediaStyle) -> None:
    """Raise ApiError for a chat that asks for sound which can not be labelled."""
    wanted = body.get("modalities")
    if not isinstance(wanted, list) or "audio" not in wanted:
        return
    if body.get("stream"):
        raise ApiError(
            400, "unsupported_modalities",
            "流式对话的声音是裸 PCM，没有写隐式标识的位置；请不用 stream，或用 /v1/audio/speech / sound in a streamed chat is raw PCM, "
            "which has no place for an implicit label; leave `stream` out, or use /v1/audio/speech",
            param="modalities",
        )  # fmt: skip
    audio = body.get("audio")
    if not isinstance(audio, dict):
        raise ApiError(400, "invalid_audio", "audio 应为对象 / `audio` must be an object", param="audio")
    check_format(audio, "format", style)


class Attachments:
    """The files of one answer; whatever can not be labelled raises WithheldError."""

    def __init__(self, desk: Desk | None, content_id: str, style: MediaStyle, text: LabelStyle) -> None:
        self._desk = desk
        self._content_id = content_id
        self._style = style
        self._text = text
        self._later: list[tuple[str, str, Callable[[Labelled], None]]] = []
        self._texts: dict[str, bytes] = {}
        self._lists: set[int] = set()
        self._ends: list[tuple[int, Labelled]] = []
        self._made = self._weigh = 0
        self._due: dict[str, dict[str, Any]] = {}
        self.entries: list[dict[str, Any]] = []
        """What the record says of the files that leave."""

    async def label(self, source: str, kind: str) -> Labelled:
        """Return one file with its labels."""
        desk = self._desk
        if desk is None or not desk.able:
            raise WithheldError("no_provider_code", kind)
        self._made += 1
        if self._made > _MOST:
            raise WithheldError("too_many", kind)
        data = await desk.taken(source, kind)
        self._weigh += len(data)
        if self._weigh > _ROOM * desk.most:
            raise WithheldError("too_large_together", kind)
        return await desk.label(data, f"{self._content_id}-{self._made}", self._style, kind)

    def token(self, stands_for: bytes = b"", entry: dict[str, Any] | None = None) -> str:
        """Return the character that stands for a file in a text; the record gets the entry once the file leaves."""
        if len(self._texts) >= _MOST:
            raise WithheldError("too_many", IMAGE)
        found = chr(_FIRST + len(self._texts))
        self._texts[found] = stands_for
        if entry is not None:
            self._due[found] = entry
        return found

    def filled(self, out: bytes) -> bytes:
        """Return what leaves, with the labelled files in place of the characters that stood for them."""
        for token, value in self._texts.items():
            mark = token.encode()
            if mark in out:
                out = out.replace(mark, value)
                if token in self._due:
                    self.entries.append(self._due.pop(token))
        return out

    def _keep(self, source: object, kind: str, put: Callable[[Labelled], None]) -> None:
        if not isinstance(source, str) or not source:
            raise WithheldError("not_base64", kind)
        self._later.append((source, kind, put))

    # --- whole --------------------------------------------------------------------------------

    def take_whole(self, body: Json) -> None:
        """Take the files out of a whole completion, in place."""
        for place, item in enumerate(_objects(body.get("choices"))):
            said, before = item.get("message"), len(self._later)
            if not isinstance(said, dict):
                continue
            for picture in self.pictures(said):
                self._keep(picture, IMAGE, partial(_add, said))
            audio = said.get("audio")
            if isinstance(audio, dict) and audio.get("data") is not None:
                self._keep(audio.pop("data"), AUDIO, partial(_sound, audio))
            for holder, key, path in channels(said):
                value = holder[key]
                if isinstance(value, list):
                    holder[key] = [self._part(part, place, path) for part in _merged(value)]
                else:
                    holder[key] = self._inline(value)
            if len(self._later) > before and item.get("logprobs") is not None:
                item["logprobs"] = None  # they spell out what was taken

    def _fill(self, token: str, written: Callable[[Labelled], str], file: Labelled) -> None:
        self._texts[token] = written(file).encode()

    @staticmethod
    def pictures(said: Json) -> list[object]:
        """Take the pictures out of a message or delta; return what each has instead of text."""
        given = said.pop("images", None)
        return [source_of(item) for item in given] if isinstance(given, list) else []

    def _part(self, part: object, place: int, path: Path) -> object:
        """Return a part of a message as its text is checked."""
        if not isinstance(part, dict):
            return part
        if part.get("type") in PICTURES and path == ("content",):
            self._lists.add(place)
            token = self.token()
            self._keep(source_of(part), IMAGE, partial(self._fill, token, data_url))
            return {"type": "text", "text": token}
        text = text_of(part)
        return part if text is None else {**part, "text": self._inline(text)}

    def _inline(self, text: str) -> str:
        """Return a text with a character in place of what each data URL in it holds."""
        out: list[str] = []
        at = 0
        while match := begin(text, at):
            kind, end, source = behind(match[0], text, match.end())
            out.append(text[at : match.end()])
            at = end if source else match.end()
            if source:
                token = self.token()
                self._keep(source, kind, partial(self._fill, token, stands_in(match[0])))
                out.append(token)
        left = "".join(out) + text[at:]
        if hidden(left):
            raise WithheldError("escaped", IMAGE)
        return left

    async def put_whole(self, body: Json) -> None:
        """Label the files and put them back into the completion that leaves."""
        for source, kind, put in self._later:
            file = await self.label(source, kind)
            put(file)
            self.entries.append(file.entry("body"))
        for place, item in enumerate(body["choices"]):
            self._transcript(item["message"].get("audio"))
            for holder, key, path in channels(item["message"]) if self._texts else ():
                text = holder[key]
                if isinstance(text, str):  # lists of parts were joined by the check
                    in_parts = path == ("content",) and place in self._lists
                    holder[key] = self._parts(text) if in_parts else self.filled(text.encode()).decode()

    def _transcript(self, audio: Json | None) -> None:
        """Label what is read beside a sound, as every text that was generated."""
        said = audio.get("transcript") if audio else None
        if audio and said:
            labeller = Labeller(self._text, machine=False)
            audio["transcript"] = labeller.before(said) + said + labeller.after(said)

    def _parts(self, text: str) -> list[Json]:
        """Return a text as the parts it was made of, pictures at their places."""
        found: list[Json] = []
        for piece in filter(None, _TOKENS.split(text)):
            value = self._texts.get(piece, b"").decode()
            if value.startswith("data:"):
                found.append({"type": "image_url", "image_url": {"url": value}})
            else:
                found.append({"type": "text", "text": value or piece})
        return found

    # --- streamed -----------------------------------------------------------------------------

    def later(self, index: int, source: object) -> None:
        """Keep a picture of a streamed choice until all of its text has passed."""
        self._keep(source, IMAGE, partial(self._end, index))

    def _end(self, index: int, file: Labelled) -> None:
        self._ends.append((index, file))

    async def last_events(self, base: Json) -> bytes:
        """Return the events with the pictures of a stream, labelled, to be filled; they leave before its finish reasons."""
        for source, kind, put in self._later:
            put(await self.label(source, kind))
        self._later.clear()
        out = []
        for index, file in self._ends:
            token = self.token(data_url(file).encode(), file.entry("body"))
            part = {"type": "image_url", "image_url": {"url": token}}
            out.append(event(chunk(base, [{"index": index, "delta": {"images": [part]}, "finish_reason": None}])))
        return b"".join(out)


def stands_in(prefix: str) -> Callable[[Labelled], str]:
    """Return how a file is written behind what begins a data URL: in the form that it came in."""
    if in_base64(prefix):
        return lambda file: encoded(file.data)
    return lambda file: written(file.data)


def _add(said: Json, file: Labelled) -> None:
    said.setdefault("images", []).append(picture_part(file))


def _sound(audio: Json, file: Labelled) -> None:
    audio["data"] = encoded(file.data)


def _objects(value: object) -> list[Json]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def channels(said: Json) -> Iterator[tuple[Json, str, Path]]:
    """Yield every text of a message or delta, by what holds it, its key there, and its path."""
    for name in _SAID:
        if isinstance(said.get(name), str | list):
            yield said, name, (name,)
    audio = said.get("audio")
    if isinstance(audio, dict) and isinstance(audio.get("transcript"), str):
        yield audio, "transcript", ("audio", "transcript")
    calls = [(("tool_calls", _number(item, place), "function"), item.get("function"))
             for place, item in enumerate(_objects(said.get("tool_calls")))]  # fmt: skip
    for before, called in [(("function_call",), said.get("function_call")), *calls]:
        for name in _CALLED:
            if isinstance(called, dict) and isinstance(called.get(name), str):
                yield called, name, (*before, name)


def _number(item: Json, place: int) -> int:
    given = item.get("index")
    return given if type(given) is int else place


def text_of(part: object) -> str | None:
    """Return the text of a part of a message; None for another part."""
    found = part.get("text") if isinstance(part, dict) and part.get("type") in TEXT_PARTS else part
    return found if isinstance(found, str) else None


def _merged(parts: list[object]) -> list[object]:
    """Return the parts of a message with texts that follow each other as one, as they leave: a file may lie across them."""
    found: list[object] = []
    for part in parts:
        text, last = text_of(part), text_of(found[-1]) if found else None
        if text is None:
            found.append(part)
        elif last is None:
            found.append({"type": "text", "text": text})
        else:
            found[-1] = {"type": "text", "text": last + text}
    return found


def source_of(item: object) -> object:
    """Return what a part of a message has instead of text: base64, a data URL or a URL."""
    if not isinstance(item, dict):
        return item
    for name in ("image_url", "image"):
        if item.get(name):
            return source_of(item[name])
    return next((item[name] for name in ("url", "b64_json", "data") if item.get(name)), None)


def picture_part(file: Labelled) -> Json:
    """Return a picture as a part of a message."""
    return {"type": "image_url", "image_url": {"url": data_url(file)}}
