"""The fold tables: whole as the script wrote them, functions that end where they begin, and fair to ordinary text."""

from __future__ import annotations

import hashlib
import tomllib
import unicodedata
from functools import cache
from pathlib import Path

import pytest

from hegui.general.content import tables

FOLDER = Path(tables.__file__).parent
ROOT = Path(__file__).parents[3]
EVERY = [chr(code) for code in (*range(0xD800), *range(0xE000, 0x20000), *range(0xE0000, 0xE0200))]
FLAGS = {chr(code) for code in range(0x1F1E6, 0x1F200)}
FOLDS = {"simplified": tables.simplified, "lookalikes": tables.lookalikes, "numerals": tables.numerals}


def plain(text: str) -> str:
    """Fold width, case and marks, as comes before the tables."""
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold()).casefold()
    kept = "".join(ch for ch in folded if unicodedata.category(ch) not in {"Mn", "Me", "Cf"})
    return unicodedata.normalize("NFKC", kept)


@cache
def folded(character: str) -> str:
    """Fold one character as the tables' documentation says."""
    looks, simple = tables.lookalikes(), tables.simplified()
    spread = looks.get(character)
    after = spread or "".join(looks.get(ch, ch) for ch in plain(character))
    return "".join(simple.get(ch, ch) for ch in after)


def gb2312() -> tuple[list[str], list[str]]:
    """Return the characters of GB 2312's levels 1 and 2."""
    rows = [
        [bytes([row + 160, cell + 160]).decode("gb2312", "ignore") for cell in range(1, 95)] for row in range(16, 88)
    ]
    one, two = ([ch for row in some for ch in row if ch] for some in (rows[:40], rows[40:]))
    return one, two


def han(character: str) -> bool:
    return "\u3400" <= character <= "\u4dbf" or "\u4e00" <= character <= "\u9fff" or character == "〇"


# --- files -----------------------------------------------------------------------------------------------------------


def test_each_file_is_the_one_that_the_script_wrote() -> None:
    recorded = dict(
        line.split(" ")[1:]
        for line in (FOLDER / "SOURCES.txt").read_text("utf-8").splitlines()
        if line.startswith("file ")
    )
    there = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in FOLDER.glob("*.txt")}
    there.pop("SOURCES.txt")
    assert there == recorded


def test_every_package_is_pinned_by_version_and_digest_and_its_licence_is_permissive() -> None:
    for line in (FOLDER / "SOURCES.txt").read_text("utf-8").splitlines():
        if line.startswith("package "):
            _, name, version, digest, terms = line.split(" ", 4)
            assert version[0].isdigit()
            assert len(bytes.fromhex(digest)) == 32
            assert {part.split(" ")[-1] for part in terms.split("; ")} <= {
                "Apache-2.0",
                "MIT",
                "Unicode-3.0",
                "CC-BY-3.0",
            }
            assert name in (ROOT / "NOTICE").read_text("utf-8")


def test_the_files_go_into_the_package_and_are_small() -> None:
    patterns = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]["package-data"][
        "hegui"
    ]
    assert "**/*.txt" in patterns
    assert sum(file.stat().st_size for file in FOLDER.glob("*.txt")) < 400_000


@pytest.mark.parametrize("name", ["simplified", "lookalikes", "numerals", "separators", "syllables", "splits"])
def test_files_are_plain_lines_in_order(name: str) -> None:
    text = (FOLDER / f"{name}.txt").read_bytes().decode("utf-8")
    assert text.startswith("# ")
    assert text.endswith("\n")
    assert "\r" not in text
    assert "\n\n" not in text


# --- folds -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FOLDS)
def test_a_fold_takes_one_character_to_one_base_and_folding_twice_changes_nothing(name: str) -> None:
    table = FOLDS[name]()
    assert all(len(key) == len(base) == 1 for key, base in table.items())
    assert not [base for base in table.values() if base in table]


@pytest.mark.parametrize("name", FOLDS)
def test_no_character_has_two_bases(name: str) -> None:
    keys = [key for line in (FOLDER / f"{name}.txt").read_text("utf-8").splitlines()[1:] for key in line[1:]]
    assert len(keys) == len(set(keys))


def test_all_folds_in_their_order_do_at_once_what_they_do_twice() -> None:
    wrong = [ch for ch in EVERY if (once := folded(ch)) != "".join(map(folded, once))]
    assert wrong == []


