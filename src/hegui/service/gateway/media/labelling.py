"""Files on their way out: labelled for people and in their metadata, read back, or withheld (Art. 12).

The explicit label is put in unless the service declares that its interface shows it, as for text; the
implicit label always is. What the upstream wrote of itself stays: then the gateway's provider is added
as the one who passes it on.
"""

from __future__ import annotations

import io
import logging
import tempfile
import wave
from dataclasses import dataclass, field
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from hegui.kit.errors import HeguiError, InputError, SettingsError
from hegui.kit.settings import Settings
from hegui.kit.text import Bi
from hegui.service.gateway.media.waves import closed
from hegui.service.gateway.service import MARK, MediaStyle
from hegui.service.labels import files, signatures
from hegui.service.labels.containers import NotWritableError, UnreadableError, container_of, head_of
from hegui.service.labels.files import BreaksManifestError, Inspection, NotVerifiedError, Seal, Verdict
from hegui.service.labels.marks import mark, sound
from hegui.service.labels.schema import Label, LabelError, set_code
from hegui.service.labels.sealing import Fate, Sealing, sealing

_LOG = logging.getLogger(__name__)
DEMO = "demo"
DEMO_CODE = "0090HEGUIDEMO0000000001DEMO"
"""What stands for a provider's code in pictures of the demo model: a made-up one without a credit code, for nobody else."""
IMAGE, AUDIO, VIDEO = "image", "audio", "video"
MANIFEST = "c2pa_manifest"
"""Why a file is withheld whose manifest a label would break."""
_DECIDED = Seal(breaking=True)
NAMES = {IMAGE: Bi("图片", "picture"), AUDIO: Bi("声音", "sound"), VIDEO: Bi("视频", "film")}


@dataclass(frozen=True, slots=True)
class Form:
    """A kind of file that can leave: what it is for people, its suffix and its media type."""

    kind: str
    suffix: str
    mime: str


FORMS: dict[str, Form] = {
    "png": Form(IMAGE, ".png", "image/png"),
    "jpeg": Form(IMAGE, ".jpg", "image/jpeg"),
    "webp": Form(IMAGE, ".webp", "image/webp"),
    "gif": Form(IMAGE, ".gif", "image/gif"),
    "tiff": Form(IMAGE, ".tif", "image/tiff"),
    "heif": Form(IMAGE, ".avif", "image/avif"),
    "wav": Form(AUDIO, ".wav", "audio/wav"),
    "mp3": Form(AUDIO, ".mp3", "audio/mpeg"),
    "flac": Form(AUDIO, ".flac", "audio/flac"),
    "ogg": Form(AUDIO, ".opus", "audio/ogg"),
    "mp4": Form(VIDEO, ".mp4", "video/mp4"),
    "matroska": Form(VIDEO, ".webm", "video/webm"),
}
"""By the container that a label is written to; every other file is withheld."""
_HEIC = Form(IMAGE, ".heic", "image/heic")
_VORBIS = Form(AUDIO, ".ogg", "audio/ogg")
_MOV = Form(VIDEO, ".mov", "video/quicktime")
_MKV = Form(VIDEO, ".mkv", "video/x-matroska")
_SOUND_ONLY = (b"M4A ", b"M4B ", b"M4P ")
"""Brands of MP4 that hold no film; nothing asks for such a sound."""


