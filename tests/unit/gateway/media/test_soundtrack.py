"""Sound labelled while it passes: in any pieces, with nothing lost, and never whole without its labels."""

from __future__ import annotations

import io
import json
import wave
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hegui.service.gateway.media.labelling import AUDIO, Producer, Spoken, WithheldError, form_of
from hegui.service.gateway.media.soundtrack import Soundtrack, whole
from hegui.service.labels import files, signatures
from hegui.service.labels.files import Verdict
from hegui.service.labels.marks import sound as heard
from hegui.service.labels.schema import Label
from tests.unit.gateway.media.labelling import BY, NUMBER, OTHER, independent, sound, way
from tests.unit.labels.media import packets
from tests.unit.labels.test_sound import frame, id3

MOST = 8 << 20


def passed(track: Soundtrack, data: bytes, piece: int) -> tuple[bytes, int]:
    """Return what left, and how much of it before the end."""
    early = b"".join(track.feed(data[at : at + piece]) for at in range(0, len(data), piece))
    return early + track.finish(), len(early)


def samples(data: bytes) -> Any:
    """Return the samples of a WAV as another reader has them, one channel, and its rate."""
    with wave.open(io.BytesIO(data)) as file:
        raw = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, file.getnchannels())
        return raw, file.getframerate()


@pytest.mark.parametrize("piece", [37, 4096, MOST])
@pytest.mark.parametrize("kind", ["wav", "mp3", "flac", "opus"])
def test_a_sound_in_any_pieces_gets_its_label_in_front_and_keeps_the_rest(
    kind: str, piece: int, tmp_path: Path
) -> None:
    given = sound(kind)
    track = Soundtrack(NUMBER, way(tmp_path, sound="interface"), most=MOST)
    out, early = passed(track, given, piece)
    found = files.inspect_bytes(out, f"x.{kind}")
    assert (found.verdict, found.label, found.deviations) == (Verdict.PRESENT, BY.label(NUMBER), ())
    assert packets(out) == packets(given), "not one packet of the sound changed"
    assert track.done is not None
    assert track.done.entry("body")["explicit"] == "interface"
    if piece < MOST:
        assert early > len(out) * 0.8, "it passes while it comes"
    path = tmp_path / f"out.{kind}"
    path.write_bytes(out)
    assert NUMBER in independent(path) or kind == "wav", "an independent reader finds the label"
    assert not list(tmp_path.glob("tmp*")), "nothing lies about"


@pytest.mark.parametrize("piece", [64, 1000, MOST])
@pytest.mark.parametrize("cover", [100, 3000, 20_000])
def test_a_flac_behind_a_tag_is_told_however_long_its_cover_is(cover: int, piece: int, tmp_path: Path) -> None:
    given = id3(4, frame(b"APIC", b"\3image/png\0\0\0" + bytes(cover))) + sound("flac")
    track = Soundtrack(NUMBER, way(tmp_path, sound="interface"), most=MOST)
    out, _ = passed(track, given, piece)
    assert track.done is not None
    assert (track.done.container, track.done.form.mime) == ("flac", "audio/flac")
    assert files.inspect_bytes(out, "x.flac").label == BY.label(NUMBER)
    assert form_of(given)[0] == "flac"


@pytest.mark.parametrize("seekable", [True, False])
@pytest.mark.parametrize("at", ["start", "end", "both"])
def test_a_wav_is_heard_to_be_generated_and_keeps_every_sample(at: str, seekable: bool, tmp_path: Path) -> None:
    given = sound("wav", seekable=seekable)
    before, rate = samples(sound("wav"))
    track = Soundtrack(NUMBER, way(tmp_path, sound=at), most=MOST)
    out, early = passed(track, given, 8192)
    assert early > len(given) * 0.8
    assert files.inspect_bytes(out, "x.wav").label == BY.label(NUMBER)
    if seekable:
        after, _ = samples(out)
    else:
        after = np.frombuffer(out[out.index(b"data") + 8 :], "<i2").reshape(-1, before.shape[1])
    size = len(heard.rhythm(rate)) + round(heard.REST * rate)
    first = size if at in {"start", "both"} else 0
    assert np.array_equal(after[first : first + len(before)], before)
    assert len(after) == len(before) + size * (2 if at == "both" else 1)
    mono = (after.mean(axis=1) / 32768).astype(np.float32)
    assert heard.has_rhythm(mono[:size], rate) == (at != "end")
    assert heard.has_rhythm(mono[-size:], rate) == (at != "start")
    assert track.done is not None
    assert track.done.entry("body")["explicit"] == f"rhythm:{at}"


@pytest.mark.parametrize("kind", ["mp3", "flac", "opus"])
def test_what_must_be_coded_again_waits_until_it_is_whole(kind: str, tmp_path: Path) -> None:
    track = Soundtrack(NUMBER, way(tmp_path), most=MOST)
    out, early = passed(track, sound(kind), 4096)
    assert early == 0
    assert files.inspect_bytes(out, f"x.{kind}").label == BY.label(NUMBER)
    assert track.done is not None
    assert track.done.entry("body")["explicit"] == "rhythm:start"


@pytest.mark.parametrize("kind", ["wav", "mp3", "flac", "opus"])
def test_what_the_upstream_wrote_of_itself_stays(kind: str, tmp_path: Path) -> None:
    theirs = Label.first(OTHER, "u-1")
    source = tmp_path / f"in.{kind}"
    source.write_bytes(sound(kind))
    files.write(source, source, theirs)
    found = whole(Soundtrack(NUMBER, way(tmp_path, sound="interface"), most=MOST), source.read_bytes())
    assert files.inspect_bytes(found.data, f"x.{kind}").label == theirs.propagated(BY.code, NUMBER)