def test_what_a_table_knows_is_what_the_step_before_leaves() -> None:
    assert [key for key in tables.simplified() if plain(key) != key or key in tables.lookalikes()] == []
    assert [key for key in tables.numerals() if folded(key) != key] == []
    unreachable = [key for key in tables.lookalikes() if plain(key) != key and len(plain(key)) == 1]
    assert unreachable == []


@pytest.mark.parametrize(
    ("hidden", "plainly"),
    [
        ("萬與東後於乾徵", "万与东后于干征"),
        ("發髮", "发发"),
        ("裡裏麵說峯羣", "里里面说峰群"),
        ("両亜仏仮売図気読歩巻値", "两亚佛假卖图气读步卷值"),
        ("衞枱敍", "卫台叙"),
    ],
)
def test_traditional_japanese_and_variant_characters_become_simplified(hidden: str, plainly: str) -> None:
    assert "".join(map(folded, hidden)) == plainly


def test_standard_simplified_characters_stay_but_for_those_that_the_standard_kept_for_a_rare_sense() -> None:
    one, two = gb2312()
    changed = {ch for ch in (*one, *two) if ch in tables.simplified()}
    assert changed == set("乾吒夥後徵拚捱摺於榘菸薹袷醣麴麽")
    assert [ch for ch in one if folded(ch) != ch] == ["乾"]


def test_different_common_words_do_not_meet() -> None:
    for first, second in [
        ("着", "著"),
        ("了", "瞭"),
        ("只", "祇"),
        ("像", "象"),
        ("未", "末"),
        ("日", "曰"),
        ("己", "已"),
    ]:
        assert folded(first) != folded(second)


@pytest.mark.parametrize(
    ("hidden", "plainly"),
    [
        ("сеnтеr", "center"),
        ("ОРЕN", "open"),
        ("αρρlе", "apple"),
        ("ɑɡɪʟᴇ", "agile"),
        ("łøđ", "lod"),
        ("ⓗⓔ🅗🅔🅷🅴🄷🄴🇭🇪", "hehehehehe"),
        ("⒣⒠🄗🄔", "hehe"),
        ("①❶➀➊⓵⑴⒈🄂１", "111111111"),
        ("٣३๓〣༣", "33333"),
        ("⺡⺘⻢⻋", "氵扌马车"),
        ("カロ夕タエ㈠㈪", "力口夕夕工一月"),
    ],
)
def test_lookalikes_become_what_they_look_like(hidden: str, plainly: str) -> None:
    assert "".join(map(folded, hidden)) == plainly


def test_ascii_is_left_alone_and_so_are_real_scripts() -> None:
    assert not [key for key in tables.lookalikes() if key.isascii()]
    for text in ("こんにちは", "สวัสดี", "नमस्ते", "مرحبا", "שלום", "안녕"):
        assert not set(plain(text)) & set(tables.lookalikes())


def test_every_decimal_digit_becomes_its_ascii_one() -> None:
    digits = [ch for ch in EVERY if unicodedata.category(ch) == "Nd"]
    left = [ch for ch in digits if folded(ch) != str(unicodedata.digit(ch))]
    assert len(digits) > 600
    assert not [ch for ch in left if folded(ch) != ch]
    assert len(left) <= (0 if unicodedata.unidata_version < "15.1" else 100), "a later Unicode has digits of its own"


def test_both_cases_of_a_letter_have_one_base() -> None:
    assert [ch for ch in EVERY if len(ch.lower()) == len(ch.upper()) == 1 and folded(ch) != folded(ch.lower())] == []


def test_numerals_become_digits() -> None:
    text = "".join(tables.numerals().get(folded(ch), folded(ch)) for ch in "零一贰叄㊃伍〇㈦拾佰仟")
    assert text == "01234507十百千"


# --- separators ------------------------------------------------------------------------------------------------------


def test_no_separator_is_a_letter_a_digit_or_chinese() -> None:
    assert [ch for ch in tables.separators() if unicodedata.category(ch)[0] in "LN" or han(ch)] == []
    parts = [ch for ch in tables.separators() if "\u2e80" <= ch <= "\u2fdf" or "\u31c0" <= ch <= "\u31ef"]
    assert parts == []


def test_no_separator_folds_to_a_letter_or_digit_but_the_halves_of_flags() -> None:
    read = {ch for ch in tables.separators() if any(part.isalnum() for part in folded(ch))}
    assert read == FLAGS


