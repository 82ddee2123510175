"""The policy file: what each action does to a text, and every way in which a file can be wrong is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hegui.general.content import load_policy
from hegui.general.content.checks import Checker, masked
from hegui.general.content.library import compile_library
from hegui.general.content.personal import Kind
from hegui.general.content.policy import (
    ACTION_NAMES,
    BLOCKING,
    UNMAPPED,
    Action,
    PolicyError,
    Side,
    parse_policy,
    severest,
)
from hegui.general.content.words import WEAK
from hegui.law import risks

LIBRARY = compile_library([(2, "标记甲", "A.1.a"), (3, "标记乙", "A.2.b"), (4, "甲乙", "A.2.b")], "t")
ROOT = Path(__file__).parents[3]


def policy_file(folder: Path, text: str | bytes) -> Path:
    path = folder / "policy.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def checker(text: str, folder: Path) -> Checker:
    return Checker(LIBRARY, load_policy(policy_file(folder, text)))


# --- actions -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("action", [action for action in Action if action is not Action.REPLACE])
def test_each_action_on_each_side_is_what_a_hit_gets(tmp_path: Path, side: Side, action: Action) -> None:
    ready = checker(f"{side}: {{risks: {{A.1.a: {action}}}}}\nanswers: {{A.1.a: 请看公告。}}\n", tmp_path)
    found = ready.check("说标记甲", side)
    assert [(item.action, item.risk, item.start, item.end) for item in found.verdicts] == [(action, "A.1.a", 1, 4)]
    assert found.blocked is (action in {Action.ANSWER, Action.END, Action.REFUSE})
    assert ready.answer_for(found.verdicts) == ("请看公告。" if action is Action.ANSWER else None)
    assert masked("说标记甲", found.verdicts) == ("说***" if action is Action.MASK else "说标记甲")
    other = Side.OUTPUT if side is Side.INPUT else Side.INPUT
    assert ready.check("说标记甲", other).action is Action.REFUSE


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("action", [Action.PASS, Action.MASK, Action.REFUSE])
def test_each_kind_of_personal_information_has_its_own_action(tmp_path: Path, kind: Kind, action: Action) -> None:
    given = {Kind.RESIDENT_ID: "11010519491231002X", Kind.HK_ID: "A123456(3)",
                 Kind.MACAO_ID: "澳门身份证1234567(8)", Kind.TAIWAN_ID: "A123456789", Kind.MOBILE: "13800138000", Kind.BANK_CARD: "4111111111111111",
             Kind.USCC: "91350100M000100Y43", Kind.EMAIL: "someone@example.com", Kind.LANDLINE: "0571-87654321",
             Kind.HOTLINE: "400-123-4567", Kind.PASSPORT: "护照E12345678", Kind.PERMIT: "回乡证H12345678",
             Kind.MILITARY_ID: "军字第2001988号", Kind.SOCIAL_SECURITY: "社保卡A12345678", Kind.PLATE: "京A12345",
             Kind.QQ: "QQ12345678", Kind.WECHAT: "微信号abc_123", Kind.IP: "203.0.113.7",
             Kind.ADDRESS: "北京市东城区样例路1号"}[kind]  # fmt: skip
    ready = checker(f"input: {{personal: {{{kind}: {action}}}}}\n", tmp_path)
    assert ready.check(f"是{given}。", Side.INPUT).action is action
    assert {k: a for k, a in ready.policy.input.personal.items() if k is not kind} == {
        k: a for k, a in load_policy(None).input.personal.items() if k is not kind
    }


def test_the_severest_of_several_hits_decides() -> None:
    assert [severest([Action(name) for name in names.split()]) for names in (
        "", "pass", "pass mask", "mask answer pass", "answer refuse", "refuse pass",
    )] == [Action.PASS, Action.PASS, Action.MASK, Action.ANSWER, Action.REFUSE, Action.REFUSE]  # fmt: skip
    assert {Action.ANSWER, Action.END, Action.REFUSE} == BLOCKING
    assert set(ACTION_NAMES) == set(Action)


def test_overlapping_hits_are_all_masked(tmp_path: Path) -> None:
    ready = checker("output: {default: mask}\n", tmp_path)
    text = "前标记甲乙后"
    assert masked(text, ready.check(text, Side.OUTPUT).verdicts) == "前****后"


# --- files -------------------------------------------------------------------------------------------


def test_the_default_is_safe_and_over_blocks_no_question_about_quality() -> None:
    default = load_policy(None)
    for side in Side:
        rules = default.side(side)
        assert set(rules.risks) == {*risks().ids, UNMAPPED}
        assert rules.risks[UNMAPPED] is Action.FLAG
        assert {risk for risk in risks().ids if rules.risks[risk] is not Action.REFUSE} == {
            risk for risk in risks().ids if risk.startswith("A.5.")
        }
        assert not any(rules.blocks(lane) for lane in WEAK), "weak lanes show a person where to look, no more"
    assert set(default.input.personal.values()) == {Action.PASS}
    assert default.output.personal[Kind.RESIDENT_ID] is Action.MASK
    assert default.answers == {}


@pytest.mark.parametrize(
    "text", ["", "# nothing\n", "input:\noutput:\nanswers:\n", "input: {}\n", "\ufeffinput: {}\n", "---\n...\n"]
)
def test_a_file_that_says_nothing_is_the_default(tmp_path: Path, text: str) -> None:
    assert load_policy(policy_file(tmp_path, text)) == load_policy(None)


def test_the_example_of_the_docs_is_a_policy(tmp_path: Path) -> None:
    example = (ROOT / "docs" / "policy.md").read_text("utf-8").split("```yaml\n")[1].split("```")[0]
    policy = load_policy(policy_file(tmp_path, example))
    assert (policy.input.risks["A.1.a"], policy.input.risks["A.2.c"]) == (Action.ANSWER, Action.MASK)
    assert policy.output.personal[Kind.EMAIL] is Action.MASK


@pytest.mark.parametrize("order", ["A.2: mask, A.2.b: pass", "A.2.b: pass, A.2: mask"])
def test_a_risk_goes_before_its_area_and_that_before_the_default(tmp_path: Path, order: str) -> None:
    policy = load_policy(policy_file(tmp_path, f"input:\n  risks: {{{order}}}\n  default: pass\n"))
    rules = policy.input.risks
    assert (rules["A.1.a"], rules["A.2.a"], rules["A.2.b"]) == (Action.PASS, Action.MASK, Action.PASS)
    assert policy.output == load_policy(None).output


WRONG = [
    "[]", "0", "false", "words", "- input", "inputs: {}", "{1: 2, a: 3}", "input: []", "input: 1", "output: refuse",
    "input: {risks: [A.1.a]}", "input: {risks: A.1.a}", "input: {personal: mask}", "input: {1: 2, a: 3}",
    "input: {risks: {A.9.z: pass}}", "input: {risks: {A.: pass}}", "input: {risks: {1: pass}}",
    "input: {risks: {A.1.a: block}}", "input: {risks: {A.1.a: }}", "input: {risks: {A.1.a: no}}", "input: {risks: {A.1.a: [pass]}}",
    "input: {default: }", "input: {default: PASS}", "input: {default: answer}", "input: {personal: {phone: mask}}",
    "input: {personal: {mobile: answer}}", "input: {risks: {A.1.a: answer}}", "answers: [x]", "answers: {A.1.a: }",
    "answers: {A.1.a: '  '}", "answers: {A.1.a: 1}", "answers: {A.1: x}", "input: {default: pass}\ninput: {default: mask}",
    "input: {risks: {A.1.a: pass, A.1.a: refuse}}", "input: {unknown: 1}", "a: [", "a: b: c", "\tx: 1", "input: !!python/name:os.system",
    "input: *nothing", "input: &a {risks: *a}", "x: 2026-99-99", "[" * 5000, "input: {? [a] : b}", "a: 'x", "%YAML 9.9\n---\n",
]  # fmt: skip


@pytest.mark.parametrize("text", WRONG, ids=lambda text: text[:40])
def test_a_wrong_file_is_refused_and_says_what_to_read(tmp_path: Path, text: str) -> None:
    with pytest.raises(PolicyError) as caught:
        load_policy(policy_file(tmp_path, text))
    assert caught.value.exit_code == 2
    assert caught.value.title.zh.startswith("策略文件有误")
    assert caught.value.title.en.startswith("the policy file is wrong")
    assert "docs/policy.md" in caught.value.remedy.zh


@pytest.mark.parametrize(
    "data", ["input: {}".encode("utf-16"), "answers: {A.1.a: 请看公告}".encode("gb18030"), b"\x00", b"\xff"]
)
def test_a_file_in_another_encoding_is_refused(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(PolicyError) as caught:
        load_policy(policy_file(tmp_path, data))
    assert "policy.yaml" in caught.value.title.en


def test_a_folder_or_nothing_in_place_of_a_file_is_told(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.yaml"):
        with pytest.raises(PolicyError) as caught:
            load_policy(path)
        assert str(path) in caught.value.title.zh


def test_the_version_names_what_the_policy_does_not_how_it_is_written(tmp_path: Path) -> None:
    def version(text: str) -> str:
        return load_policy(policy_file(tmp_path, text)).version

    base = version("")
    assert version("input: {personal: {mobile: pass}} # the default, said again\n") == base
    texts = ["input: {default: pass}", "output: {default: pass}", "input: {risks: {A.1.a: pass}}",
             "output: {personal: {email: mask}}", "answers: {A.1.a: 甲}", "answers: {A.1.a: 乙}"]  # fmt: skip
    assert len({base, *(version(text) for text in texts)}) == len(texts) + 1


def test_parsing_never_changes_what_was_given() -> None:
    base = load_policy(None)
    data: dict[str, Any] = {"input": {"risks": {"A.1": "mask"}}, "answers": {"A.1.a": "好"}}
    before = repr((data, base))
    parse_policy(data, base)
    assert repr((data, base)) == before
