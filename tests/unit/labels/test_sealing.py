"""What becomes of C2PA manifests where files are labelled as they pass: the operator decides, and a wrong key is told at start."""

from __future__ import annotations

from pathlib import Path

import pytest

from hegui.kit.errors import HeguiError, InputError, SettingsError
from hegui.service.labels import c2pa, files
from hegui.service.labels.files import BreaksManifestError
from hegui.service.labels.sealing import Fate, Sealing, named, sealing
from tests.unit.gateway.media.labelling import sound
from tests.unit.labels import authority
from tests.unit.labels.authority import Paths
from tests.unit.labels.pictures import CODE, LABEL, saved


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> Paths:
    return authority.operator(tmp_path_factory.mktemp("authority"))


def operated(paths: Paths, *, breaking: bool = False) -> Sealing:
    return sealing(str(paths.chain), str(paths.key), breaking=breaking)


def picture(folder: Path, paths: Paths | None = None) -> Path:
    path = folder / "a.png"
    path.write_bytes(saved("PNG"))
    if paths is not None:
        files.write(path, path, LABEL)
        c2pa.sign(path, path, c2pa.read_credential(paths.chain, paths.key))
    return path


def fate(given: Sealing, path: Path, *, every: bool = True) -> Fate:
    with path.open("rb") as file:
        return given.fate(file, files.container_name(file, path.name), path.name, every=every)


def test_a_manifest_is_signed_again_or_given_up_and_never_broken_unasked(tmp_path: Path, paths: Paths) -> None:
    path = picture(tmp_path, paths)
    with pytest.raises(BreaksManifestError) as told:
        fate(Sealing(), path)
    assert all(name in named(told.value).zh for name in ("c2pa_chain", "c2pa_key", "c2pa_break", "hegui[c2pa]"))
    assert all(name in named(told.value).en for name in ("c2pa_chain", "c2pa_key", "c2pa_break", "hegui[c2pa]"))
    assert fate(Sealing(breaking=True), path) is Fate.BROKEN
    assert fate(operated(paths), path) is fate(operated(paths, breaking=True), path, every=False) is Fate.SIGNED


def test_without_a_manifest_only_what_the_operator_made_is_signed(tmp_path: Path, paths: Paths) -> None:
    path = picture(tmp_path)
    assert fate(Sealing(), path) is fate(Sealing(breaking=True), path) is Fate.NONE
    assert fate(operated(paths), path) is Fate.SIGNED
    assert fate(operated(paths), path, every=False) is Fate.NONE


def test_what_can_not_be_signed_goes_without_unless_it_has_a_manifest(tmp_path: Path, paths: Paths) -> None:
    path = tmp_path / "a.flac"
    path.write_bytes(sound("flac"))
    assert fate(operated(paths), path) is Fate.NONE
    (tmp_path / "a.mp3").write_bytes(sound("mp3"))
    files.write(tmp_path / "a.mp3", tmp_path / "a.mp3", LABEL)
    c2pa.sign(tmp_path / "a.mp3", tmp_path / "a.mp3", c2pa.read_credential(paths.chain, paths.key))
    tag = (tmp_path / "a.mp3").read_bytes()
    size = 10 + sum(byte << (7 * place) for place, byte in enumerate(reversed(tag[6:10])))
    path.write_bytes(tag[:size] + sound("flac"))  # as other tools do, in an ID3 tag before it
    with pytest.raises(BreaksManifestError):
        fate(operated(paths), path)
    assert fate(operated(paths, breaking=True), path) is Fate.BROKEN


@pytest.mark.parametrize("missing", ["chain", "key"])
def test_chain_and_key_go_together(missing: str, paths: Paths) -> None:
    given = {"chain": str(paths.chain), "key": str(paths.key)} | {missing: ""}
    with pytest.raises(SettingsError, match="go together"):
        sealing(**given, breaking=False)


def test_without_the_extra_the_settings_are_refused(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(c2pa, "find_spec", lambda _: None)
    with pytest.raises(SettingsError) as told:
        operated(paths)
    assert "pip install 'hegui[c2pa]'" in told.value.remedy.en
    assert sealing("", "", breaking=True).breaking, "to break a manifest nothing is needed"


def test_a_key_that_is_another_ones_is_refused(paths: Paths, tmp_path: Path) -> None:
    other = authority.operator(tmp_path)
    with pytest.raises(InputError, match="first certificate"):
        sealing(str(paths.chain), str(other.key), breaking=False)


def test_a_certificate_that_nobody_would_accept_is_told_before_anything_is_served(paths: Paths, tmp_path: Path) -> None:
    operated(paths).try_out(CODE)
    Sealing().try_out(CODE)
    late = authority.operator(tmp_path, days=5)  # its days are over
    with pytest.raises(HeguiError, match="do not sign") as told:
        operated(late).try_out(CODE)
    assert "c2pa_chain" in told.value.title.zh
