"""The pack: what it says is what its files are, every clause is answered or said not to be, and it comes out the same again."""

from __future__ import annotations

import json
import shutil
import zipfile
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from PIL import Image

from hegui.kit import clock
from hegui.law.register import register
from hegui.service.labels import files, sidecar
from hegui.service.labels.commands import label
from hegui.service.labels.files import Verdict
from hegui.service.labels.pack import samples
from hegui.service.labels.pack.build import SAMPLE_CODE, Options, build
from hegui.service.labels.schema import Kind
from tests.unit.labels.pictures import CODE

DATED = {"description.md", "description.html", "index.json", "digests.txt"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pack") / "pack"
    build(folder, Options(producer=CODE, provider="某某科技有限公司"))
    return folder


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave film and sound out, as they are without the extra."""
    monkeypatch.setattr(samples, "media", lambda: False)


def index_of(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "index.json").read_text("utf-8"))
    return found


def run(*given: object) -> Result:
    return CliRunner().invoke(label, ["pack", *(str(item) for item in given)])


def test_every_sample_is_marked_labelled_and_verified_as_the_index_says(made: Path) -> None:
    index = index_of(made)
    assert (index["producer"], index["producer_is_sample"], index["complies"]) == (CODE, False, True)
    kinds = {item["kind"] for item in index["samples"]}
    assert kinds == {"image", "audio", "video", "document"}
    assert {Path(item["file"]).name for item in index["samples"]} == {
        path.name for path in (made / "samples").iterdir() if not path.name.endswith(sidecar.SUFFIX)
    }
    for item in index["samples"]:
        path = made / item["file"]
        found = sidecar.read(path) if item["beside"] else files.inspect(path)
        assert found is not None
        assert (found.verdict, found.deviations, found.container) == (Verdict.PRESENT, (), item["container"]), path.name
        assert found.label is not None
        assert (found.label.label, found.label.content_producer) == (Kind.IS, CODE)
        assert found.readings[0].place == item["place"]
        assert item["verified"][0].startswith("合规")
        assert json.loads((made / item["metadata"][0]).read_text("utf-8"))["fields"] == found.label.as_dict()
        if item["kind"] in {"image", "video"}:
            assert item["explicit"]["text_height_ratio"] >= float(register().number("GB45438-5.2", "text_height_ratio").value)  # fmt: skip


def test_every_file_has_its_digest_and_every_part_that_is_named_is_there(made: Path) -> None:
    listed = [line.partition("  ") for line in (made / "digests.txt").read_text("utf-8").splitlines()]
    lines = {name: digest for digest, _, name in listed}
    there = {str(path.relative_to(made)) for path in made.rglob("*") if path.is_file()} - {"digests.txt"}
    assert lines.keys() == there
    assert all(sha256((made / name).read_bytes()).hexdigest() == digest for name, digest in lines.items())
    index = index_of(made)
    named = {part for item in index["clauses"] for part in item["parts"]}
    named |= {part for item in index["samples"] for part in item["metadata"]}
    named |= {item["file"] for item in index["pictures"]}
    assert named <= there
    assert all(register().has(item["clause"]) for item in index["clauses"])
    assert all(item["parts"] or item["note"] for item in index["clauses"])
    assert {"GB45438-5.2", "GB45438-5.4", "GB45438-6.1", "LAB-7", "LAB-8", "LAB-12"} <= {
        item["clause"] for item in index["clauses"] if item["parts"]
    }


def test_what_other_programs_read_is_in_it(made: Path) -> None:
    if shutil.which("exiftool") is None or shutil.which("ffprobe") is None:
        pytest.skip("needs exiftool and ffprobe")
    assert CODE in (made / "metadata/image.png.exiftool.json").read_text("utf-8")
    assert CODE in (made / "metadata/video.mp4.ffprobe.json").read_text("utf-8")
    assert "exiftool" in (made / "description.md").read_text("utf-8")


def test_the_pages_say_it_in_chinese_first_and_nothing_is_fetched(made: Path) -> None:
    page = (made / "description.html").read_text("utf-8")
    assert page.index("显式标识") < page.index("Explicit labels")
    assert "某某科技有限公司" in page
    assert "样例编码" not in page
    assert "未证实" in page or "未经证实" in page, "what is unconfirmed is said to be"
    assert "http" not in page.replace("http-equiv", "")
    agreement = (made / "agreement.md").read_text("utf-8")
    assert "某某科技有限公司依法对人工智能生成合成内容添加标识" in agreement
    assert "不得恶意删除、篡改、伪造、隐匿标识" in agreement
    with Image.open(made / "interface/example.png") as shown:
        assert shown.width > 200


def test_the_same_again_but_for_its_date(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "today", lambda: date(2030, 1, 2))
    build(tmp_path / "again.zip", Options(producer=CODE, provider="某某科技有限公司"))
    with zipfile.ZipFile(tmp_path / "again.zip") as archive:
        assert archive.testzip() is None
        assert {item.date_time for item in archive.infolist()} == {(2025, 9, 1, 0, 0, 0)}
        again = {name: archive.read(name) for name in archive.namelist()}
    before = {str(path.relative_to(made)): path.read_bytes() for path in made.rglob("*") if path.is_file()}
    assert {name for name in before.keys() | again.keys() if before.get(name) != again.get(name)} == DATED
    assert b"2030-01-02" in again["index.json"]


@pytest.mark.usefixtures("quick")
def test_what_is_missing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    done = run("-o", tmp_path / "pack", "--text-position", "interface")
    assert done.exit_code == 0, done.output
    assert "编码是样例，不得用于申报" in done.output
    assert "样例 image.png" in done.stderr, "progress"
    index = index_of(tmp_path / "pack")
    assert (index["producer"], index["producer_is_sample"], index["media"]) == (SAMPLE_CODE, True, False)
    assert index["tools"] == {"exiftool": "", "ffprobe": ""}
    sound = next(item for item in index["clauses"] if item["clause"] == "GB45438-5.3.1")
    assert sound["parts"] == []
    assert "hegui[media]" in sound["note"]["zh"]
    page = (tmp_path / "pack/description.md").read_text("utf-8")
    assert "未给出提供者编码" in page
    assert "本机没有 exiftool、ffprobe" in page
    assert "交互界面持续提示" in page
    assert "```" not in page, "no text answer is shown with a label that it does not have"
    assert files.inspect(tmp_path / "pack/samples/image.png").label is not None


@pytest.mark.usefixtures("quick")
def test_settings_are_those_of_the_operator(tmp_path: Path) -> None:
    key, shot = tmp_path / "key.json", tmp_path / "shot.png"
    assert CliRunner().invoke(label, ["key", "-o", str(key)]).exit_code == 0
    Image.new("RGB", (40, 30), "white").save(shot)
    done = run("-o", tmp_path / "pack", "--producer", CODE, "--wording", "本图片由人工智能生成", "--corner", "top-left",
               "--text-position", "start", "--text-wording", "（AI生成）", "--sign-key", key, "--screenshot", shot)  # fmt: skip
    assert done.exit_code == 0, done.output
    index = index_of(tmp_path / "pack")
    assert index["signed"]
    assert index["screenshots"] == ["screenshots/01.png"]
    assert index["texts"] == [{"service": "", "position": "start", "wording": "（AI生成）"}]
    page = (tmp_path / "pack/description.md").read_text("utf-8")
    assert "（AI生成）\n\n茶" in page
    assert "左上角" in page
    assert "只有组件截图" not in page
    assert "签名有效" in "".join(index["samples"][0]["verified"])


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--producer", "123"), "27"), (("--wording", "AI"), "缺少"), (("--text-wording", "AI创作"), "缺少"),
        (("--screenshot", "none.png"), "none.png"), (("--screenshot", __file__), "不是图片"), (("--sign-key", __file__), "不是签名密钥"),
    ],
)  # fmt: skip
def test_wrong_input_is_told_and_leaves_nothing_behind(tmp_path: Path, flags: tuple[str, ...], said: str) -> None:
    done = run("-o", tmp_path / "pack", *flags)
    assert (done.exit_code, said in done.output) == (2, True), done.output
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("mine")
    for out in (tmp_path, tmp_path / "a.txt", tmp_path / "none/pack"):
        done = run("-o", out)
        assert (done.exit_code, "错误" in done.output) == (2, True), done.output
    assert (tmp_path / "a.txt").read_text() == "mine"
