"""Files of an upstream that signs its own: labelled and signed again, or withheld; a manifest is never broken unasked."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from hegui.kit.errors import SettingsError
from hegui.kit.settings import Settings
from hegui.service.gateway.media.labelling import Labelled, Way, WithheldError, check_media, labelled
from hegui.service.gateway.media.soundtrack import Soundtrack, whole
from hegui.service.gateway.media.waves import closed
from hegui.service.labels import c2pa, files, manifests
from hegui.service.labels.files import Verdict
from hegui.service.labels.schema import Label
from hegui.service.labels.sealing import Sealing, sealing
from tests.unit.gateway.media.labelling import BY, NUMBER, OTHER, independent, picture, sound, way
from tests.unit.labels import authority
from tests.unit.labels.authority import Paths
from tests.unit.labels.media import packets

MOST = 8 << 20
BREAKING = Sealing(breaking=True)


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Paths:
    return authority.operator(tmp_path_factory.mktemp("ours"))


@pytest.fixture(scope="module")
def signing(ours: Paths) -> Sealing:
    return sealing(str(ours.chain), str(ours.key), breaking=False)


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> c2pa.Credential:
    """Return the key of the upstream."""
    made = authority.operator(tmp_path_factory.mktemp("theirs"))
    return c2pa.read_credential(made.chain, made.key)


@pytest.fixture
def work(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "work").mkdir()
    yield tmp_path / "work"
    assert not list((tmp_path / "work").iterdir()), "nothing lies about"


def upstreams(folder: Path, data: bytes, suffix: str, theirs: c2pa.Credential, *, bare: bool = True) -> bytes:
    """Return a file as an upstream signs it: a manifest, and no label of ours unless it writes one itself."""
    path = folder / f"theirs.{suffix}"
    path.write_bytes(data)
    if bare:
        return authority.elsewhere(path, theirs)
    files.write(path, path, Label.first(OTHER, "u-1"))
    c2pa.sign(path, path, theirs)
    return path.read_bytes()


def manifest(folder: Path, found: Labelled) -> c2pa.Manifest | None:
    path = folder / f"left{found.form.suffix}"
    path.write_bytes(found.data)
    return c2pa.read(path)


def how(work: Path, given: Sealing, *, picture: str = "mark", sound: str = "start") -> Way:
    return replace(way(work, picture=picture, sound=sound), sealing=given)


# --- pictures ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("style", ["mark", "interface", "released"])
@pytest.mark.parametrize(("kind", "suffix"), [("PNG", "png"), ("JPEG", "jpg"), ("WEBP", "webp")])
def test_a_signed_picture_leaves_labelled_and_signed_again(
    *, kind: str, suffix: str, style: str, tmp_path: Path, work: Path, theirs: c2pa.Credential, signing: Sealing
) -> None:
    given = upstreams(tmp_path, picture(kind), suffix, theirs)
    found = labelled(given, NUMBER, how(work, signing, picture=style))
    assert found.entry("body")["c2pa"] == "signed"
    read = files.inspect_bytes(found.data, f"x.{suffix}")
    assert (read.verdict, read.label, read.deviations) == (Verdict.PRESENT, BY.label(NUMBER), ())
    said = manifest(tmp_path, found)
    assert said is not None
    assert (said.state, said.manifests) == ("valid", 2), "the upstream's manifest is an ingredient"
    assert NUMBER in independent(tmp_path / f"left{found.form.suffix}")


@pytest.mark.parametrize("style", ["mark", "interface", "released"])
def test_a_signed_picture_is_withheld_where_the_operator_said_nothing(
    style: str, tmp_path: Path, work: Path, theirs: c2pa.Credential
) -> None:
    given = upstreams(tmp_path, picture(), "png", theirs)
    with pytest.raises(WithheldError) as told:
        labelled(given, NUMBER, way(work, picture=style))
    assert told.value.entry() == {"kind": "image", "container": "png", "withheld": "c2pa_manifest"}


@pytest.mark.parametrize("style", ["mark", "interface"])
def test_a_manifest_that_is_given_up_is_recorded_as_broken(
    style: str, tmp_path: Path, work: Path, theirs: c2pa.Credential
) -> None:
    found = labelled(upstreams(tmp_path, picture(), "png", theirs), NUMBER, how(work, BREAKING, picture=style))
    assert found.entry("body")["c2pa"] == "broken"
    assert files.inspect_bytes(found.data, "x.png").label == BY.label(NUMBER)
    said = manifest(tmp_path, found)
    assert said is None or said.state == "invalid"


@pytest.mark.parametrize("style", ["mark", "interface"])
def test_what_the_upstream_labelled_and_signed_keeps_both_and_gets_ours(
    style: str, tmp_path: Path, work: Path, theirs: c2pa.Credential, signing: Sealing
) -> None:
    given = upstreams(tmp_path, picture(), "png", theirs, bare=False)
    found = labelled(given, NUMBER, how(work, signing, picture=style))
    assert files.inspect_bytes(found.data, "x.png").label == Label.first(OTHER, "u-1").propagated(BY.code, NUMBER)
    said = manifest(tmp_path, found)
    assert said is not None
    assert (said.state, said.manifests) == ("valid", 2), "signed once, after both labels"


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "TIFF", "AVIF"])
def test_with_a_key_every_picture_is_signed_as_made_by_a_model(
    kind: str, tmp_path: Path, work: Path, signing: Sealing, ours: Paths
) -> None:
    style = "interface" if kind == "TIFF" else "mark"
    found = labelled(picture(kind), NUMBER, how(work, signing, picture=style))
    said = manifest(tmp_path, found)
    assert said is not None
    assert (said.state, said.sources, said.manifests, found.c2pa) == ("valid", (c2pa.SOURCES[False],), 1, "signed")
    trusted = c2pa.read(tmp_path / f"left{found.form.suffix}", c2pa.read_anchors(ours.root))
    assert trusted is not None
    assert trusted.state == "trusted"
    assert files.inspect_bytes(found.data, f"x{found.form.suffix}").label == BY.label(NUMBER)


def test_a_certificate_that_ran_out_since_the_start_withholds(tmp_path: Path, work: Path) -> None:
    late = authority.operator(tmp_path, days=5)
    given = sealing(str(late.chain), str(late.key), breaking=False)
    with pytest.raises(WithheldError, match="not_signed"):
        labelled(picture(), NUMBER, how(work, given))
    track = Soundtrack(NUMBER, how(work, given, sound="interface"), most=MOST)
    with pytest.raises(WithheldError, match="not_signed"):
        whole(track, sound("wav"))
    assert track.left == b""


def test_settings_that_could_not_sign_are_refused_at_start(tmp_path: Path, ours: Paths) -> None:
    check_media(Settings(c2pa_chain=str(ours.chain), c2pa_key=str(ours.key)))
    late = authority.operator(tmp_path, days=5)
    for chain, key in ((ours.chain, ""), (late.chain, late.key)):
        with pytest.raises(SettingsError, match="c2pa_chain"):
            check_media(Settings(c2pa_chain=str(chain), c2pa_key=str(key)))


# --- sound ---------------------------------------------------------------------------------------------


def passed(track: Soundtrack, data: bytes, piece: int = 4096) -> tuple[bytes, int]:
    early = b"".join(track.feed(data[at : at + piece]) for at in range(0, len(data), piece))
    return early + track.finish(), len(early)


@pytest.mark.parametrize("style", ["start", "interface", "released"])
@pytest.mark.parametrize("kind", ["wav", "mp3"])
def test_a_sound_that_is_signed_waits_until_it_is_whole(
    *, kind: str, style: str, tmp_path: Path, work: Path, theirs: c2pa.Credential, signing: Sealing
) -> None:
    for given, count in ((sound(kind), 1), (upstreams(tmp_path, sound(kind), kind, theirs), 2)):
        track = Soundtrack(NUMBER, how(work, signing, sound=style), most=MOST)
        out, early = passed(track, given)
        assert early == 0
        assert track.done is not None
        assert (track.done.c2pa, track.done.data) == ("signed", out)
        assert files.inspect_bytes(out, f"x.{kind}").label == BY.label(NUMBER)
        said = manifest(tmp_path, track.done)
        assert said is not None
        assert (said.state, said.manifests) == ("valid", count)
        if style != "start":
            assert packets(out) == packets(sound(kind))


def test_a_wav_whose_length_nobody_told_is_signed_with_its_length(tmp_path: Path, work: Path, signing: Sealing) -> None:
    given = sound("wav", seekable=False)
    assert struct.unpack_from("<I", given, 4)[0] == 0xFFFFFFFF
    found = whole(Soundtrack(NUMBER, how(work, signing), most=MOST), given)
    said = manifest(tmp_path, found)
    assert said is not None
    assert (said.state, found.c2pa) == ("valid", "signed")
    assert struct.unpack_from("<I", found.data, 4)[0] == len(found.data) - 8
    assert closed(sound("wav")) == sound("wav")


@pytest.mark.parametrize("kind", ["flac", "opus"])
def test_a_sound_that_no_key_signs_passes_as_ever(kind: str, work: Path, signing: Sealing) -> None:
    track = Soundtrack(NUMBER, how(work, signing, sound="interface"), most=MOST)
    _, early = passed(track, sound(kind))
    assert early > 0
    assert track.done is not None
    assert track.done.entry("body")["c2pa"] == "none"


@pytest.mark.parametrize("piece", [97, 4096, MOST])
@pytest.mark.parametrize("style", ["start", "interface", "released"])
@pytest.mark.parametrize("kind", ["wav", "mp3"])
def test_a_streamed_sound_with_a_manifest_is_never_passed_with_it_broken(
    *, kind: str, style: str, piece: int, tmp_path: Path, work: Path, theirs: c2pa.Credential
) -> None:
    given = upstreams(tmp_path, sound(kind), kind, theirs)
    if kind == "wav":  # the manifest before the samples
        at = given.index(b"C2PA")
        end = at + 8 + (struct.unpack_from("<I", given, at + 4)[0] + 1) // 2 * 2
        given = given[:12] + given[at:end] + given[12:at] + given[end:]
    track = Soundtrack(NUMBER, way(work, sound=style), most=MOST)
    with pytest.raises(WithheldError, match="c2pa_manifest"):
        passed(track, given, piece)
    assert track.left == b""
    track = Soundtrack(NUMBER, how(work, BREAKING, sound=style), most=MOST)
    passed(track, given, piece)
    assert track.done is not None
    assert track.done.c2pa == "broken"


def test_a_manifest_is_told_in_the_samples_of_these_tests(tmp_path: Path, theirs: c2pa.Credential) -> None:
    for kind in ("wav", "mp3"):
        path = tmp_path / f"x.{kind}"
        path.write_bytes(upstreams(tmp_path, sound(kind), kind, theirs))
        with path.open("rb") as file:
            assert manifests.present(file, kind)
