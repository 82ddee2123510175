"""Labels as many writers leave them, in every container: what is said of each file, and what writing over it does.

A private field is no label, a file that can not be parsed is never without one, and a label in an odd place is
read there and said to be there. A new label takes its place, or is refused; never are there two.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from hegui.kit.errors import HeguiError
from hegui.service.labels import files
from hegui.service.labels.commands import label
from hegui.service.labels.files import NotVerifiedError, Verdict
from hegui.service.labels.schema import Label
from tests.unit.labels import media, wild_pictures, wild_sounds, wild_texts
from tests.unit.labels.test_files import CODE, LABEL, OTHER, png, text_chunk
from tests.unit.labels.test_images_mutated import LABELLED, mutated
from tests.unit.labels.test_media_fuzz import labelled
from tests.unit.labels.wild import Case

CASES = (*wild_pictures.CASES, *wild_sounds.CASES, *wild_texts.CASES)


def title(item: Case) -> str:
    return f"{item.name.rpartition('.')[2]} {item.what}"


@pytest.mark.parametrize("item", CASES, ids=title)
def test_what_is_said_of_a_file_is_what_a_careful_person_says(item: Case) -> None:
    found = files.inspect_bytes(item.data, item.name)
    assert (found.verdict, frozenset(found.deviations)) == (item.verdict, item.deviations)
    assert (found.problem is not None) is (item.verdict is Verdict.UNREADABLE)


@pytest.mark.parametrize("item", CASES, ids=title)
def test_a_new_label_takes_the_place_of_an_old_one_or_is_refused(tmp_path: Path, item: Case) -> None:
    path, target = tmp_path / item.name, tmp_path / f"out-{item.name}"
    path.write_bytes(item.data)
    try:
        found = files.write(path, target, LABEL)
    except NotVerifiedError:
        pytest.fail("what can not be written is refused before it is written")
    except HeguiError:
        assert not target.exists()
        return
    assert (found.verdict, found.label, found.deviations) == (Verdict.PRESENT, LABEL, ())
    assert len(files.inspect(target).readings) == 1
    passed = files.propagate(target, target, OTHER, "passed-on").label
    assert passed == LABEL.propagated(OTHER, "passed-on")
    if item.verdict is not Verdict.ABSENT and found.container != "pdf":  # examples stay, and revisions of a PDF
        assert target.read_bytes().count(CODE.encode()) <= 1, "nothing is left of the old one"


def test_every_kind_of_file_is_among_them() -> None:
    kinds = {files.inspect_bytes(item.data, item.name).container for item in CASES if item.verdict is Verdict.PRESENT}
    assert kinds == {
        "png", "jpeg", "webp", "gif", "tiff", "heif", "xmp", "mp4", "matroska", "flv", "avi", "wav", "mp3", "flac", "ogg", "ooxml", "pdf",
        "markdown", "html", "json", "jsonl", "text",
    }  # fmt: skip


def told(*arguments: str | Path) -> tuple[int, str, str]:
    done = CliRunner().invoke(label, list(map(str, arguments)))
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.stdout, done.stderr


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("all")
    for number, item in enumerate(CASES):
        (path / f"{number:03}.{item.name.rpartition('.')[2]}").write_bytes(item.data)
    return path


@pytest.mark.parametrize("command", ["read", "verify", "inspect"])
def test_a_folder_of_all_of_them_is_gone_through_to_its_end(folder: Path, command: str) -> None:
    code, out, _ = told(command, folder, "--json")
    rows = [json.loads(line) for line in out.splitlines()]
    assert code == 2, "some could not be read"
    assert [row["verdict"] for row in rows] == [item.verdict.value for item in CASES]
    some = [folder / f"{number:03}.{item.name.rpartition('.')[2]}" for number, item in enumerate(CASES)]
    good = [
        path for path, item in zip(some, CASES, strict=True) if item.verdict is Verdict.PRESENT and not item.deviations
    ]
    assert told(command, *good)[0] == 0


def test_a_folder_is_summed_up(folder: Path) -> None:
    good = sum(item.verdict is Verdict.PRESENT and not item.deviations for item in CASES)
    lost = sum(item.verdict is Verdict.UNREADABLE for item in CASES)
    code, out, said = told("verify", folder)
    assert (code, out.count("\n  合规："), out.count("\n  无法判定：")) == (2, good, lost)
    summary = f"共 {len(CASES)} 个文件：合规 {good}，不合规 {len(CASES) - good - lost}，无法判定 {lost}"
    assert said.splitlines()[-1].startswith(summary)
    assert told("verify", folder / "*.flv")[0] == 1


def test_one_file_that_can_not_be_opened_does_not_end_the_run(tmp_path: Path) -> None:
    first, last = tmp_path / "a.md", tmp_path / "c.md"
    for path in (first, last):
        path.write_text(f"---\n{wild_texts.YAML}---\n", "utf-8")
    code, out, said = told("verify", first, tmp_path / "b.md", last)
    assert (code, out.count("  合规："), out.count("无法判定：无法读取")) == (2, 2, 1)
    assert "无法判定 1" in said
    assert told("verify", tmp_path / "b.md")[0] == 2


def test_what_a_file_says_does_not_reach_the_terminal_as_it_is(tmp_path: Path) -> None:
    odd = Label.first("\x1b]0;owned\x07\x1b[2J", "a").as_json()
    path = tmp_path / "a.png"
    path.write_bytes(png(text_chunk(b"AIGC\x1b[31m", odd)))
    for command in ("read", "verify", "inspect"):
        _, out, _ = told(command, path)
        assert "\\x1b]0;owned" in out
        assert not set(out) & set(map(chr, (*range(10), *range(11, 32), 127)))


@pytest.mark.parametrize(
    ("item", "words"),
    [
        (
            "three fields",
            (
                "缺少字段",
                "ReservedCode1, ContentPropagator, PropagateID, ReservedCode2",
                "GB45438-E.b",
                "hegui label write",
            ),
        ),
        (
            "XMP in tEXt, as Pillow writes it",
            ("位置 place: tEXt XML:com.adobe.xmp", "TC260-PG-20259A", "iTXt XML:com.adobe.xmp"),
        ),
        ("22 characters of code", ("27 位", "TC260-PG-20252A", "ContentProducer=" + CODE[:22])),
        ("a dash lost", ("属于生成合成内容", "TC260-PG-20258A", "恢复首尾")),
        ("different in tEXt and XMP", ("互相矛盾", "GB45438-6.1c", "位置 place: tEXt AIGC", "查明各自来源")),
        ("Label 4", ("GB45438-E.b.1", "不要猜补")),
        ("a manifest of C2PA alone", ("GB45438-6.1", "hegui label inspect", "不是生成合成内容的不必写")),
        ("damaged EXIF", ("无法判定", "不能当作没有标识")),
    ],
)
def test_verify_says_where_what_and_which_clause_or_guide_and_what_to_do(
    tmp_path: Path, item: str, words: tuple[str, ...]
) -> None:
    found = next(one for one in CASES if one.what.rpartition(": ")[2] == item)
    path = tmp_path / found.name
    path.write_bytes(found.data)
    code, out, _ = told("verify", path)
    assert code == (2 if found.verdict is Verdict.UNREADABLE else 1)
    for word in words:
        assert word in out


@pytest.mark.parametrize(
    "name", ["mp4", "mov", "m4a", "mkv", "webm", "flv", "avi", "wav", "mp3", "mp3 with 2.3", "flac", "opus"]
)
def test_a_byte_that_flips_before_a_label_never_hides_it(name: str) -> None:
    data, suffix = labelled(name), media.samples()[name][0]
    at = data.index(LABEL.as_json().encode())
    for place in range(max(at - 160, 0), at):
        for bit in (0, 3, 5):
            spoilt = bytearray(data)
            spoilt[place] ^= 1 << bit
            found = files.inspect_bytes(bytes(spoilt), f"a{suffix}")
            assert found.verdict is not Verdict.ABSENT, (place - at, bit)
            assert found.label in {None, LABEL} or found.verdict is not Verdict.PRESENT


@pytest.mark.parametrize("name", ["plain.png", "lossy.webp", "plain.gif", "plain.tif", "big.tif", "plain.avif"])
def test_a_byte_that_flips_before_a_packet_never_hides_it(name: str) -> None:
    data = LABELLED[name]
    at = data.index(b"ContentProducer")
    for place in (*range(min(at, 64)), *range(max(at - 300, 0), at), *range(max(len(data) - 200, 0), len(data))):
        spoilt = bytearray(data)
        spoilt[place] ^= 1 << place % 6
        assert files.inspect_bytes(bytes(spoilt), name).verdict is not Verdict.ABSENT, place - at


@pytest.mark.parametrize("item", CASES[::3], ids=title)
def test_damage_is_told_and_never_fails(item: Case) -> None:
    for seed in range(6):
        found = files.inspect_bytes(mutated(item.data, seed, 1 + seed % 3), item.name)
        assert (found.problem is not None) is (found.verdict is Verdict.UNREADABLE)