def test_chunks_behind_the_samples_are_waited_for(tmp_path: Path) -> None:
    source = tmp_path / "in.wav"
    source.write_bytes(sound("wav"))
    files.write(source, source, Label.first(OTHER, "late"))  # behind the samples
    track = Soundtrack(NUMBER, way(tmp_path), most=MOST)
    out, early = passed(track, source.read_bytes(), 4096)
    assert early == 0
    label = files.inspect_bytes(out, "x.wav").label
    assert label is not None
    assert (label.produce_id, label.propagate_id) == ("late", NUMBER)


def test_a_wav_shorter_than_its_head_says_is_never_sent_to_its_end(tmp_path: Path) -> None:
    given = sound("wav")[:-5000]
    track = Soundtrack(NUMBER, way(tmp_path, sound="interface"), most=MOST)
    for at in range(0, len(given), 4096):
        track.feed(given[at : at + 4096])
    with pytest.raises(WithheldError, match="not_verified"):
        track.finish()
    assert 0 < len(track.left) < len(given), "the last piece is still here"


@pytest.mark.parametrize("kind", ["wav", "mp3", "flac", "opus"])
@pytest.mark.parametrize("style", ["interface", "start"])
def test_a_sound_that_ends_too_soon_is_never_whole_without_a_label(kind: str, style: str, tmp_path: Path) -> None:
    given = sound(kind)
    for end in (1, 20, 70, 200, len(given) // 2, len(given) - 1):
        track = Soundtrack(NUMBER, way(tmp_path, sound=style), most=MOST)
        try:
            out, _ = passed(track, given[:end], 64)
        except WithheldError:
            continue
        assert files.inspect_bytes(out, f"x.{kind}").label == BY.label(NUMBER)


@pytest.mark.parametrize(
    "data", [b"\x00\x01" * 4000, b"hello, this is no sound at all" * 10, b"%PDF-1.7 " * 20, b""], ids=["pcm", "text", "pdf", "none"]
)  # fmt: skip
def test_what_is_no_sound_that_can_be_labelled_is_withheld(data: bytes, tmp_path: Path) -> None:
    track = Soundtrack(NUMBER, way(tmp_path), most=MOST)
    with pytest.raises(WithheldError) as told:
        passed(track, data, 512)
    assert told.value.reason in {"format", "empty"}
    assert track.left == b""


def test_a_picture_is_no_sound(tmp_path: Path) -> None:
    from tests.unit.gateway.media.labelling import picture

    with pytest.raises(WithheldError) as told:
        whole(Soundtrack(NUMBER, way(tmp_path), most=MOST), picture())
    assert (told.value.reason, told.value.kind) == ("format", AUDIO)


def test_more_than_the_limit_is_withheld_while_it_passes(tmp_path: Path) -> None:
    track = Soundtrack(NUMBER, way(tmp_path, sound="interface"), most=50_000)
    with pytest.raises(WithheldError, match="too_large"):
        passed(track, sound("wav"), 4096)


def test_a_wav_of_other_samples_is_labelled_when_it_is_whole(tmp_path: Path) -> None:
    from tests.unit.labels.media import made

    given = made("wav", audio="pcm_s24le")
    found = whole(Soundtrack(NUMBER, way(tmp_path), most=MOST), given)
    assert files.inspect_bytes(found.data, "x.wav").label == BY.label(NUMBER)
    assert found.explicit == "rhythm:start"


def test_a_spoken_label_is_heard_before_the_first_sample(tmp_path: Path) -> None:
    said = (np.sin(np.arange(16_000) / 9) * 0.5).astype(np.float32)
    spoken = Spoken(tmp_path / "said.wav", "AI生成", said, 16_000)
    speaking = way(tmp_path)
    speaking = replace(speaking, style=replace(speaking.style, speech=True), speech=spoken)
    before, rate = samples(sound("wav"))
    track = Soundtrack(NUMBER, speaking, most=MOST)
    after, _ = samples(passed(track, sound("wav"), 8192)[0])
    assert len(after) - len(before) == rate + round(heard.REST * rate), "one second of speech, and a rest"
    first = after[:rate].mean(axis=1) / 32768
    assert np.abs(first[:: rate // 16_000][:16_000] - said).max() < 0.01
    assert np.array_equal(after[len(after) - len(before) :], before)
    assert track.done is not None
    assert track.done.explicit == "speech:start"


def test_a_key_signs_the_label_of_a_sound(tmp_path: Path) -> None:
    by = Producer(BY.code, signatures.new_key(tmp_path / "key.json"))
    track = Soundtrack(NUMBER, replace(way(tmp_path, sound="interface"), by=by), most=MOST)
    out, _ = passed(track, sound("mp3"), 1000)
    label = files.inspect_bytes(out, "x.mp3").label
    assert label is not None
    assert [item.valid for item in signatures.check(label)] == [True]
    assert json.loads(label.reserved_code1)["SecurityData"]["Type"] == "TC260PG"
    assert track.done is not None
    assert track.done.signed


def test_what_leaves_is_what_is_read_back(tmp_path: Path) -> None:
    """The pieces that left, one after the other, are the file that was verified: nothing is sent twice or left out."""
    track = Soundtrack(NUMBER, way(tmp_path, sound="interface"), most=MOST)
    given, sizes, out = sound("flac"), [], b""
    for at in range(0, len(given), 3000):
        out += track.feed(given[at : at + 3000])
        sizes.append(len(track.left))
        assert track.left == out
    out += track.finish()
    assert all(one <= two for one, two in pairwise(sizes))
    assert track.done is not None
    assert track.done.data == out
