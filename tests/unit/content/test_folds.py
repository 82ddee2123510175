"""Each way of hiding can be switched off for a risk and for a word; what a find owes to which is told exactly."""

from __future__ import annotations

from pathlib import Path

import pytest

from hegui.general.content.checks import Checker
from hegui.general.content.folds import Fold, used
from hegui.general.content.library import load_library
from hegui.general.content.policy import PolicyError, Side, load_policy
from hegui.general.content.rows import LibraryError, word_rules
from hegui.general.content.window import Window
from hegui.general.rulebook.rules import cells_of, kept_rules

HIDDEN = {
    Fold.WIDTH: "ＭＡＲＫ标记甲",
    Fold.INVISIBLE: "mark标\u200b记甲",
    Fold.TRADITIONAL: "mark標記甲",
    Fold.LOOKALIKES: "mаrk标记甲",  # a Cyrillic а
    Fold.SEPARATORS: "mark标☆记甲",
    Fold.REPEATED: "mark标标标记甲",
}
WORD = "mark标记甲"


def checker(tmp_path: Path, *, rows: str = f"word,risk\n{WORD},A.1.a\n", policy: str = "{}") -> Checker:
    library, file = tmp_path / "words.csv", tmp_path / "policy.yaml"
    library.write_text(rows)
    file.write_text(policy)
    return Checker(load_library(library), load_policy(file))


@pytest.mark.parametrize("fold", Fold)
def test_each_way_of_hiding_is_told_from_the_others(fold: Fold) -> None:
    assert used(HIDDEN[fold], [WORD]) == {fold}


def test_what_a_word_has_itself_owes_nothing() -> None:
    assert used("Mark-標標記", ["Mark-標標記"]) == frozenset()
    assert used("Mark-标标记", ["Mark-標標記"]) == {Fold.TRADITIONAL}
    assert used("ｍark", ["Mark"]) == {Fold.WIDTH}
    assert used("標☆標記甲", ["标记甲"]) == {Fold.TRADITIONAL, Fold.SEPARATORS, Fold.REPEATED}
    assert used("🇲ark", ["mark"]) == {Fold.LOOKALIKES}


@pytest.mark.parametrize("fold", Fold)
def test_a_risk_whose_policy_leaves_one_out_is_blind_to_that_one_alone(tmp_path: Path, fold: Fold) -> None:
    others = ", ".join(one for one in Fold if one is not fold)
    strict = checker(tmp_path, policy=f"input: {{folds: {{A.1.a: [{others}]}}}}")
    for one, text in HIDDEN.items():
        assert bool(strict.check(f"说到{text}。", Side.INPUT).verdicts) is (one is not fold), one
        assert strict.check(f"说到{text}。", Side.OUTPUT).verdicts, "the other side is as it was"


@pytest.mark.parametrize("fold", Fold)
def test_what_a_word_says_of_itself_goes_before_the_policy(tmp_path: Path, fold: Fold) -> None:
    own = checker(
        tmp_path,
        rows=f"word,risk,folds\n{WORD},A.1.a,{fold}\n另记乙,A.1.a,\n独记丙,A.1.a,none\n",
        policy="input: {folds: {default: []}}",
    )
    for one, text in HIDDEN.items():
        assert bool(own.check(f"说到{text}。", Side.INPUT).verdicts) is (one is fold), one
    assert own.check("说到另记乙。", Side.INPUT).verdicts
    assert not own.check("说到另記乙。", Side.INPUT).verdicts
    assert own.check("说到另記乙。", Side.OUTPUT).verdicts
    assert own.check("说到独记丙。", Side.OUTPUT).verdicts
    assert not own.check("说到独記丙。", Side.OUTPUT).verdicts


def test_a_stream_sees_what_a_whole_text_does(tmp_path: Path) -> None:
    strict = checker(tmp_path, policy="output: {folds: {default: [width, invisible]}}")
    for fold, text in HIDDEN.items():
        window = Window(strict)
        out = "".join(window.feed(one) for one in f"说到{text}。") + window.finish()
        assert window.blocked is (fold in {Fold.WIDTH, Fold.INVISIBLE})
        assert window.blocked or out == f"说到{text}。"


def test_mistakes_are_named(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="pinyin"):
        checker(tmp_path, policy="input: {folds: {default: [pinyin]}}")
    with pytest.raises(PolicyError, match="must be a list"):
        checker(tmp_path, policy="input: {folds: {default: width}}")
    with pytest.raises(LibraryError, match=r"words\.csv:2 .*unknown folds"):
        checker(tmp_path, rows="word,risk,还原\n标记甲,A.1.a,全部\n")


def test_a_word_keeps_what_it_says_in_the_rulebook() -> None:
    for cell in ("none", "traditional|width"):
        rules = word_rules("标记甲", {"folds": cell})
        assert kept_rules(rules.as_dict()) == rules
        assert word_rules("标记甲", cells_of(rules)) == rules
    assert "folds" not in word_rules("标记甲", {}).as_dict()


def test_the_version_of_a_policy_that_leaves_folds_alone_is_what_it_was(tmp_path: Path) -> None:
    plain = checker(tmp_path).policy.version
    assert checker(tmp_path, policy=f"input: {{folds: {{default: [{', '.join(Fold)}]}}}}").policy.version == plain
    assert checker(tmp_path, policy="input: {folds: {A.5: [width]}}").policy.version != plain
