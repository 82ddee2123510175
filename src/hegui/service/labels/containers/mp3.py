"""MP3: the label is the ID3v2 frame TXXX with the description `AIGC` (TC260-PG-202510A); the audio frames stay."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from hegui.service.labels.container import Held, Slot, once, pieces, unreadable
from hegui.service.labels.containers.ape import Ape
from hegui.service.labels.containers.id3 import Id3, new_tag
from hegui.service.labels.containers.splice import Edit, apply, size_of, take

_MOST_TAGS = 8
_SYNC_WINDOW = 64 * 1024
_ID3V1, _ID3V1_MORE = 128, 227
_FOLLOWS = {b"TAG", b"ID3", b"APE", b"LYR"}
_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
_KBITS = {
    (True, 1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}


def frame_length(head: bytes) -> int:
    """Return the bytes of the MPEG audio frame that begins so; 0 where none does (ISO/IEC 11172-3, 2.4.1)."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:  # noqa: PLR2004 - eleven bits of ones
        return 0
    version, layer = head[1] >> 3 & 3, 4 - (head[1] >> 1 & 3)
    bits, rate, pad = head[2] >> 4, head[2] >> 2 & 3, head[2] >> 1 & 1
    if version == 1 or layer == 4 or bits in {0, 15} or rate == 3:  # noqa: PLR2004 - reserved values
        return 0
    kbit, hertz = _KBITS[version == 3, layer][bits - 1] * 1000, _RATES[version][rate]  # noqa: PLR2004 - MPEG 1
    if layer == 1:
        return (12 * kbit // hertz + pad) * 4
    return (144 if version == 3 or layer == 2 else 72) * kbit // hertz + pad  # noqa: PLR2004 - MPEG 1, layer II


@dataclass(frozen=True, slots=True)
class _Sound:
    """The tags before the audio, the audio, and what stands behind it."""

    tags: list[Id3]
    audio: int
    end: int
    """Where the audio ends and the tags behind it begin."""
    behind: list[Id3 | Ape]


def _behind(file: BinaryIO, audio: int, held: Held) -> tuple[int, list[Id3 | Ape]]:
    """Return where the tags behind the audio begin, and those that can hold a label: ID3v2 with a footer, and APE.

    ID3v1 and Lyrics3 have no place for one, and are passed over.
    """
    at, found = size_of(file), list[Id3 | Ape]()
    for _ in range(2 * _MOST_TAGS):
        last = take(file, max(at - _ID3V1, audio), min(_ID3V1, at - audio))
        tag: Id3 | Ape | None = None
        if len(last) == _ID3V1 and last.startswith(b"TAG"):
            at -= _ID3V1
            longer = at - _ID3V1_MORE
            at = longer if longer >= audio and take(file, longer, 4) == b"TAG+" else at
        elif last[-9:] == b"LYRICS200" and last[-15:-9].isdigit():
            at -= min(int(last[-15:-9]) + 15, at - audio)
        elif last[-10:-7] == b"3DI":
            start = at - Id3.length(b"ID3" + last[-7:])
            tag = Id3.at(file, start, held) if start >= audio else None
            if tag is None or tag.end != at:
                raise unreadable("ID3 标签损坏", "the ID3 tag at the end is damaged")
        elif last[-32:-24] == b"APETAGEX":
            tag = Ape.before(file, at, held)
        else:
            return at, found
        if tag is not None:
            found.append(tag)
            at = tag.start
            if at < audio:
                break
    raise unreadable("末尾标签有误或过多", "the tags at the end are wrong, or too many")


class Mp3:
    """MPEG audio with ID3v2 before it."""

    name = "mp3"
    suffixes = frozenset({".mp3", ".mp2", ".mpga"})

    def recognises(self, head: bytes) -> bool:
        """Say whether a file begins with a tag or an audio frame; what follows a tag is looked at in reading."""
        return head.startswith(b"ID3") or bool(frame_length(head))

    @staticmethod
    def _sound(file: BinaryIO) -> _Sound:
        """Return the tags and where the audio stands; raise UnreadableError where no MPEG audio follows."""
        tags: list[Id3] = []
        at, held = 0, Held()
        while (tag := Id3.at(file, at, held)) is not None:
            tags.append(tag)
            at = tag.end
            if len(tags) > _MOST_TAGS:
                raise unreadable("ID3 标签过多", "there are too many ID3 tags")
        file.seek(at)
        window = file.read(_SYNC_WINDOW)
        for place in range(max(len(window) - 3, 0)):
            length = frame_length(window[place : place + 4])
            if length:
                end = at + place + length
                file.seek(end)
                follows = file.read(4)
                if frame_length(follows) or follows[:3] in _FOLLOWS or end == size_of(file):
                    return _Sound(tags, at, *_behind(file, end, held))
        raise unreadable("没有 MPEG 音频帧", "there is no MPEG audio frame")

    def around(self, file: BinaryIO) -> tuple[tuple[int, int], ...]:
        """Return where what is no audio begins and ends: before it, and behind; raise UnreadableError."""
        sound = once(file, self._sound)
        return (0, sound.audio), (sound.end, size_of(file))

    def read(self, file: BinaryIO) -> Iterator[Slot]:
        """Yield the labels of the tags before the audio, and behind it, where the guide does not want them."""
        sound = once(file, self._sound)
        for tag in sound.tags:
            yield from tag.labels()
        for other in sound.behind:
            yield from other.labels() if isinstance(other, Ape) else other.labels(own=False)

    def write(self, source: BinaryIO, target: BinaryIO, value: str) -> None:
        """Put the frame into the first tag, in the tag's own version, or a new tag 2.4 before the audio."""
        sound = once(source, self._sound)
        edits = [
            Edit(tag.start, tag.end - tag.start, tag.packed(None if number else value))
            for number, tag in enumerate(sound.tags)
            if not number or tag.labelled
        ] or [Edit(0, 0, new_tag(value))]
        for other in sound.behind:
            new = other.packed() if isinstance(other, Ape) else other.packed(None, behind=True)
            if any(other.labels()):
                edits.append(Edit(other.start, other.end - other.start, new))
        apply(source, target, edits)

    def payload(self, file: BinaryIO) -> Iterator[bytes]:
        """Yield the audio with all that follows, and the frames and items that are no label."""
        sound = once(file, self._sound)
        for tag in (*sound.tags, *sound.behind):
            yield from tag.others()
        at = sound.audio
        for other in reversed(sound.behind):
            yield from pieces(file, at, other.start - at)
            at = other.end
        yield from pieces(file, at, size_of(file) - at)
