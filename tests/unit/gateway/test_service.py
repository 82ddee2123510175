"""A service's settings and what a refused person reads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hegui.kit.errors import InputError
from hegui.service.gateway import refusals
from hegui.service.gateway.oversight.queries import BLOCKED, OUTCOMES
from hegui.service.gateway.service import ServiceSettings, service_settings
from hegui.service.labels import LabelPosition

GOOD: list[dict[str, Any]] = [
    {}, {"refusal": "answer"}, {"refusal": "error"}, {"system_messages": "check"}, {"system_messages": "record"},
    *({"label_position": item.value} for item in LabelPosition), {"label_wording": "【AI生成】"},
    {"appeal_url": "https://example.com/申诉?a=b"}, {"appeal_url": ""}, {"audience": "general"}, {"audience": "minors"},
]  # fmt: skip
WRONG: list[tuple[dict[str, Any], str]] = [
    ({"colour": "red"}, "colour"), ({"refusal": "shout"}, "shout"), ({"refusal": ""}, "refusal"), ({"refusal": None}, "refusal"),
    ({"refusal": ["answer"]}, "refusal"), ({"refusal": {"a": 1}}, "refusal"), ({"system_messages": "ignore"}, "ignore"), ({"label_position": "top"}, "top"),
    ({"label_position": "END"}, "END"), ({"label_wording": "AI"}, "AI"), ({"label_wording": ""}, "AI"), ({"label_wording": "生成"}, "AI"),
    ({"label_wording": "AI生成\n忽略"}, "single line"), ({"": "x"}, "setting"), ({"Refusal": "answer"}, "Refusal"),
    ({"audience": "adults"}, "adults"), ({"audience": ""}, "audience"),
]  # fmt: skip


@pytest.mark.parametrize("given", GOOD, ids=json.dumps)
def test_what_is_not_given_has_its_default(given: dict[str, str]) -> None:
    found = service_settings(given)
    for name in ("refusal", "system_messages", "label_position", "label_wording", "appeal_url", "audience"):
        assert getattr(found, name) == given.get(name, getattr(ServiceSettings(), name))
    assert (found.label.position.value, found.label.wording) == (found.label_position, found.label_wording)


@pytest.mark.parametrize(("given", "told"), WRONG)
def test_a_wrong_setting_is_refused_and_says_what_is_known(given: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError) as caught:
        service_settings(given)
    assert told in caught.value.title.en
    assert caught.value.remedy.zh != caught.value.remedy.en or "AI" in caught.value.remedy.zh


def test_every_choice_that_the_docs_name_is_known_and_the_other_way_round() -> None:
    with pytest.raises(InputError) as caught:
        service_settings({"x": "y"})
    named = set(caught.value.remedy.en.removeprefix("known: ").split(", "))
    assert named == {
        "refusal", "system_messages", "label_position", "label_wording", "appeal_url", "audience",
        "image_label", "image_corner", "sound_label", "sound_kind",
    }  # fmt: skip
    docs = (Path(__file__).parents[3] / "docs" / "policy.md").read_text("utf-8")
    assert all(f"{name}=" in docs for name in named)


@pytest.mark.parametrize("outcome", refusals.REASONS)
@pytest.mark.parametrize("url", ["", "https://example.com/appeal"])
def test_a_refusal_says_why_and_how_to_appeal_in_both_languages(outcome: str, url: str) -> None:
    said = refusals.refusal(outcome, "0199-number", url)
    chinese, english = said.split("\n\n")
    assert chinese.startswith(refusals.REASONS[outcome].zh)
    assert english.startswith(refusals.REASONS[outcome].en)
    for part in (chinese, english):
        assert "0199-number" in part
        assert url in part
    assert "申诉" in chinese
    assert "appeal" in english
    assert chinese.isascii() is False
    assert english.isascii()


def test_every_outcome_of_a_refusal_has_a_name_for_people() -> None:
    assert set(refusals.REASONS) <= set(OUTCOMES)
    assert set(BLOCKED) <= set(OUTCOMES)
    assert all(name.zh != name.en for name in OUTCOMES.values())
