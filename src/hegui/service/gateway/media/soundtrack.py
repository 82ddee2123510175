"""Sound labelled while it passes: both labels stand before the first sample leaves, and what left is read back before the last.

WAV gets the rhythm as samples and the chunk `AIGC` before them; MP3, FLAC and Ogg get the implicit label
into their head, where nothing has to be heard. Whatever has to be written anew for its label, has a C2PA manifest
or is to be signed with one is kept back until it is whole.
"""

from __future__ import annotations

import io

import numpy as np

from hegui.service.gateway.media.labelling import (
    AUDIO,
    MANIFEST,
    Form,
    Labelled,
    Way,
    WithheldError,
    form_of,
    labelled,
    read_back,
    signed,
    sound_kind,
)
from hegui.service.gateway.media.waves import Waves
from hegui.service.labels import manifests
from hegui.service.labels.container import same
from hegui.service.labels.containers import Container, UnreadableError, behind_tag, container_of
from hegui.service.labels.marks import sound
from hegui.service.labels.schema import Label
from hegui.service.labels.sealing import Fate

_LEAST = 64
_LONGEST_HEAD = 1 << 20
_OGG_HEAD = 27


class Soundtrack:
    """One sound on its way; `feed` takes pieces and returns what may leave, `finish` the rest. Both raise WithheldError.

    The last piece always waits for `finish`, which reads back all that left; the caller sends it once
    the record is durable.
    """

    def __init__(self, number: str, way: Way, *, most: int) -> None:
        self._number, self._way, self._style = number, way, way.style
        self._most = most
        self._given = 0
        self._head = bytearray()
        self._held = b""
        self._left = bytearray()
        self._container = ""
        self._form: Form | None = None
        self._wanted: Label | None = None
        self._waves: Waves | None = None
        self._whole = False
        self._signs = False
        self.done: Labelled | None = None

    @property
    def passing(self) -> bool:
        """Say whether the head has left, so that a piece takes no time."""
        return self._wanted is not None

    @property
    def left(self) -> bytes:
        """Return all that may have left so far."""
        if self._signs and self.done is None:
            return b""
        return bytes(self._left[: len(self._left) - len(self._held)])

    @property
    def form(self) -> Form | None:
        """Return what kind of file it is, once that is known."""
        return self._form

    def feed(self, piece: bytes) -> bytes:
        """Take a piece and return what may leave for it."""
        self._given += len(piece)
        if self._given > self._most:
            raise WithheldError("too_large", AUDIO, self._container)
        if self._wanted is not None:
            return self._pass(self._waves.feed(piece) if self._waves is not None else piece)
        self._head += piece
        if len(self._head) >= _told_by(self._head):
            self._know()
            if not self._whole:
                return self._begin()
        return b""

    def finish(self) -> bytes:
        """Return what still waits, once everything that leaves reads back with its labels."""
        if self._wanted is None:
            if not self._head:
                raise WithheldError("empty", AUDIO)
            self.done = labelled(bytes(self._head), self._number, self._way)
            self._form, self._container = self.done.form, self.done.container
            return self.done.data
        last = self._waves.finish() if self._waves is not None else b""
        self._left += last
        rest = self._held + last
        if self._signs and self._form is not None:
            rest = signed(bytes(self._left), self._form, self._way, self._number)
            self._left = bytearray(rest)
        self.done = self._read_back(self._wanted)
        self._held = b""
        return rest

    # --- the head -----------------------------------------------------------------------------

    def _know(self) -> None:
        """Tell by the first bytes what it is, and whether it can be labelled while it passes."""
        if self._form is not None:
            return
        self._container, self._form = form_of(bytes(self._head))
        if self._form.kind != AUDIO:
            raise WithheldError("format", AUDIO, self._container)
        self._whole = self._container != "wav" and self._style.heard
        self._signs = self._way.sealing.signs(self._container, f"x{self._form.suffix}")

    def _begin(self) -> bytes:
        """Label what has come of the head; return it as soon as it is whole."""
        wanted = self._way.by.label(self._number)
        head = bytes(self._head)
        if self._container == "wav":
            self._waves = Waves(wanted.as_json(), self._style.sound, self._heard)
            out = self._waves.begin(head)
        else:
            out = _front(head, wanted)
        if out is None:
            self._whole = len(head) > _LONGEST_HEAD
            return b""
        if not out:
            self._whole = True
            return b""
        self._wanted = wanted
        self._head.clear()
        return self._pass(out)

    def _heard(self, rate: int) -> sound.Samples:
        """Return the label that is heard, at a rate, with silence to set it off."""
        speech = self._way.speech
        if not self._style.speech or speech is None:
            return sound.rhythm(rate)
        said = speech.samples
        places = np.arange(0, len(said), speech.rate / rate)
        return np.asarray(np.interp(places, np.arange(len(said)), said), dtype=np.float32)

    # --- passing ------------------------------------------------------------------------------

    def _pass(self, data: bytes) -> bytes:
        if not data:
            return b""
        self._left += data
        if self._signs:
            return b""
        out, self._held = self._held, data
        return out

    def _read_back(self, wanted: Label) -> Labelled:
        data, form = bytes(self._left), self._form
        if form is None:
            raise WithheldError("failed", AUDIO)
        explicit = self._style.sound
        if self._waves is not None and self._style.heard:
            explicit = f"{sound_kind(self._style)}:{explicit}"
            if not self._style.speech and not self._waves.is_heard(data):
                raise WithheldError("not_heard", AUDIO, self._container)
        fate = Fate.SIGNED if self._signs else Fate.NONE
        if fate is Fate.NONE and manifests.present(io.BytesIO(data), self._container):
            # The head did not tell of it.
            if not self._way.sealing.breaking:
                raise WithheldError(MANIFEST, AUDIO, self._container)
            fate = Fate.BROKEN
        return read_back(data, form, wanted, explicit=explicit, number=self._number, c2pa=fate)