class WithheldError(Exception):
    """A file that may not leave, since it could not be labelled; `reason` is a word for the record."""

    def __init__(self, reason: str, kind: str = "", container: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.kind = kind
        self.container = container

    def entry(self) -> dict[str, Any]:
        """Return what the record says of it."""
        return {"kind": self.kind, "container": self.container, "withheld": self.reason}


@dataclass(frozen=True, slots=True)
class Labelled:
    """A file as it leaves: both labels in it, read back."""

    data: bytes
    container: str
    form: Form
    explicit: str
    place: str
    number: str
    signed: bool
    c2pa: Fate = Fate.NONE

    @property
    def digest(self) -> str:
        """Return the SHA-256 of what leaves, in hex."""
        return sha256(self.data).hexdigest()

    def entry(self, sent: str) -> dict[str, Any]:
        """Return what the record says of it: never the file; `sent` is how it leaves."""
        return {
            "kind": self.form.kind, "container": self.container, "bytes": len(self.data), "sha256": self.digest,
            "explicit": self.explicit, "implicit": self.place, "verdict": Verdict.PRESENT.value,
            "number": self.number, "signed": self.signed, "c2pa": self.c2pa.value, "sent": sent,
        }  # fmt: skip


def labels_of(media: list[dict[str, Any]]) -> str:
    """Return where files of a record have their explicit labels, each place once."""
    return ",".join(sorted({str(item["explicit"]) for item in media if "explicit" in item}))


# --- who labels ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Spoken:
    """The operator's spoken label: its file, what it says, and its samples (one channel)."""

    path: Path
    text: str
    samples: sound.Samples
    rate: int


@dataclass(frozen=True, slots=True)
class Producer:
    """The provider whose code stands in labels, and the key that signs them."""

    code: str
    key: signatures.Key | None = None

    def label(self, number: str) -> Label:
        """Return the label of what this provider made."""
        made = Label.first(self.code, number)
        return signatures.signed(made, self.key) if self.key is not None else made

    def wanted(self, there: Inspection, number: str) -> Label:
        """Return the label that a file gets: the first one, or over another's the fields of who passes it on."""
        if there.label is None:
            return self.label(number)
        return there.label.propagated(self.code, number)


@dataclass(frozen=True, slots=True)
class Way:
    """How the files of one service are labelled: its style, whose label it is, where to work, the spoken label, manifests."""

    style: MediaStyle
    by: Producer
    work: Path
    speech: Spoken | None = None
    sealing: Sealing = field(default_factory=Sealing)


def producer(settings: Settings) -> Producer | None:
    """Return whose labels are written, None where no code is set; raise InputError for a code or key that is wrong."""
    code = set_code("provider_code", settings.provider_code) or (DEMO_CODE if settings.upstream == DEMO else "")
    if not code:
        return None
    return Producer(code, signatures.read_key(Path(settings.label_key)) if settings.label_key else None)


def spoken(settings: Settings) -> Spoken | None:
    """Return the spoken label that is set, if any; raise InputError for one that is not as the law has it."""
    if not settings.label_speech:
        return None
    path = Path(settings.label_speech)
    try:
        with wave.open(str(path)) as file:
            if file.getsampwidth() != 2:  # noqa: PLR2004 - bytes
                raise wave.Error("not 16 bits")
            rate, channels = file.getframerate(), file.getnchannels()
            raw = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    except (OSError, EOFError, wave.Error) as error:
        raise InputError(
            Bi(f"无法读取语音标识 {path}", f"can not read the spoken label {path}: {error}"),
            Bi("label_speech 应为 16 位 PCM 的 WAV", "label_speech must be a WAV of 16-bit PCM"),
        ) from None
    samples = (raw.reshape(-1, channels).mean(axis=1) / 32768).astype(np.float32)
    sound.check_speech(settings.label_speech_text, samples, rate)
    return Spoken(path, settings.label_speech_text, samples, rate)


def check_media(settings: Settings) -> None:
    """Raise HeguiError where the settings of labels can not be used."""
    by = producer(settings)
    spoken(settings)
    sealing(settings.c2pa_chain, settings.c2pa_key, breaking=settings.c2pa_break).try_out(by.code if by else DEMO_CODE)
    if settings.public_url and not settings.public_url.startswith(("http://", "https://")):
        raise SettingsError(
            Bi(f"public_url 无法识别：{settings.public_url}", f"public_url is not understood: {settings.public_url}"),
            Bi("写 http(s):// 开头的地址", "give an address that begins with http(s)://"),
        )


def can_mark(container: str, style: MediaStyle) -> bool:
    """Say whether the explicit label that a service chose can be put into files of a container here.

    Film, and sound that is not WAV, are coded again, by the optional PyAV.
    """
    form = FORMS.get(container)
    if form is None or form.kind == IMAGE or not (style.heard if form.kind == AUDIO else style.drawn):
        return form is not None
    return container == "wav" or find_spec("av") is not None


# --- labelling -----------------------------------------------------------------------------------------


def form_of(head: bytes) -> tuple[str, Form]:
    """Return container and form of a file by its first bytes; raise WithheldError for what no label can be written to.

    A tag before a sound tells nothing of it: what stands behind the tag is looked at, where that is there.
    """
    try:
        name = container_of(head_of(io.BytesIO(head)), "").name
    except UnreadableError:
        raise WithheldError("format") from None
    form = FORMS.get(name)
    if form is None or (name == "mp4" and head[8:12] in _SOUND_ONLY):
        raise WithheldError("format", container=name)
    if name == "mp4" and head[8:12] == b"qt  ":
        form = _MOV
    if name == "matroska" and b"webm" not in head[:64]:
        form = _MKV
    if name == "heif" and head[8:12] not in {b"avif", b"avis"}:
        form = _HEIC
    if name == "ogg" and b"OpusHead" not in head:
        form = _VORBIS
    return name, form


def labelled(data: bytes, number: str, way: Way) -> Labelled:
    """Return a whole file with both labels, read back; raise WithheldError. It takes a processor's time.

    Args:
        data: the file as the upstream gave it.
        number: the content's number (`ProduceID`).
        way: how it is labelled.

    """
    name, form = form_of(data)
    try:
        with tempfile.TemporaryDirectory(dir=way.work) as folder:
            source, target = Path(folder) / f"in{form.suffix}", Path(folder) / f"out{form.suffix}"
            source.write_bytes(data)
            there = files.inspect(source)
            if there.verdict not in {Verdict.ABSENT, Verdict.PRESENT}:
                reason = "unreadable" if there.verdict is Verdict.UNREADABLE else "label_there"
                raise WithheldError(reason, form.kind, name)
            with source.open("rb") as file:
                fate = way.sealing.fate(file, name, source.name, every=True)
            wanted = way.by.wanted(there, number)
            explicit = _labels((source, target), form, way, there, wanted)
            if fate is Fate.SIGNED:
                _signed((source, target), form, way, number)
            made = target.read_bytes()
    except WithheldError:
        raise
    except Exception as error:
        _LOG.exception("a file that the upstream made could not be labelled")
        raise WithheldError(_reason(error), form.kind, name) from error
    return read_back(made, form, wanted, explicit=explicit, number=number, c2pa=fate)


def _labels(paths: tuple[Path, Path], form: Form, way: Way, there: Inspection, wanted: Label) -> str:
    """Put both labels in; return where the explicit one is. What becomes of a manifest was decided before."""
    source, target = paths
    drawn = way.style.heard if form.kind == AUDIO else way.style.drawn
    if drawn:
        _marked(paths, form, way, wanted)
    if there.label is not None:
        files.propagate(target if drawn else source, target, way.by.code, wanted.propagate_id, seal=_DECIDED)
    elif not drawn:
        files.write(source, target, wanted, seal=_DECIDED)
    if not drawn:
        return way.style.sound if form.kind == AUDIO else way.style.picture
    return f"{sound_kind(way.style)}:{way.style.sound}" if form.kind == AUDIO else f"{MARK}:{way.style.corner.value}"


def _signed(paths: tuple[Path, Path], form: Form, way: Way, number: str) -> None:
    """Sign a labelled file last, in place, the manifest of the file as it came as ingredient."""
    if form.suffix == ".wav":
        paths[1].write_bytes(closed(paths[1].read_bytes()))
    visible = way.style.heard if form.kind == AUDIO else way.style.drawn
    try:
        way.sealing.sign(*paths, f"{number}{form.suffix}", visible=visible)
    except HeguiError as error:
        _LOG.exception("a file that the upstream made could not be signed")
        raise WithheldError("not_signed", form.kind) from error


def signed(data: bytes, form: Form, way: Way, number: str) -> bytes:
    """Return a labelled file that came without a manifest, signed; raise WithheldError."""
    with tempfile.TemporaryDirectory(dir=way.work) as folder:
        path = Path(folder) / f"out{form.suffix}"
        path.write_bytes(data)
        _signed((path, path), form, way, number)
        return path.read_bytes()


def _marked(paths: tuple[Path, Path], form: Form, way: Way, wanted: Label) -> None:
    """Put the explicit label in, the implicit one with it."""
    style, speech = way.style, way.speech
    if form.kind != AUDIO:
        mark.mark(*paths, mark.Options(corner=style.corner, first=wanted, seal=_DECIDED))
        return
    said = (speech.path, speech.text) if style.speech and speech is not None else None
    mark.mark(*paths, mark.Options(at=style.sound, speech=said, first=wanted, seal=_DECIDED))


def sound_kind(style: MediaStyle) -> str:
    """Return what is heard."""
    return "speech" if style.speech else "rhythm"


def read_back(  # noqa: PLR0913 - all that is known of a file
    data: bytes, form: Form, wanted: Label, *, explicit: str, number: str, c2pa: Fate = Fate.NONE
) -> Labelled:
    """Return what leaves, once it reads back as this one label; raise WithheldError."""
    found = files.inspect_bytes(data, f"out{form.suffix}")
    if found.verdict is not Verdict.PRESENT or found.label != wanted:
        raise WithheldError("not_verified", form.kind, found.container)
    proven = any(item.valid for item in signatures.check(wanted))
    return Labelled(data, found.container, form, explicit, found.readings[0].place, number, proven, c2pa)


def _reason(error: Exception) -> str:
    for kind, reason in (
        (BreaksManifestError, MANIFEST), (NotVerifiedError, "not_verified"), (UnreadableError, "unreadable"), (NotWritableError, "format"),
        (LabelError, "label_there"), (HeguiError, "not_marked"),
    ):  # fmt: skip
        if isinstance(error, kind):
            return reason
    return "failed"