@pytest.mark.parametrize(
    "text",
    [
        " \t\r\n\u00a0\u3000\u2003\u2028",
        "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~",
        "，。、；：？！“”‘’（）《》【】「」『』—…·～￥",
        "＊＃＠＿－｜／",
        "─│┼╬█▓○●◎□■△▲☆★→←↑↓×÷≠∞√",
        "😀🏽🎉🇨🇳❤\ufe0f👨\u200d👩\u200d👧🀄🃏",
        "\u200b\u200c\ufeff\u00ad\u2060\u202e\U000e0041",
        "☯♪☎✂✓⠿䷀",
    ],
)
def test_what_people_put_between_characters_is_a_separator(text: str) -> None:
    assert [ch for ch in text if not tables.is_separator(ch)] == []


@pytest.mark.parametrize("text", ["aZ09中〇①㎏™ⓐ🅰㊙⺡丶丨ー々ノ한ぁ٣àß"])
def test_what_is_read_is_no_separator(text: str) -> None:
    assert [ch for ch in text if tables.is_separator(ch)] == []


# --- syllables -------------------------------------------------------------------------------------------------------


def test_every_simplified_character_of_both_levels_has_a_reading() -> None:
    one, two = gb2312()
    readings = tables.syllables()
    assert [ch for ch in (*one, *two) if folded(ch) == ch and ch not in readings] == []
    assert len(readings) > 17_000


def test_readings_are_legal_distinct_and_belong_to_characters_that_the_folds_leave() -> None:
    legal = tables.legal_syllables()
    assert 400 <= len(legal) <= 410
    assert all(syllable.isascii() and syllable.isalpha() and syllable.islower() for syllable in legal)
    for character, readings in tables.syllables().items():
        assert set(readings) <= legal
        assert len(set(readings)) == len(readings)
        assert folded(character) == character


@pytest.mark.parametrize(
    ("character", "readings"),
    [
        ("行", ("xing", "hang", "heng")), ("长", ("zhang", "chang")), ("重", ("zhong", "chong")), ("女", ("nv",)),
        ("略", ("lve",)), ("的", ("de", "di")), ("还", ("hai", "huan")), ("车", ("che", "ju")), ("嗯", ("en",)),
        ("单", ("dan", "chan", "shan")), ("率", ("lv", "shuai")), ("〇", ("ling",)), ("绿", ("lv", "lu")),
    ],
)  # fmt: skip
def test_known_readings(character: str, readings: tuple[str, ...]) -> None:
    assert tables.syllables()[character] == readings


# --- splits ----------------------------------------------------------------------------------------------------------


def test_splits_are_two_or_three_writable_parts_that_the_folds_leave() -> None:
    for character, forms in tables.splits(down=True, common=True).items():
        assert folded(character) == character
        assert len(set(forms)) == len(forms)
        for form in forms:
            assert 2 <= len(form) <= 3
            assert character not in form
            assert all(han(part) and len(part.encode("gbk")) == 2 and folded(part) == part for part in form)


def test_most_common_characters_that_can_be_split_are() -> None:
    one, _ = gb2312()
    assert sum(ch in tables.splits() for ch in one) > 2_300
    assert sum(ch in tables.splits(down=True, common=True) for ch in one) > 3_200


@pytest.mark.parametrize(
    ("character", "form"),
    [
        ("法", "氵去"), ("机", "木几"), ("说", "讠兑"), ("谢", "言身寸"), ("谢", "讠身寸"), ("部", "咅阝"), ("打", "扌丁"),
        ("这", "辶文"), ("你", "亻尔"), ("湖", "氵古月"), ("银", "钅艮"), ("病", "疒丙"),
    ],
)  # fmt: skip
def test_known_splits(character: str, form: str) -> None:
    assert form in tables.splits()[character]


@pytest.mark.parametrize(
    ("character", "form"), [("好", "女子"), ("明", "日月"), ("法", "水去"), ("问", "门口"), ("汉", "水又")]
)
def test_splits_that_ordinary_text_contains_are_there_only_when_asked_for(character: str, form: str) -> None:
    assert form not in tables.splits().get(character, ())
    assert form in tables.splits(common=True)[character]


def test_stacked_parts_are_there_only_when_asked_for() -> None:
    assert "草" not in tables.splits()
    assert "艹早" in tables.splits(down=True)["草"]
    assert "木子" not in tables.splits(down=True).get("李", ())
    assert "木子" in tables.splits(down=True, common=True)["李"]
