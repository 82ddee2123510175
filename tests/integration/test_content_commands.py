"""`hegui content …` as it is typed: JSON for machines, words for people, exit codes, and nothing skipped in silence."""

from __future__ import annotations

import json
import os
import subprocess
from datetime import timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from click.testing import CliRunner

from hegui.cli import main
from hegui.general.content import load_library, load_policy
from hegui.general.content.texts import LONGEST
from hegui.kit import clock
from hegui.law import register, risks
from hegui.law.register import law_version
from tests.harness import BIN, MARKER, Server, environment, hegui

CLAUSE = "GBT45654-B.1.1"
SUBSET = risks().in_subset("keyword_and_refusal")
MOBILE = "13812345678"
VERSIONS = {
    "policy": load_policy(None).version, "library": load_library(None).version, "law": law_version(), "model": "", "guard": "",
}  # fmt: skip


def piped(data: bytes | str, *arguments: str | Path) -> subprocess.CompletedProcess[bytes]:
    """Run a command with a text on its standard input."""
    given = data if isinstance(data, bytes) else data.encode()
    return subprocess.run(
        [BIN / "hegui", "content", *map(str, arguments)], input=given, capture_output=True, timeout=120, env=environment()
    )  # fmt: skip


def asked(*arguments: str | Path, stdin: bytes | str = b"") -> tuple[int, str, str]:
    """Run a command in this process, which is quick."""
    done = CliRunner().invoke(main, ["content", *map(str, arguments)], input=stdin)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.stdout, done.stderr


