"""C2PA beside the label: signed last, told of without the extra, never silently broken, never instead of the label."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives.asymmetric import ec
from PIL import Image

from hegui.kit.errors import InputError, SettingsError
from hegui.service.labels import c2pa, files, manifests
from hegui.service.labels.commands import label
from hegui.service.labels.files import BreaksManifestError, Verdict
from hegui.service.labels.schema import Kind, Label, LabelError
from tests.unit.labels import authority, media, pictures
from tests.unit.labels.authority import Paths
from tests.unit.labels.pictures import CODE, LABEL, OTHER
from tests.unit.labels.test_documents import MADE

PICTURES = {
    name: data for name, data in pictures.every().items() if name not in {"beside.xmp", "plain.xml", "one-based.heic"}
}
MEDIA = {
    f"{name.replace(' ', '-')}{suffix}": data
    for name, (suffix, data) in media.samples().items()
    if suffix in {".mp4", ".mov", ".m4a", ".avi", ".wav", ".mp3"} and name not in {"rf64", "wav as a stream"}
}
SIGNABLE = {**PICTURES, **MEDIA}


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> Paths:
    return authority.operator(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def credential(paths: Paths) -> c2pa.Credential:
    return c2pa.read_credential(paths.chain, paths.key)


def labelled(folder: Path, name: str, mark: Label = LABEL) -> Path:
    path = folder / name
    path.write_bytes(SIGNABLE[name])
    files.write(path, path, mark)
    return path


def signed(folder: Path, name: str, credential: c2pa.Credential) -> Path:
    path = labelled(folder, name)
    c2pa.sign(path, path, credential)
    return path


def run(*given: object) -> Result:
    return CliRunner().invoke(label, [str(item) for item in given])


def same_content(name: str, before: bytes, after: bytes) -> bool:
    if name in PICTURES and not name.endswith(".heic") and name != "big-motorola.tif":  # Pillow reads neither
        with Image.open(io.BytesIO(before)) as old, Image.open(io.BytesIO(after)) as new:
            return old.tobytes() == new.tobytes()
    return name not in MEDIA or media.packets(before) == media.packets(after)


@pytest.mark.parametrize("name", sorted(SIGNABLE))
def test_a_labelled_file_is_signed_and_keeps_its_label_and_its_content(
    tmp_path: Path, name: str, paths: Paths, credential: c2pa.Credential
) -> None:
    path = labelled(tmp_path, name)
    before = path.read_bytes()
    with path.open("rb") as file:
        assert not manifests.present(file, files.container_name(file, name))
    assert c2pa.read(path) is None
    found = c2pa.sign(path, tmp_path / f"signed-{name}", credential)
    after = (tmp_path / f"signed-{name}").read_bytes()
    assert (found.state, found.sources, found.manifests) == ("valid", (c2pa.SOURCES[False],), 1)
    again = c2pa.read(tmp_path / f"signed-{name}", c2pa.read_anchors(paths.root))
    assert again is not None
    assert (again.state, again.issuer) == ("trusted", "样例运营者 · signer")
    inspected = files.inspect(tmp_path / f"signed-{name}")
    assert (inspected.verdict, inspected.label, inspected.deviations) == (Verdict.PRESENT, LABEL, ())
    assert same_content(name, before, after)
    assert len(after) - len(before) < 8000, "no thumbnail"
    assert path.read_bytes() == before


@pytest.mark.parametrize("name", ["plain.png", "plain.jpg", "lossy.webp", "plain.gif", "plain.tif", "plain.avif", "mp4.mp4", "wav.wav", "mp3.mp3", "avi.avi"])  # fmt: skip
def test_propagation_refuses_to_break_a_manifest_and_signs_again_with_a_key(
    tmp_path: Path, name: str, credential: c2pa.Credential
) -> None:
    path = signed(tmp_path, name, credential)
    before = path.read_bytes()
    with pytest.raises(BreaksManifestError, match="C2PA"):
        files.propagate(path, path, OTHER, "p-1")
    assert path.read_bytes() == before
    broken = tmp_path / f"broken-{name}"
    told: list[Path] = []
    files.propagate(path, broken, OTHER, "p-1", seal=files.Seal(breaking=True, told=told.append))
    assert told == [path]
    state = c2pa.read(broken)
    assert state is not None
    assert (state.state, [item for item in state.problems if "mismatch" in item] != []) == ("invalid", True)
    whole = tmp_path / f"whole-{name}"
    done = files.propagate(path, whole, OTHER, "p-1", seal=files.Seal(c2pa.sealer(credential)))
    assert done.label == files.inspect(whole).label == LABEL.propagated(OTHER, "p-1")
    state = c2pa.read(whole)
    assert state is not None
    assert (state.state, state.manifests) == ("valid", 2), "the producer's manifest is an ingredient"
    assert sorted(item.name for item in tmp_path.iterdir()) == sorted((name, broken.name, whole.name))


def test_the_first_label_of_a_file_that_another_signed_is_no_different(
    tmp_path: Path, credential: c2pa.Credential
) -> None:
    path = signed(tmp_path, "plain.png", credential)
    with pytest.raises(BreaksManifestError):
        files.write(path, path, Label.first(CODE, "another"))
    files.write(path, path, Label.first(CODE, "another"), seal=files.Seal(c2pa.sealer(credential)))
    found = c2pa.read(path)
    assert found is not None
    assert (found.state, found.manifests) == ("valid", 2)


def test_a_mark_keeps_to_the_same_rule(tmp_path: Path, paths: Paths) -> None:
    path = tmp_path / "a.png"
    Image.new("RGB", (240, 160), "navy").save(path)
    assert run("write", path, "-o", path, "--producer", CODE, "--c2pa-chain", paths.chain, "--c2pa-key", paths.key).exit_code == 0  # fmt: skip
    refused = run("mark", path, "-o", tmp_path / "b.png")
    assert (refused.exit_code, "C2PA" in refused.output) == (2, True)
    done = run("mark", path, "-o", tmp_path / "b.png", "--c2pa-chain", paths.chain, "--c2pa-key", paths.key)
    assert done.exit_code == 0, done.output
    found = c2pa.read(tmp_path / "b.png")
    assert found is not None
    assert (found.state, found.manifests) == ("valid", 2)
    assert files.inspect(tmp_path / "b.png").label == files.inspect(path).label
    broken = run("mark", path, "-o", tmp_path / "c.png", "--break-c2pa")
    assert (broken.exit_code, "不再成立" in broken.output) == (0, True)


def test_without_the_extra_a_manifest_is_told_and_nothing_is_broken(
    tmp_path: Path, credential: c2pa.Credential, paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = signed(tmp_path, "plain.jpg", credential)
    monkeypatch.setattr(c2pa, "available", lambda: False)
    for command in ("read", "verify", "inspect"):
        told = run(command, path)
        assert told.exit_code == 0
        assert "有 C2PA 清单，未核验：安装 hegui[c2pa]" in told.output
        assert "not verified: install hegui[c2pa]" in told.output
        assert "不代替 GB 45438-2025 的标识" in told.output
        assert json.loads(run(command, path, "--json").stdout)["c2pa"]["state"] == "unverified"
    with pytest.raises(SettingsError, match="C2PA"):
        c2pa.sign(path, path, credential)
    options = ("--propagator", OTHER, "--id", "1")
    assert run("propagate", path, "-o", path, *options).exit_code == 2
    keyed = run("propagate", path, "-o", path, *options, "--c2pa-chain", paths.chain, "--c2pa-key", paths.key)
    assert (keyed.exit_code, "hegui[c2pa]" in keyed.output) == (2, True)
    broken = run("propagate", path, "-o", path, *options, "--break-c2pa")
    assert (broken.exit_code, "不再成立" in broken.output) == (0, True)


def test_the_label_comes_first(tmp_path: Path, credential: c2pa.Credential) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(SIGNABLE["plain.png"])
    with pytest.raises(LabelError) as caught:
        c2pa.sign(path, tmp_path / "b.png", credential)
    assert caught.value.cite == "GB45438-6.1"
    assert [item.name for item in tmp_path.iterdir()] == ["a.png"]


@pytest.mark.parametrize(
    ("kind", "edited", "sources"),
    [
        (Kind.IS, False, (c2pa.SOURCES[False],)),
        (Kind.IS, True, (c2pa.SOURCES[True],)),
        (Kind.POSSIBLY, False, ()),
        (Kind.SUSPECTED, False, ()),
    ],
)
def test_what_a_label_says_is_what_iptc_says_and_no_more(
    tmp_path: Path, credential: c2pa.Credential, kind: Kind, edited: bool, sources: tuple[str, ...]
) -> None:
    path = labelled(tmp_path, "plain.png", Label.first(CODE, "n", kind=kind))
    found = c2pa.sign(path, path, credential, edited=edited)
    assert (found.state, found.sources) == ("valid", sources)


def test_pixels_that_were_changed_break_the_manifest_and_verify_says_so_beside_the_label(
    tmp_path: Path, credential: c2pa.Credential
) -> None:
    path = signed(tmp_path, "plain.jpg", credential)
    data = bytearray(path.read_bytes())
    data[-20] ^= 1
    path.write_bytes(data)
    told = run("verify", path)
    assert "合规" in told.output
    assert "清单不成立（assertion.dataHash.mismatch" in told.output
    assert run("c2pa", "read", path).exit_code == 1
    assert json.loads(run("verify", path, "--json").stdout)["c2pa"]["problems"] == ["assertion.dataHash.mismatch"]


def test_a_manifest_is_no_label(tmp_path: Path, credential: c2pa.Credential) -> None:
    path = signed(tmp_path, "plain.png", credential)
    data = path.read_bytes()
    at = data.index(b"iTXt") - 4  # what an editor that knows no labels leaves of a file
    bare = data[:at] + data[at + 12 + int.from_bytes(data[at : at + 4], "big") :]
    path.write_bytes(bare)
    told = run("verify", path)
    assert told.exit_code == 1
    assert "不合规：无标识" in told.output
    assert "does not take the place of the label" in told.output


def test_a_signed_picture_in_a_document_is_not_the_documents_manifest(
    tmp_path: Path, credential: c2pa.Credential
) -> None:
    picture = signed(tmp_path, "plain.png", credential).read_bytes()
    path = tmp_path / "a.docx"
    with zipfile.ZipFile(io.BytesIO(MADE["a.docx"])) as old, zipfile.ZipFile(path, "w") as new:
        for item in old.infolist():
            new.writestr(item.filename, old.read(item.filename))
        new.writestr("word/media/signed.png", picture)
    assert c2pa.read(path) is None
    photo = signed(tmp_path, "plain.jpg", credential).read_bytes()
    page = MADE["a.pdf"].replace(b"%%EOF", b"%" + photo.replace(b"\n", b" ").replace(b"\r", b" ") + b"\n%%EOF")
    (tmp_path / "a.pdf").write_bytes(page)
    assert c2pa.read(tmp_path / "a.pdf") is None
    gif = SIGNABLE["plain.gif"]
    (tmp_path / "a.gif").write_bytes(gif + picture)
    assert c2pa.read(tmp_path / "a.gif") is None


def test_other_keys_and_what_is_no_key(tmp_path: Path) -> None:
    for curve in (ec.SECP384R1(), ec.SECP521R1()):
        (tmp_path / curve.name).mkdir()
        own = authority.operator(tmp_path / curve.name, curve=curve)
        path = labelled(tmp_path, "plain.png")
        assert c2pa.sign(path, path, c2pa.read_credential(own.chain, own.key)).state == "valid"
        path.unlink()
    good = authority.operator(tmp_path)
    key = ec.generate_private_key(ec.SECP256R1())
    (tmp_path / "other.pem").write_bytes(authority.pem(key))
    (tmp_path / "secret.pem").write_bytes(authority.pem(key, b"word"))
    (tmp_path / "self.pem").write_bytes(authority.certificate("self", key, "self", key))
    for chain, own_key in (
        (good.chain, tmp_path / "other.pem"), (good.chain, tmp_path / "secret.pem"), (good.key, good.key),
        (tmp_path / "self.pem", tmp_path / "other.pem"), (tmp_path / "none.pem", good.key),
    ):  # fmt: skip
        with pytest.raises(InputError) as caught:
            c2pa.read_credential(chain, own_key)
        assert caught.value.remedy.zh


def test_a_certificate_out_of_date_signs_nothing(tmp_path: Path) -> None:
    old = authority.operator(tmp_path, days=5)
    path = labelled(tmp_path, "plain.png")
    before = path.read_bytes()
    with pytest.raises(InputError) as caught:
        c2pa.sign(path, path, c2pa.read_credential(old.chain, old.key))
    assert "C2PA" in caught.value.title.zh or "签名后核验不通过" in caught.value.title.zh
    assert path.read_bytes() == before


def test_formats_without_a_place_are_named(tmp_path: Path, paths: Paths) -> None:
    path = tmp_path / "a.md"
    path.write_text("# 题\n", "utf-8")
    options = ("--producer", CODE, "--c2pa-chain", paths.chain, "--c2pa-key", paths.key)
    told = run("write", path, "-o", path, *options)
    assert (told.exit_code, "不能给 markdown 签 C2PA" in told.output) == (2, True)
    text = tmp_path / "a.txt"
    text.write_text("文", "utf-8")
    told = run("write", text, "-o", text, *options)
    assert (told.exit_code, "不能给 text 签 C2PA" in told.output) == (2, True)
    page = tmp_path / "a.pdf"
    page.write_bytes(MADE["a.pdf"])
    told = run("write", page, "-o", page, *options)
    assert (told.exit_code, "不能给 pdf 签 C2PA" in told.output) == (2, True)
    assert page.read_bytes() == MADE["a.pdf"]
    assert sorted(item.name for item in tmp_path.iterdir()) == ["a.md", "a.pdf", "a.txt"]
    told = run("write", path, "-o", path, "--producer", CODE, "--c2pa-chain", paths.chain)
    assert (told.exit_code, "一起给出" in told.output) == (2, True)


@pytest.mark.parametrize("name", sorted(SIGNABLE))
def test_damaged_files_are_with_or_without_a_manifest_and_never_a_crash(
    tmp_path: Path, name: str, credential: c2pa.Credential
) -> None:
    data = signed(tmp_path, name, credential).read_bytes()
    path = tmp_path / f"cut-{name}"
    for cut in (0, 10, 40, 200, len(data) // 2, len(data) - 3):
        path.write_bytes(data[:cut])
        found = c2pa.read(path)
        assert found is None or found.state in {"invalid", "unreadable"} or found.problems == ()
