"""Regular expressions: RE2 alone, found within sentences, the same in streams of any pieces, never able to stop the checker."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hegui.general.content import audit, regexes
from hegui.general.content.checks import Checker
from hegui.general.content.library import Library, compile_library, load_library
from hegui.general.content.policy import Action, Lane, Side, load_policy
from hegui.general.content.regexes import LONGEST_SENTENCE, PatternError, sentences
from hegui.general.content.rows import LibraryError, Row, word_rules
from hegui.general.content.window import Window
from hegui.general.rulebook.rules import cells_of, kept_rules

PATTERN = r"加.{0,3}标记[:：]\s*([a-z]{3,6})"
ROWS = f'word,risk,match\n"{PATTERN}",A.1.a,pattern\n标记甲,A.2.a,word\n'


def checker(tmp_path: Path, *, rows: str = ROWS, policy: str = "{}") -> Checker:
    library, file = tmp_path / "words.csv", tmp_path / "policy.yaml"
    library.write_text(rows)
    file.write_text(policy)
    return Checker(load_library(library), load_policy(file))


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("请加我标记：abc 吧", (1, 9)),
        ("请加标记:ABCD", (1, 9)),
        ("请加標記： ｘｙｚ", (1, 9)),  # traditional, full width, a space
        ("先说一句，请加你我标记：abc。", (6, 15)),  # a comma is no end of a sentence
        ("请加我\u200b标记：abc", (1, 10)),
    ],
)
def test_a_pattern_is_found_however_it_is_written_with_its_place_in_the_original(
    tmp_path: Path, text: str, span: tuple[int, int]
) -> None:
    found = checker(tmp_path).check(text, Side.INPUT)
    assert [(one.rule, one.lane, one.start, one.end) for one in found.verdicts] == [("keyword:2", "pattern", *span)]
    assert found.action is Action.REFUSE


@pytest.mark.parametrize("text", ["请加。标记：abc", "加我们大家标记：abc", "标记：abc", "加标记：ab"])
def test_what_it_does_not_say_is_not_found(tmp_path: Path, text: str) -> None:
    assert not checker(tmp_path).check(text, Side.INPUT).verdicts


def test_the_ends_of_a_pattern_are_those_of_a_sentence(tmp_path: Path) -> None:
    ends = checker(tmp_path, rows="word,risk,match\n^标记.*丙。$,A.1.a,正则\n")
    assert ends.check("甲。标记乙，丙。丁", Side.INPUT).blocked
    assert not ends.check("甲标记乙，丙。丁", Side.INPUT).blocked


@given(st.text(alphabet="加我标记：:abcd。，！\n甲\u200b標 ", max_size=200), st.data())
def test_a_stream_in_any_pieces_is_the_whole_text(text: str, data: st.DataObject) -> None:
    words = compile_library([Row(1, PATTERN, "A.1.a", word_rules(PATTERN, {"match": "pattern"}))], "test")
    judge = Checker(words, load_policy(None))
    whole, pieces = Window(judge), Window(judge)
    expected = whole.whole(text)
    out, at = "", 0
    while at < len(text):
        step = data.draw(st.integers(1, 20))
        out += pieces.feed(text[at : at + step])
        at += step
    out += pieces.finish()
    assert (out, pieces.blocked, pieces.verdicts) == (expected, whole.blocked, whole.verdicts)
    found = judge.check(text, Side.OUTPUT)
    assert pieces.blocked is found.blocked
    if found.blocked:
        assert len(out) <= found.verdicts[0].start
    else:
        assert out == text


@given(st.text(alphabet="甲乙，,。！\n ", max_size=400), st.integers(0, 400))
def test_sentences_from_where_one_begins_are_those_of_the_whole(text: str, cut: int) -> None:
    whole = list(sentences(text))
    assert "".join(text[begin:end] for begin, end in whole) == text
    assert all(0 < end - begin <= LONGEST_SENTENCE for begin, end in whole)
    begin = max((begin for begin, _ in whole if begin <= cut), default=0)
    rest = [(at + begin, end + begin) for at, end in sentences(text[begin:])]
    assert rest == [one for one in whole if one[0] >= begin]


def test_a_pattern_that_only_flags_holds_no_stream_back(tmp_path: Path) -> None:
    for policy, lane in (("{}", Lane.PATTERN), ("output: {caps: {pattern: flag}}", None)):
        window = Window(checker(tmp_path, policy=policy))
        left = window.feed("请加我标记：abc 吧，还有")
        assert (left == "") is (lane is not None)
    window.finish()
    assert [(one.rule, one.action) for one in window.verdicts] == [("keyword:2", Action.FLAG)]


def test_what_is_only_noted_is_looked_for_in_what_was_said_and_not_in_the_stars(tmp_path: Path) -> None:
    used = checker(
        tmp_path, rows="word,risk,match,action\n1[0-9]{9},A.1.a,pattern,flag\n[0-9]{3}@,A.1.a,pattern,mask\n"
    )
    for text in ("请打13800138000，谢", "写给甲123@example.com吧"):
        one, whole = Window(used), Window(used)
        out = "".join(map(one.feed, text)) + one.finish()
        assert out == whole.whole(text)
        assert "*" in out
        found = {(item.rule, item.start, item.end, item.action) for item in used.check(text, Side.OUTPUT).verdicts}
        assert len(found) > 1
        for window in (one, whole):
            assert {(item.rule, item.start, item.end, item.action) for item in window.verdicts} == found


def test_a_policy_can_leave_them_out_and_a_word_can_say_what_follows(tmp_path: Path) -> None:
    text = "请加我标记：abc"
    assert not checker(tmp_path, policy="input: {lanes: {A.1: [exact]}}").check(text, Side.INPUT).verdicts
    own = checker(tmp_path, rows=f'word,risk,match,action,until\n"{PATTERN}",A.1.a,pattern,mask,2099-01-01\n')
    assert own.check(text, Side.INPUT).action is Action.MASK
    past = checker(tmp_path, rows=f'word,risk,match,until\n"{PATTERN}",A.1.a,pattern,2020-01-01\n')
    assert not past.check(text, Side.INPUT).verdicts


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("(a", "missing \\)"), ("(?<=标)记", "RE2"), ("(标)\\1", "RE2"), ("记*", "empty"), ("\\C记", "half a character"),
        ("((a{900}){900}){9}", "RE2"), ("记" * 301, "300"), ("㎏", "kg"),
    ],
)  # fmt: skip
def test_what_can_not_be_used_is_named_by_its_row(tmp_path: Path, pattern: str, why: str) -> None:
    with pytest.raises(PatternError):
        regexes.compiled(pattern)
    with pytest.raises(LibraryError, match=rf"words\.csv:2 .*{why}"):
        checker(tmp_path, rows=f"word,risk,match\n{pattern},A.1.a,pattern\n")
    with pytest.raises(LibraryError, match=r"words\.csv:2 "):
        checker(tmp_path, rows="word,risk,match,exceptions\n标.记,A.1.a,pattern,标甲记\n")
    with pytest.raises(LibraryError, match="match must be"):
        checker(tmp_path, rows="word,risk,match\n标.记,A.1.a,glob\n")


def test_marks_of_full_width_mean_themselves() -> None:
    found = regexes.compiled("标（记）[＊]？")
    assert found.search("标(记)*?")
    assert not found.search("标记*?")


@pytest.mark.parametrize(
    ("pattern", "text", "other"),
    [
        ("标\\（记\\）", "标（记）", "标\\记"), ("标\\＊", "标＊", "标"), ("标\\　记", "标 记", "标\\ 记"), ("[\\＼]", "＼", "a"),
        ("\\Q标（記.\\E", "標(记.", "标(记a"), ("\\Q标（", "标（", "标"), ("\\x{ff08}标", "（标", "标"), ("\\x{6a19}.记", "标的记", "x的记"),
    ],
)  # fmt: skip
def test_marks_of_full_width_mean_themselves_behind_a_backslash_and_by_their_number_too(
    pattern: str, text: str, other: str
) -> None:
    judge = Checker(
        compile_library([Row(1, pattern, "A.1.a", word_rules(pattern, {"match": "pattern"}))], "test"),
        load_policy(None),
    )
    (found,) = judge.check(text, Side.INPUT).verdicts
    assert text[found.start : found.end] == text
    assert not judge.check(other, Side.INPUT).verdicts


def test_a_bomb_is_answered(tmp_path: Path) -> None:
    # A backtracking engine would need 2 to the power of the length for each of these; the suite's own limit would end it.
    bomb = checker(tmp_path, rows='word,risk,match\n"^(a|a|aa)+$",A.1.a,pattern\n"(x+x+)+y",A.1.a,pattern\n')
    assert not bomb.check("a" * 60 + "！" + "x" * 100_000, Side.INPUT).verdicts
    assert bomb.check("x" * 100_000 + "xxy", Side.INPUT).blocked


def test_the_standard_counts_keywords_and_no_patterns(tmp_path: Path) -> None:
    library = checker(tmp_path).library
    assert [word.text for word in library.words] == ["标记甲"]
    assert sum(library.counts().values()) == 1
    assert list(audit.entries(library)) == ["标记甲"]
    word = library.word("keyword:2")
    assert word is not None
    assert word.text == PATTERN


def test_edits_add_patterns_and_take_them_back(tmp_path: Path) -> None:
    base = checker(tmp_path)
    added = Row(0, "另.记", "A.1.b", word_rules("另.记", {"match": "pattern"}), "e1")
    edited = base.library.edited([added], ["keyword:2"])
    judge = Checker(edited, base.policy)
    assert [one.rule for one in judge.check("另一记，加标记：abc", Side.INPUT).verdicts] == ["word:e1"]
    assert edited.version != base.library.version
    assert [one.rule for one in base.check("另一记，加标记：abc", Side.INPUT).verdicts] == ["keyword:2"]


def test_a_pattern_keeps_what_it_says_in_the_rulebook() -> None:
    rules = word_rules(PATTERN, {"match": "regex", "action": "flag"})
    assert kept_rules(rules.as_dict()) == rules
    assert word_rules(PATTERN, cells_of(rules)) == rules


def test_more_patterns_than_can_be_looked_for_in_time_are_refused() -> None:
    def rows(count: int) -> list[Row]:
        return [Row(at, f"标{at}.记", "A.1.a", word_rules(f"标{at}.记", {"match": "pattern"})) for at in range(count)]

    many: Library = compile_library(rows(1000), "test")
    assert Checker(many, load_policy(None)).check("说标999与记", Side.INPUT).blocked
    with pytest.raises(LibraryError, match="regular expressions"):
        compile_library(rows(1001), "test")