def write(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def least(risk: str) -> int:
    return register().whole(CLAUSE, {"A.1": "keyword_each_A1", "A.2": "keyword_each_A2"}[risks().area_of(risk)])


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library that meets every number of the standard, and not a word more."""
    words = [
        (f"标记{place:02d}第{number}号", risk) for place, risk in enumerate(SUBSET) for number in range(least(risk))
    ]
    rest = register().whole(CLAUSE, "keyword_total") - len(words)
    words += [(f"标记余第{number}号", SUBSET[0]) for number in range(rest)]
    path = tmp_path_factory.mktemp("full") / "words.csv"
    return write(path, "word,risk\n" + "".join(f"{word},{risk}\n" for word, risk in words))


# --- check -------------------------------------------------------------------------------------------


def test_a_text_is_checked_and_places_are_characters_of_the_text_as_given() -> None:
    text = f"请看\u200b合规\u200b样例词甲子𠀀，电话{MOBILE}。\n"
    done = piped(text, "check", "--json")
    assert done.returncode == 0
    found = json.loads(done.stdout)
    start = text.index("合规")
    assert found == {
        "action": "refuse",
        "hits": [
            {"risk": "A.1.a", "rule": "keyword:2", "start": start, "end": start + 8, "lane": "exact", "action": "refuse"}
        ],
        "personal": [
            {"kind": "mobile", "start": text.index(MOBILE), "end": text.index(MOBILE) + 11, "valid": True}
        ],
        "not_scanned": [],
        "versions": VERSIONS,
    }  # fmt: skip
    assert text[found["hits"][0]["start"] : found["hits"][0]["end"]].replace("\u200b", "") == MARKER
    assert "样例" in done.stderr.decode(), "that the sample protects nobody is said each time"


def test_a_number_that_is_meant_as_an_identifier_and_is_none_is_told_as_not_valid() -> None:
    wrong, text = "110105194912310021", f"电话{MOBILE}，身份证号码：１１0105194912310021。订单110105194912310021"
    found = json.loads(asked("check", "--json", stdin=text)[1])
    start = text.index("１")
    assert (found["action"], found["hits"]) == ("pass", [])
    assert found["personal"] == [
        {"kind": "mobile", "start": 2, "end": 13, "valid": True},
        {"kind": "resident_id", "start": start, "end": start + 18, "valid": False},
    ]
    lines = asked("check", stdin=f"身份证{wrong}")[1].splitlines()
    assert lines[1:3] == [
        "没有命中 / no hits",
        "[3, 21) 居民身份证号 / resident identity number · 校验不符，只作提示 / the check digit does not fit; told only",
    ]
    assert lines[4] == " " * 8 + "^" * 18
    assert "resident_id [3, 21) 校验不符" in asked("check", "--lines", stdin=f"身份证{wrong}")[1]
    every = [f"身份证110101199001010{last}" for last in ("00X", "011")]
    kept = [json.loads(asked("check", "--json", stdin=one)[1])["personal"] for one in every]
    assert all(len(one) == 1 for one in kept), "one number is told once, valid or not"


def test_the_operator_sees_the_words_with_carets_under_them() -> None:
    done = piped(f"前\t{MARKER}\x1b[31m后", "check")
    lines = done.stdout.decode().splitlines()
    assert lines[0] == "动作 action: 拒答 / refuse"
    assert lines[1].startswith("[2, 9) A.1.a 煽动")
    assert "\x1b" not in done.stdout.decode(), "a text does not steer the operator's terminal"
    shown, carets = lines[2], lines[3]
    columns = sum(2 if ord(character) > 0x2E80 else 1 for character in shown[: shown.index(MARKER)])
    assert carets == " " * columns + "^" * 2 * len(MARKER)
    assert asked("check", stdin="番茄")[1].splitlines() == ["动作 action: 放行 / pass", "没有命中 / no hits"]


def test_many_hits_are_counted_and_machines_get_them_all() -> None:
    text = f"{MARKER}，" * 60
    assert asked("check", stdin=text)[1].splitlines()[-1].startswith("……另有 10 处")
    assert asked("check", "--lines", stdin=text)[1].rstrip().endswith("+10")
    assert len(json.loads(asked("check", "--json", stdin=text)[1])["hits"]) == 60


def test_library_policy_and_side_are_those_that_are_given(tmp_path: Path) -> None:
    words = write(tmp_path / "words.csv", "word,risk\n标记甲,A.1.a\n")
    policy = write(tmp_path / "policy.yaml", "input: {risks: {A.1.a: pass}}\noutput: {risks: {A.1.a: mask}}\n")
    given = ("check", "--library", words, "--policy", policy, "--json")
    into, out = (json.loads(asked(*given, "--side", side, stdin="标记甲")[1]) for side in ("input", "output"))
    assert (into["action"], out["action"]) == ("pass", "mask")
    assert into["hits"][0]["action"] == "pass"
    assert into["versions"]["library"] == load_library(words).version
    assert into["versions"]["policy"] == load_policy(policy).version
    assert asked(*given, stdin="")[0] == 0


def test_what_can_not_be_checked_is_an_error_with_its_place() -> None:
    for arguments in (("check",), ("check", "--json"), ("normalise", "--json")):
        code, out, error = asked(*arguments, stdin="好".encode() + b"\xff")
        assert code == 2
        assert "byte 3 (from 0) is not UTF-8" in error
        assert "请：" in error
        if "--json" in arguments:
            assert json.loads(out)["error"] == "byte 3 (from 0) is not UTF-8"
        code, out, error = asked(*arguments, stdin="字" * (LONGEST + 1))
        assert code == 2
        assert "没有检查" in error
        assert '"action"' not in out
    assert asked("check", "--json", stdin="字" * LONGEST)[0] == 0


def test_lines_are_answered_one_by_one_while_the_input_is_still_open() -> None:
    with subprocess.Popen(
        [BIN / "hegui", "content", "check", "--lines", "--json"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment(),
    ) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        for line, action in (("番茄", "pass"), (f"请看{MARKER}", "refuse"), ("", "pass"), (f"{MARKER}\r", "refuse")):
            process.stdin.write(line.encode() + b"\n")
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["action"] == action
        process.stdin.write(MARKER.encode())  # the last line may lack its end
        process.stdin.close()
        assert json.loads(process.stdout.read())["hits"][0]["end"] == len(MARKER)
        assert process.wait(20) == 0


def test_a_broken_line_is_not_scanned_does_not_pass_and_the_run_goes_on() -> None:
    lines = [b"\xe5\xa5", "字".encode() * (LONGEST + 1), MARKER.encode(), "番茄\u2028番茄".encode()]
    done = piped(b"\n".join(lines) + b"\n", "check", "--lines", "--json")
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 2, "that something was not checked shows in the exit code"
    assert [(item["action"], [why["why"] for why in item["not_scanned"]]) for item in found] == [
        ("refuse", ["not_utf8"]), ("refuse", ["too_long"]), ("refuse", []), ("pass", []),
    ]  # fmt: skip
    assert [bool(item["hits"]) for item in found] == [False, False, True, False]
    assert found[0]["not_scanned"][0]["byte"] == 0
    assert b"-:1: " in done.stderr
    assert b"-:2: " in done.stderr
    words = piped(b"\n".join(lines[:1] + lines[2:]), "check", "--lines")
    assert words.stdout.decode().splitlines() == [
        "1  未检查 / not scanned  第 0 字节（从 0 起）不是 UTF-8 / byte 0 (from 0) is not UTF-8",
        f"2  拒答 / refuse  A.1.a [0, 7) {MARKER}",
        "3  放行 / pass",
    ]


def test_a_check_that_fails_on_one_line_is_told_and_the_rest_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    from hegui.general.content.checks import Checker

    real = Checker.check

    def check(self: Checker, text: str, side: Any) -> Any:
        if text == "坏":
            raise RuntimeError(text)
        return real(self, text, side)

    monkeypatch.setattr(Checker, "check", check)
    code, out, error = asked("check", "--lines", "--json", stdin=f"坏\n{MARKER}\n")
    first, second = (json.loads(line) for line in out.splitlines())
    assert code == 2
    assert (first["action"], first["not_scanned"][0]["why"]) == ("refuse", "failed")
    assert second["hits"]
    assert "-:1: " in error


# --- normalise ---------------------------------------------------------------------------------------


def test_normalise_prints_the_text_as_it_is_compared_and_where_each_character_stood() -> None:
    text = "Ａ\u200bb①㍿𠀀 -標標記！"
    done = piped(text, "normalise", "--json")
    found = json.loads(done.stdout)
    assert found == {"text": "ab1株式会社𠀀标记", "map": [0, 2, 3, 4, 4, 4, 4, 5, 8, 10, 12]}
    assert len(found["map"]) == len(found["text"]) + 1
    assert piped(text, "normalise").stdout.decode() == "ab1株式会社𠀀标记\n"
    assert json.loads(piped(text, "normalise", "--json", "--form", "folded").stdout) == {
        "text": "ab1株式会社𠀀 -標標記!",
        "map": [0, 2, 3, 4, 4, 4, 4, 5, 6, 7, 8, 9, 10, 11, 12],
    }
    assert asked("normalise", "--form", "folded", stdin="甲\n乙\n")[1] == "甲\n乙\n"
    assert asked("normalise", stdin="甲\n乙\n")[1] == "甲乙\n"  # a word is found over a line end too
    assert json.loads(asked("normalise", "--json", stdin="")[1]) == {"text": "", "map": [0]}


# --- library check -----------------------------------------------------------------------------------


def test_a_library_that_meets_the_standard_is_said_to_with_exit_code_0(full: Path) -> None:
    found = json.loads(hegui("content", "library", "check", full, "--json").stdout)
    assert found["met"] is True
    assert {item["result"] for item in found["requirements"]} == {"met"}
    assert {item["citation"] for item in found["requirements"]} == {CLAUSE}
    assert found["by_risk"] == {
        risk: sum(row.endswith(f",{risk}") for row in full.read_text().splitlines()) for risk in risks().ids
    }
    assert found["words"] == found["rows"] == register().whole(CLAUSE, "keyword_total")
    assert (found["versions"], found["on"]) == (
        {"library": load_library(full).version, "law": law_version()}, clock.today().isoformat(),
    )  # fmt: skip
    assert (found["benign"], found["never_hit"]) == (None, None)
    assert {found[key]["count"] for key in ("duplicates", "several_risks", "containing", "short")} == {0}


def test_an_old_library_and_a_short_one_are_not_met(full: Path, tmp_path: Path) -> None:
    days = register().whole(CLAUSE, "keyword_refresh_days")
    for back, code in ((days, 0), (days + 1, 1), (-1, 1)):
        day = clock.today() - timedelta(days=back)
        done = asked("library", "check", full, "--as-of", day.isoformat(), "--json")
        assert done[0] == code
    assert json.loads(done[1])["requirements"][-1]["result"] == "undetermined"
    words = tmp_path / "few.csv"
    words.write_text("word,risk\n标记甲,A.1.a\n标记Ａ,A.1.b\n标记a,A.1.b\n标记a,A.2.a\n甲标记甲乙,A.1.a\n记,A.2.b\n")
    done = asked("library", "check", words)
    assert done[0] == 1
    for line in (
        "标记Ａ  [A.1.b]  行 rows 3, 4", "标记Ａ  [A.1.b, A.2.a]  行 rows 3, 4, 5", "甲标记甲乙  [A.1.a]  行 rows 6  ⊃ 标记甲 (2)",
        "记  [A.2.b]  行 rows 7", "19 项未满足或无法判定 / 19 not met or undetermined",
    ):  # fmt: skip
        assert line in done[1]
    assert "A.1.c" in done[1]
    assert f"0 / ≥ {least('A.1.c')}" in done[1]


def test_words_that_hit_texts_that_are_fine_are_named_with_their_rate(tmp_path: Path) -> None:
    words = write(tmp_path / "words.csv", "word,risk\n标记甲,A.1.a\n标记乙,A.1.b\n标记丙,A.1.c\n")
    benign = write(
        tmp_path / "benign.txt", "".join(f"第{n}条\n" for n in range(96)) + "说标记甲吧\n标记甲标记乙\n标记甲\n标记甲\n"
    )
    answer = write(tmp_path / "more.jsonl", '{"text": "标记乙", "side": "output"}\n')
    found = json.loads(
        asked("library", "check", words, "--benign", benign, "--benign", answer, "--top", "1", "--json")[1]
    )["benign"]
    assert {key: found[key] for key in ("texts", "hit", "per_1000", "not_scanned")} == {
        "texts": 101, "hit": 5, "per_1000": 49.505, "not_scanned": 0,
    }  # fmt: skip
    (most,) = found["words"]
    assert (most["word"], most["texts"], most["per_1000"], most["rows"]) == ("标记甲", 4, 39.604, [2])
    assert most["examples"][0] == {
        "file": str(benign), "line": 97, "start": 1, "end": 4, "lane": "exact", "around": "说【标记甲】吧",
    }  # fmt: skip
    text = asked("library", "check", words, "--benign", tmp_path)[1]
    assert "39.604‰ (4)  标记甲" in text
    assert f"{benign}:97 [1, 4) exact 说【标记甲】吧" in text


def test_words_that_never_hit_are_named_from_a_log_from_texts_and_from_a_check(tmp_path: Path) -> None:
    words = write(tmp_path / "words.csv", "word,risk\n标记甲,A.1.a\n标记乙,A.1.b\n标记丙,A.1.c\n")
    texts = write(tmp_path / "texts.txt", "标记甲\n标记乙\n")
    counts = write(tmp_path / "hits.csv", "rule,count\nkeyword:4,2\nkeyword:2,0\nkeyword:77,1\n")

    def never(*arguments: str | Path) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(asked("library", "check", words, *arguments, "--json")[1])["never_hit"]
        return found

    assert [item["word"] for item in never("--texts", texts)["shown"]] == ["标记丙"]
    assert never("--hits", counts) == {
        "count": 2, "shown": [{"word": "标记甲", "risks": ["A.1.a"], "rows": [2]}, {"word": "标记乙", "risks": ["A.1.b"], "rows": [3]}],
        "texts": None, "unknown_rules": 1, "other_versions": 0,
    }  # fmt: skip
    assert never("--hits", counts, "--texts", texts)["count"] == 0
    kept = write(tmp_path / "kept.jsonl", asked("check", "--lines", "--json", "--library", words, stdin="标记乙\n")[1])
    assert [item["word"] for item in never("--hits", kept)["shown"]] == ["标记甲", "标记丙"]
    other = write(tmp_path / "other.csv", words.read_text() + "标记丁,A.1.c\n")
    done = asked("library", "check", other, "--hits", kept, "--json")
    assert (json.loads(done[1])["never_hit"]["count"], json.loads(done[1])["never_hit"]["other_versions"]) == (4, 1)
    assert "1 records of other library versions" in asked("library", "check", other, "--hits", kept)[1]


def test_hits_of_the_running_gateway_are_read_from_its_evidence(server: Server, out: Path) -> None:
    server.client().moderations.create(input=f"请看{MARKER}")
    server.export(out)
    sample = Path(str(files("hegui.general.content"))) / "sample" / "library.csv"
    found = json.loads(asked("library", "check", sample, "--hits", out, "--json")[1])["never_hit"]
    assert (found["unknown_rules"], found["other_versions"]) == (0, 0)
    words = [item["word"] for item in found["shown"]]
    assert MARKER not in words
    assert len(words) < len(load_library(None).words)


# --- library diff and export -------------------------------------------------------------------------


def test_a_difference_of_libraries_has_its_exit_code(tmp_path: Path) -> None:
    old = write(tmp_path / "old.csv", "word,risk\n标记甲,A.1.a\n标记Ａ,A.1.b\n标记乙,A.1.b\n")
    same = write(tmp_path / "same.csv", "关键词,二级分类\n标记a,A.1.b\n标记乙,A.1.b\n标记甲,A.1.a\n")
    new = write(tmp_path / "new.csv", "word,risk\n标记甲,A.2.a\n标记乙,A.1.b\n标记丙,A.1.b\n")
    assert json.loads(hegui("content", "library", "diff", old, same, "--json").stdout)["same"] is True
    done = hegui("content", "library", "diff", old, new, "--json", check=False)
    assert done.returncode == 1
    found = json.loads(done.stdout)
    assert found["added"] == {"count": 1, "shown": [{"word": "标记丙", "risks": ["A.1.b"], "rows": [4]}]}
    assert found["removed"] == {"count": 1, "shown": [{"word": "标记Ａ", "risks": ["A.1.b"], "rows": [3]}]}
    assert found["moved"] == {
        "count": 1,
        "shown": [{"word": "标记甲", "from": ["A.1.a"], "to": ["A.2.a"], "rows": [2]}],
    }
    assert (found["by_risk"]["A.1.a"], found["by_risk"]["A.1.b"]) == (
        {"before": 1, "after": 0},
        {"before": 2, "after": 2},
    )
    assert found["old"] == {"file": str(old), "version": load_library(old).version, "words": 3}
    text = asked("library", "diff", old, new)[1]
    assert "改列风险 / moved to another risk: 1\n  标记甲  A.1.a → A.2.a" in text
    assert "A.1.a  1 → 0" in text


def test_an_export_reads_back_as_the_same_library_and_overwrites_nothing(full: Path, tmp_path: Path) -> None:
    out = tmp_path / "filing.xlsx"
    done = hegui("content", "library", "export", full, "--out", out, "--json")
    version = load_library(full).version
    assert json.loads(done.stdout) == {
        "out": str(out),
        "version": version,
        "rows": len(load_library(full).words),
        "met": True,
    }
    assert load_library(out).version == version
    book = openpyxl.load_workbook(out, read_only=True)
    assert next(book.worksheets[0].iter_rows(values_only=True)) == ("关键词", "一级分类", "二级分类")
    book.close()
    before = out.read_bytes()
    code, _, error = asked("library", "export", full, "--out", out)
    assert (code, "已存在" in error, out.read_bytes() == before) == (2, True, True)
    few = write(tmp_path / "few.csv", "word,risk\n=标记,A.1.a\n")
    assert (
        "not all numbers of the standard are met" in asked("library", "export", few, "--out", tmp_path / "few.xlsx")[1]
    )
    assert [word.text for word in load_library(tmp_path / "few.xlsx").words] == ["=标记"]


# --- replay ------------------------------------------------------------------------------------------


def test_a_replay_tells_the_lines_on_which_two_policies_differ(tmp_path: Path) -> None:
    words = write(tmp_path / "words.csv", "word,risk\n标记甲,A.1.a\n标记乙,A.1.b\n")
    old = write(tmp_path / "old.yaml", "input: {risks: {A.1.b: pass}}\n")
    new = write(tmp_path / "new.yaml", "input: {risks: {A.1.a: pass}}\n")
    lines = write(tmp_path / "texts.txt", "番茄\n标记甲\n\n标记乙\n标记甲标记乙\n")
    both = write(tmp_path / "texts.jsonl", '{"text": "标记甲", "side": "output"}\n{"text": "标记甲"}\n')
    given = ("replay", "--library", words, "--policy", new)
    done = hegui("content", *given, "--against", old, lines, both, "--json", check=False)
    assert done.returncode == 1
    found = json.loads(done.stdout)
    assert (found["texts"], found["differing"]) == (6, 4)
    assert [(Path(item["file"]).name, item["line"], item["before"], item["after"]) for item in found["changed"]] == [
        ("texts.txt", 2, "refuse", "pass"), ("texts.txt", 4, "pass", "refuse"), ("texts.txt", 5, "refuse", "refuse"),
        ("texts.jsonl", 2, "refuse", "pass"),
    ]  # fmt: skip
    assert found["versions"]["before"]["policy"] == load_policy(old).version
    assert found["versions"]["after"]["policy"] == load_policy(new).version
    assert found["not_scanned"] == {"count": 0, "shown": []}
    text = asked(*given, "--against", old, lines)[1]
    assert "4 条文本，3 条不同 / 4 texts, 3 differ" in text
    assert f"{lines}:2  拒答 / refuse → 放行 / pass  [A.1.a]" in text
    assert asked(*given, "--against", new, lines, both)[0] == 0
    assert asked(*given, both)[0] == 1, "without --against the default policy is compared"
    assert asked(*given, "--side", "output", lines)[0] == 0
    assert json.loads(asked(*given, "--top", "1", lines, "--json")[1])["differing"] == 2


_CASES = (
    ("标记甲", "refuse", ""),
    ("标记甲", "flag", "input"),
    ("番茄", "pass", "输出"),
    ("标记乙", "", ""),
    ("标记乙", "拒答", "output"),
)


def _written(path: Path) -> Path:
    """Write the same cases in the form that a name ends in."""
    rows = [("text", "expected", "side"), *_CASES]
    if path.suffix == ".xlsx":
        book = openpyxl.Workbook()
        for row in rows:
            book.worksheets[0].append(row)
        book.save(path)
        return path
    if path.suffix == ".jsonl":
        sides = {"": None, "输出": "output"}
        lines = [
            {"text": text, "expected": wanted or None, "side": sides.get(side, side)} for text, wanted, side in _CASES
        ]
        return write(path, "\n" + "".join(json.dumps(line) + "\n" for line in lines))
    mark = "\t" if path.suffix == ".tsv" else ","
    text = "".join(mark.join(row) + "\r\n" for row in rows)
    return write(path, text.encode("gb18030") if path.name.startswith("old") else text)


@pytest.mark.parametrize("name", ["cases.jsonl", "cases.csv", "old.csv", "cases.tsv", "cases.xlsx"])
def test_a_replay_holds_texts_to_what_is_expected_of_them(tmp_path: Path, name: str) -> None:
    words = write(tmp_path / "words.csv", "word,risk\n标记甲,A.1.a\n标记乙,A.1.b\n")
    strict = write(tmp_path / "strict.yaml", "{}\n")
    flags = write(tmp_path / "flags.yaml", "input: {risks: {A.1.a: flag}}\n")
    cases, given = _written(tmp_path / name), ("replay", "--library", words)
    code, out, _ = asked(*given, "--policy", strict, cases, "--json")
    found = json.loads(out)
    assert (code, found["texts"], found["differing"], found["cases"]["count"], found["cases"]["failed"]) == (
        1,
        5,
        0,
        4,
        1,
    )
    assert found["cases"]["shown"] == [
        {"file": str(cases), "line": 3, "expected": "flag", "action": "refuse", "risks": ["A.1.a"]}
    ]
    code, out, _ = asked(*given, "--policy", flags, cases)
    assert code == 1
    assert (
        f"4 条用例，1 条不合预期 / 4 cases, 1 not as expected\n{cases}:2  预期 expected 拒答 / refuse，实为 but was 送审 / flag"
        in out
    )
    found = json.loads(asked(*given, "--policy", flags, "--against", strict, cases, "--json")[1])
    assert (found["differing"], found["cases"]["failed"]) == (2, 1), "with --against cases are compared besides"


def test_a_replay_whose_cases_all_hold_ends_in_0(tmp_path: Path) -> None:
    flags = write(tmp_path / "flags.yaml", "input: {risks: {A.1.a: flag}}\n")
    cases = write(tmp_path / "cases.csv", f"expected,text\nflag,{MARKER}\npass,番茄\n")
    assert asked("replay", "--policy", flags, cases)[0] == 0, (
        "that the default policy would refuse says nothing of the case"
    )
    assert asked("replay", "--policy", flags, "--against", write(tmp_path / "o.yaml", "{}"), cases)[0] == 1


@pytest.mark.parametrize(
    ("name", "data", "told"),
    [
        ("cases.csv", "words,risk\n标记,A.1.a\n", "text"), ("cases.csv", "", "text"), ("cases.csv", b"text\n\xff\xff\n", "UTF-8"),
        ("cases.csv", 'text,expected\n"标记,pass\n', "CSV"), ("cases.xlsx", b"PK no workbook", "XLSX"), ("cases.tsv", "文\n标记\n", "text"),
        ("cases.csv", "text,expected\n", "没有任何文本"), ("texts.txt", "\n \n", "没有任何文本"), ("cases.jsonl", "", "没有任何文本"),
        ("cases.csv", "text,expected\n标记,block\n", "cases.csv:2: 未知的预期动作 'block'"),
        ("cases.csv", "text,side\n标记,up\n", "cases.csv:2: 未知的方向 'up'"),
        ("cases.jsonl", '{"text": "标记", "expected": ["refuse"]}\n', "cases.jsonl:1: 未知的预期动作"),
        ("cases.tsv", "text\n" + "长" * (LONGEST + 1) + "\n", "cases.tsv:2: 文本超过"),
    ],
)  # fmt: skip
def test_cases_that_can_not_be_read_end_in_2(tmp_path: Path, name: str, data: str | bytes, told: str) -> None:
    code, _, error = asked("replay", "--policy", write(tmp_path / "p.yaml", "{}"), write(tmp_path / name, data))
    assert (code, told in error) == (2, True), error


def test_a_replay_of_texts_that_can_not_be_read_ends_in_2(tmp_path: Path) -> None:
    policy = write(tmp_path / "new.yaml", "input: {risks: {A.1.a: pass}}\n")
    broken = write(tmp_path / "texts.jsonl", f'{{"text": "{MARKER}"}}\nno\n')
    code, out, error = asked("replay", "--policy", policy, broken, "--json")
    found = json.loads(out)
    assert (code, found["texts"], found["differing"], found["not_scanned"]["count"]) == (2, 1, 1, 1)
    assert found["not_scanned"]["shown"][0]["line"] == 2
    assert f"{broken}:2" in error
    read = piped(f"{MARKER}\n", "replay", "--policy", policy, "-", "--json")
    assert (read.returncode, json.loads(read.stdout)["changed"][0]["file"]) == (1, "-")


def test_long_work_says_how_far_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from hegui.kit import commands

    monkeypatch.setattr(commands, "_EVERY", 0.0)
    words = write(tmp_path / "words.csv", "word,risk\n标记甲,A.1.a\n标记乙,A.1.b\n")
    texts = write(tmp_path / "texts.txt", "番茄\n" * 3)
    error = asked("library", "check", words, "--benign", texts)[2]
    assert error.splitlines() == [f"{n} 个词 / words" for n in (1, 2)] + [f"{n} 条文本 / texts" for n in (1, 2, 3)]


def test_files_whose_names_are_no_utf_8_are_read_and_named(tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"\xff")
    folder.mkdir()
    words = write(folder / "words.csv", "word,risk\n标记甲,A.1.a\n")
    texts = write(folder / "texts.txt", "标记甲\n")
    done = hegui("content", "library", "check", words, "--benign", texts, "--json", check=False)
    assert done.returncode == 1, done.stderr
    assert json.loads(done.stdout)["benign"]["words"][0]["examples"][0]["file"].endswith("?/texts.txt")


# --- what is wrong -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["check", "--library", "gone.csv"], "gone.csv"), (["check", "--policy", "gone.yaml"], "gone.yaml"),
        (["check", "--library", "damaged.csv"], "UTF-8"), (["check", "--policy", "words.csv"], "策略"),
        (["check", "--side", "both"], "both"), (["check", "--nothing"], "--nothing"),
        (["library", "check", "gone.csv"], "gone.csv"), (["library", "check", "wrong.csv"], "wrong.csv:2"),
        (["library", "check", "words.csv", "--benign", "gone.txt"], "gone.txt"),
        (["library", "check", "words.csv", "--texts", "empty"], "empty"),
        (["library", "check", "words.csv", "--hits", "words.csv"], "rule,count"),
        (["library", "check", "words.csv", "--as-of", "yesterday"], "2026-09-25"),
        (["library", "check", "words.csv", "--on", "2020-01-01"], CLAUSE),
        (["library", "check", "words.csv", "--benign", "damaged.csv"], "damaged.csv:2"),
        (["library", "diff", "words.csv", "gone.csv"], "gone.csv"), (["library", "diff", "words.csv"], "NEW"),
        (["library", "export", "words.csv", "--out", "words.txt"], ".xlsx"), (["library", "export", "words.csv"], "--out"),
        (["library", "export", "words.csv", "--out", "gone/words.xlsx"], "gone"),
        (["library", "export", "control.csv", "--out", "new.xlsx"], "rows 2"),
        (["replay", "--policy", "policy.yaml"], "TEXTS"), (["replay", "texts.txt"], "--policy"),
        (["replay", "--policy", "policy.yaml", "gone.txt"], "gone.txt"),
        (["replay", "--policy", "policy.yaml", "--against", "gone.yaml", "texts.txt"], "gone.yaml"),
        (["replay", "--policy", "policy.yaml", "--library", "wrong.csv", "texts.txt"], "wrong.csv:2"),
    ],
)  # fmt: skip
def test_bad_input_ends_in_2_and_names_what_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], told: str
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "words.csv", "word,risk\n标记甲,A.1.a\n")
    write(tmp_path / "wrong.csv", "word,risk\n标记甲,A.9.z\n")
    write(tmp_path / "control.csv", "word,risk\n标\x01记,A.1.a\n")
    write(tmp_path / "damaged.csv", "word,risk\n标记".encode() + b"\xe7\x94" + b",A.1.a\n")
    write(tmp_path / "policy.yaml", "{}\n")
    write(tmp_path / "texts.txt", "番茄\n")
    (tmp_path / "empty").mkdir()
    code, _, error = asked(*arguments, stdin="番茄")
    assert code == 2
    assert told in error


def test_the_group_says_what_it_can_do() -> None:
    text = hegui("content", "--help").stdout
    assert all(f"\n  {name} " in text for name in ("check", "library", "normalise", "replay"))
    text = hegui("content", "library", "--help").stdout
    assert all(f"\n  {name} " in text for name in ("check", "diff", "export"))
