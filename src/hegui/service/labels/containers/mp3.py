"""MP3: the label is the ID3v2 frame TXXX with the description `AIGC` (TC260-PG-202510A); the audio frames stay."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from typing import BinaryIO

from hegui.service.labels.containers.container import Slot, unreadable
from hegui.service.labels.containers.id3 import Id3, new_tag
from hegui.service.labels.containers.splice import Edit, apply, digest, size_of

_MOST_TAGS = 8
_SYNC_WINDOW = 64 * 1024
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


class Mp3:
    """MPEG audio with ID3v2 before it."""

    name = "mp3"
    suffixes = frozenset({".mp3", ".mp2", ".mpga"})

    def recognises(self, head: bytes) -> bool:
        """Say whether a file begins with a tag or an audio frame; what follows a tag is looked at in reading."""
        return head.startswith(b"ID3") or bool(frame_length(head))

    def _tags(self, file: BinaryIO) -> tuple[list[Id3], int]:
        """Return the tags and where the audio begins; raise UnreadableError where no MPEG audio follows."""
        tags: list[Id3] = []
        at = 0
        while (tag := Id3.at(file, at)) is not None:
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
                if frame_length(follows) or follows[:3] == b"TAG" or end == size_of(file):
                    return tags, at
        raise unreadable("没有 MPEG 音频帧", "there is no MPEG audio frame")

    def read(self, file: BinaryIO) -> Iterator[Slot]:
        """Yield the labels of the tags."""
        for tag in self._tags(file)[0]:
            yield from tag.labels()

    def write(self, source: BinaryIO, target: BinaryIO, value: str) -> None:
        """Put the frame into the first tag, in the tag's own version, or a new tag 2.4 before the audio."""
        tags, _ = self._tags(source)
        if not tags:
            apply(source, target, [Edit(0, 0, new_tag(value))])
            return
        edits = [
            Edit(tag.start, tag.end - tag.start, tag.packed(None if number else value))
            for number, tag in enumerate(tags)
            if not number or tag.labelled
        ]
        apply(source, target, edits)

    def payload(self, file: BinaryIO) -> str:
        """Return the digest of the audio with all that follows, and of the frames that are no label."""
        found = sha256()
        tags, audio = self._tags(file)
        for tag in tags:
            tag.digest(found)
        digest(file, found, audio, size_of(file) - audio)
        return found.hexdigest()
