"""Pictures on their way out: both labels, what the upstream wrote stays, and what can not be labelled is withheld."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hegui.kit.errors import HeguiError, InputError
from hegui.kit.settings import Settings
from hegui.service.gateway.media.labelling import (
    DEMO_CODE,
    Producer,
    WithheldError,
    can_mark,
    check_media,
    labelled,
    producer,
)
from hegui.service.gateway.service import MediaStyle
from hegui.service.labels import files, signatures
from hegui.service.labels.files import Verdict
from hegui.service.labels.schema import Deviation, Label
from tests.unit.gateway.media.labelling import BY, NUMBER, OTHER, independent, picture, way
from tests.unit.labels.media import made

CODE = BY.code


def pixels(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGB"), dtype=np.int16)


@pytest.mark.parametrize(("kind", "suffix"), [("PNG", "png"), ("JPEG", "jpg"), ("WEBP", "webp"), ("GIF", "gif")])
def test_a_picture_shows_and_says_that_it_was_generated(kind: str, suffix: str, tmp_path: Path) -> None:
    found = labelled(picture(kind), NUMBER, way(tmp_path))
    assert (found.explicit, found.number) == ("mark:bottom-right", NUMBER)
    read = files.inspect_bytes(found.data, f"x.{suffix}")
    assert (read.verdict, read.label, read.deviations) == (Verdict.PRESENT, BY.label(NUMBER), ())
    before, after = pixels(picture(kind)), pixels(found.data)
    changed = np.abs(before - after).max(axis=-1) > 40
    assert changed[120:, 160:].any(), "the mark is at the bottom right"
    assert not changed[:120, :160].any()
    path = tmp_path / f"x.{suffix}"
    path.write_bytes(found.data)
    assert NUMBER in independent(path)
    assert sorted(item.name for item in tmp_path.iterdir()) == [path.name], "nothing lies about"


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "TIFF", "AVIF"])
def test_where_the_interface_shows_the_label_no_pixel_changes(kind: str, tmp_path: Path) -> None:
    found = labelled(picture(kind), NUMBER, way(tmp_path, picture="interface"))
    assert found.explicit == "interface"
    assert np.array_equal(pixels(found.data), pixels(picture(kind)))
    assert files.inspect_bytes(found.data, f"x{found.form.suffix}").label == BY.label(NUMBER)


@pytest.mark.parametrize("style", ["mark", "interface"])
def test_what_the_upstream_wrote_of_itself_stays(style: str, tmp_path: Path) -> None:
    theirs = Label.first(OTHER, "u-1")
    source = tmp_path / "in.png"
    source.write_bytes(picture())
    files.write(source, source, theirs)
    found = labelled(source.read_bytes(), NUMBER, way(tmp_path, picture=style))
    read = files.inspect_bytes(found.data, "x.png")
    assert read.label == theirs.propagated(CODE, NUMBER)
    assert len(read.readings) == 1


def test_labels_that_contradict_each_other_are_withheld(tmp_path: Path) -> None:
    from PIL.PngImagePlugin import PngInfo

    notes = PngInfo()
    for number in ("a", "b"):
        notes.add_text("AIGC", Label.first(OTHER, number).as_json())
    out = io.BytesIO()
    with Image.open(io.BytesIO(picture())) as image:
        image.save(out, "PNG", pnginfo=notes)
    assert files.inspect_bytes(out.getvalue(), "x.png").verdict is Verdict.CONFLICTING
    for style in ("mark", "interface"):
        with pytest.raises(WithheldError, match="label_there"):
            labelled(out.getvalue(), NUMBER, way(tmp_path, picture=style))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"BM" + bytes(200), "format"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>" * 3, "format"),
        (b"%PDF-1.7\n%%EOF", "format"),
        (made("avi", "mpeg4"), "format"),
        (b"\0\0\0\x18ftypM4A " + bytes(90), "format"),
        (b"", "format"),
        (picture()[:-40], "unreadable"),
        (picture("JPEG")[:300], "unreadable"),
        (picture("GIF")[:50], "unreadable"),
    ],
    ids=["bmp", "svg", "pdf", "film", "sound", "nothing", "png cut", "jpeg cut", "gif cut"],
)
@pytest.mark.parametrize("style", ["mark", "interface"])
def test_what_can_not_be_labelled_is_withheld(data: bytes, reason: str, style: str, tmp_path: Path) -> None:
    with pytest.raises(WithheldError) as told:
        labelled(data, NUMBER, way(tmp_path, picture=style))
    assert told.value.reason == reason
    assert told.value.entry()["withheld"] == reason
    assert not list(tmp_path.iterdir())


def test_a_picture_too_small_for_a_legible_mark_is_withheld(tmp_path: Path) -> None:
    tiny = io.BytesIO()
    Image.new("RGB", (12, 3)).save(tiny, "PNG")
    with pytest.raises(WithheldError, match="not_marked"):
        labelled(tiny.getvalue(), NUMBER, way(tmp_path))


def test_a_key_signs_the_label_of_a_picture(tmp_path: Path) -> None:
    by = Producer(CODE, signatures.new_key(tmp_path / "key.json"))
    found = labelled(picture(), NUMBER, replace(way(tmp_path), by=by))
    label = files.inspect_bytes(found.data, "x.png").label
    assert label is not None
    assert [item.valid for item in signatures.check(label)] == [True]
    assert found.signed
    assert found.entry("url")["signed"] is True


def test_the_record_of_a_file_names_it_and_does_not_hold_it(tmp_path: Path) -> None:
    found = labelled(picture(), NUMBER, way(tmp_path))
    assert found.entry("body") == {
        "kind": "image", "container": "png", "bytes": len(found.data), "sha256": found.digest,
        "explicit": "mark:bottom-right", "implicit": "iTXt XML:com.adobe.xmp/TC260:AIGC", "verdict": "present",
        "number": NUMBER, "signed": False, "c2pa": "none", "sent": "body",
    }  # fmt: skip


# --- settings ------------------------------------------------------------------------------------------


def test_only_the_demo_has_a_code_of_its_own() -> None:
    demo = producer(Settings())
    assert demo is not None
    assert demo.code == DEMO_CODE
    assert producer(Settings(upstream="http://h/v1")) is None
    given = producer(Settings(upstream="http://h/v1", provider_code=CODE))
    assert given is not None
    assert given.code == CODE
    assert Deviation.CHECK_CHARACTER not in files.inspect_bytes(picture(), "x.png").deviations


@pytest.mark.parametrize(
    "settings",
    [
        Settings(provider_code="123"),
        Settings(provider_code=CODE[:4] + "91350100M000100Y44" + CODE[22:]),
        Settings(label_key="/no/such/key"),
        Settings(label_speech="/no/such/sound.wav"),
        Settings(public_url="files.example"),
    ],
    ids=["no code", "check character", "key", "speech", "address"],
)
def test_settings_that_would_not_label_are_refused_at_start(settings: Settings) -> None:
    with pytest.raises(HeguiError):
        check_media(settings)


def test_a_spoken_label_must_say_what_the_law_asks_at_a_normal_rate(tmp_path: Path) -> None:
    path = tmp_path / "said.wav"
    path.write_bytes(made("wav", audio="pcm_s16le"))  # two seconds of sound
    check_media(Settings(label_speech=str(path), label_speech_text="AI生成"))
    for text in ("你好世界", "本段声音由人工智能生成合成，请注意分辨，谢谢您的收听"):
        with pytest.raises(InputError):
            check_media(Settings(label_speech=str(path), label_speech_text=text))


def test_without_the_optional_package_only_wav_and_the_interface_are_possible(monkeypatch: pytest.MonkeyPatch) -> None:
    heard, shown = MediaStyle(), MediaStyle(sound="interface")
    assert all(can_mark(name, heard) for name in ("wav", "mp3", "flac", "ogg", "png"))
    monkeypatch.setattr("hegui.service.gateway.media.labelling.find_spec", lambda _: None)
    assert [name for name in ("wav", "mp3", "flac", "ogg", "png") if can_mark(name, heard)] == ["wav", "png"]
    assert all(can_mark(name, shown) for name in ("wav", "mp3", "flac", "ogg"))
    assert not can_mark("pdf", shown)