def whole(track: Soundtrack, data: bytes) -> Labelled:
    """Return a sound that is there whole with its labels; raise WithheldError."""
    track.feed(data)
    track.finish()
    if track.done is None:
        raise WithheldError("failed", AUDIO)
    return track.done


# --- heads that hold the label -------------------------------------------------------------------------


def _told_by(head: bytearray) -> int:
    """Return the bytes by which a sound is told: FLAC and MP3 both can stand behind a tag, and that with a cover is long."""
    return max(_LEAST, min(behind_tag(bytes(head[:_LEAST])), _LONGEST_HEAD))


def _front(head: bytes, wanted: Label) -> bytes | None:
    """Return the labelled beginning of an MP3, FLAC or Ogg; None while more is needed, nothing where it can not be so."""
    container = container_of(head, "")
    part, rest = _pages(head) if container.name == "ogg" else (head, b"")
    file = io.BytesIO(part)
    try:
        if any(True for _ in container.read(file)) or manifests.present(file, container.name):
            return b""  # a label or a manifest is there: what becomes of it is decided of the whole
        out = io.BytesIO()
        container.write(file, out, wanted.as_json())
    except UnreadableError:
        return None
    if not same(container.payload(file), container.payload(out)) or not _same_pages(container, part, out.getvalue()):
        return b""
    return out.getvalue() + rest


def _pages(data: bytes) -> tuple[bytes, bytes]:
    """Cut Ogg after its last whole page."""
    at = 0
    while len(data) >= at + _OGG_HEAD:
        count = data[at + _OGG_HEAD - 1]
        end = at + _OGG_HEAD + count + sum(data[at + _OGG_HEAD : at + _OGG_HEAD + count])
        if len(data) < at + _OGG_HEAD + count or len(data) < end:
            break
        at = end
    return data[:at], data[at:]


def _same_pages(container: Container, before: bytes, after: bytes) -> bool:
    """Say whether later pages keep their numbers: those that are still to come are not written anew."""
    return container.name != "ogg" or _count(before) == _count(after)


def _count(data: bytes) -> int:
    found = at = 0
    while at < len(data):
        count = data[at + _OGG_HEAD - 1]
        at += _OGG_HEAD + count + sum(data[at + _OGG_HEAD : at + _OGG_HEAD + count])
        found += 1
    return found
