"""Every format of film and sound: the label goes in, other programs read it, and no packet, time or other text changes."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from hegui.service.labels import files
from hegui.service.labels.files import Verdict
from hegui.service.labels.schema import Label, LabelError
from tests.unit.labels import media
from tests.unit.labels.media import put
from tests.unit.labels.test_files import CODE, LABEL, OTHER

LONG = Label.first(CODE, "a-longer-number", reserved="r" * 2000)
NAMES = sorted(media.samples())
OWN_TEXTS = {"AIGC", "DATASIZE", "LASTKEYFRAMELOCATION"}
"""What may differ between the texts of a file before and after: the label, and places in the file."""


@pytest.fixture(params=NAMES)
def sample(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    suffix, data = media.samples()[request.param]
    return put(tmp_path, "a" + suffix, data)


def others(data: bytes) -> dict[str, str]:
    return {key: value for key, value in media.tags(data).items() if key not in OWN_TEXTS}


def read_by_others(path: Path, label: Label) -> None:
    """Assert that ffmpeg's libraries read exactly this label, where they read the format's place at all."""
    found = {key: value for key, value in media.tags(path.read_bytes()).items() if "AIGC" in key}
    # ffmpeg knows no chunk AIGC in WAV, and drops texts of FLV over 1,023 bytes.
    silent = path.suffix == ".wav" or (path.suffix == ".flv" and len(label.as_json()) > 1023)
    assert found == ({} if silent else {"AIGC": label.as_json()})


def test_a_label_goes_in_is_replaced_and_passed_on_and_nothing_else_changes(sample: Path, tmp_path: Path) -> None:
    before = sample.read_bytes()
    assert files.inspect(sample).verdict is Verdict.ABSENT
    first, second, third = (tmp_path / f"{number}{sample.suffix}" for number in range(3))
    written = files.write(sample, first, LABEL)
    assert (written.verdict, written.label, written.deviations) == (Verdict.PRESENT, LABEL, ())
    assert files.write(first, second, LONG).label == LONG
    back = files.write(second, third, LABEL)
    assert (back.verdict, back.label, back.deviations) == (Verdict.PRESENT, LABEL, ())
    packets, texts = media.packets(before), others(before)
    for path, label in ((first, LABEL), (second, LONG), (third, LABEL)):
        data = path.read_bytes()
        assert media.packets(data) == packets
        assert others(data) == texts
        assert data.count(b"ContentPropagator") == 1, "the old label is gone, not only hidden"
        read_by_others(path, label)
    passed = files.propagate(first, second, OTHER, "theirs")
    assert passed.label == LABEL.propagated(OTHER, "theirs")
    read_by_others(second, LABEL.propagated(OTHER, "theirs"))
    assert sample.read_bytes() == before


def test_writing_the_same_label_again_changes_nothing(sample: Path) -> None:
    files.write(sample, sample, LABEL)
    once = sample.read_bytes()
    files.write(sample, sample, LABEL)
    assert sample.read_bytes() == once


def test_another_providers_label_is_not_overwritten(sample: Path) -> None:
    files.write(sample, sample, Label.first(OTHER, "theirs"))
    before = sample.read_bytes()
    with pytest.raises(LabelError):
        files.write(sample, sample, LABEL)
    assert sample.read_bytes() == before


# Sounds without a length in them end where they end: only what holds the label must be whole.
UNENDING = {"mp3", "mp3 with 2.3", "mp3 without a tag", "flac", "mkv live", "wav as a stream"}


@pytest.mark.parametrize("name", NAMES)
def test_a_file_that_ends_too_soon_is_unreadable_never_without_a_label(name: str) -> None:
    suffix, data = media.samples()[name]
    for length in (len(data) - 7, len(data) // 2, 1000, 40, 20):
        found = files.inspect_bytes(data[:length], "a" + suffix).verdict
        if name not in UNENDING or length <= 40:
            assert found is Verdict.UNREADABLE, length
        else:
            assert found in {Verdict.UNREADABLE, Verdict.ABSENT}


def test_a_jump_into_the_film_finds_the_same_picture(sample: Path) -> None:
    before = sample.read_bytes()
    if sample.suffix in {".m4a", ".wav", ".mp3", ".flac", ".ogg", ".opus", ".oga"}:
        return
    files.write(sample, sample, LABEL)
    for second in (0.5, 1.2, 1.7):
        assert media.picture_at(sample.read_bytes(), second) == media.picture_at(before, second)


@pytest.mark.skipif(shutil.which("ffprobe") is None, reason="needs ffprobe (Debian: ffmpeg)")
def test_ffprobe_reads_the_label(sample: Path) -> None:
    files.write(sample, sample, LABEL)
    asked = ["ffprobe", "-v", "error", "-show_entries", "format_tags:stream_tags", "-of", "json", str(sample)]
    done = subprocess.run(asked, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    parts: dict[str, Any] = json.loads(done.stdout)
    texts = [parts["format"].get("tags", {}), *(one.get("tags", {}) for one in parts["streams"])]
    found = [value for tags in texts for key, value in tags.items() if key.upper() == "AIGC"]
    assert found == ([] if sample.suffix == ".wav" else [LABEL.as_json()]), "ffmpeg knows no chunk AIGC in WAV"


@pytest.mark.skipif(shutil.which("exiftool") is None, reason="needs exiftool (Debian: libimage-exiftool-perl)")
def test_exiftool_reads_the_label(sample: Path) -> None:
    files.write(sample, sample, LABEL)
    if sample.suffix in {".mkv", ".webm"}:
        return  # exiftool reads no tags behind the clusters without more options
    done = subprocess.run(["exiftool", "-a", "-u", "-b", "-j", str(sample)], capture_output=True, check=True)
    (found,) = json.loads(done.stdout)
    assert {"Error", "Warning"} & set(found) == set()
    texts = [str(value).removeprefix("(AIGC) ") for value in found.values()]
    texts += [base64.b64decode(text[7:]).decode("latin-1").rstrip("\0") for text in texts if text.startswith("base64:")]
    assert texts.count(LABEL.as_json()) == 1


def test_memory_does_not_grow_with_the_film(tmp_path: Path) -> None:
    data = media.samples()["mp4 faststart"][1]
    path = put(tmp_path, "a.mp4", data)
    with path.open("r+b") as file:
        file.truncate(len(data) + 96 * 2**20)
        file.seek(len(data))
        file.write((96 * 2**20).to_bytes(4, "big") + b"mdat")
    tracemalloc.start()
    files.write(path, path, LABEL)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * 2**20
    assert media.packets(path.read_bytes()) == media.packets(data)
