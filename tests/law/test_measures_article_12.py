"""第十二条 Article 12: what is generated is labelled, as the rules on deep synthesis and on labels say.

Shown: the label of a text has both elements, stands in every plain and streamed answer, and never inside JSON; a picture leaves
with both labels, and the board says so from the records. Where no picture was seen, the article stays undetermined.
"""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal

import pytest

from hegui.kit.settings import Settings
from hegui.law import register
from hegui.service.gateway.oversight import facts
from hegui.service.gateway.oversight.queries import Day, Media
from hegui.service.labels import Labeller, LabelPosition, LabelStyle, check_wording
from hegui.service.labels.text import DEFAULT_WORDING, WordingError
from tests.harness import Server
from tests.law.asking import Json, block, duty, said, today, value
from tests.upstream import ScriptedUpstream, says


@pytest.mark.parametrize("wording", ["AI", "AI 助手", "人工智能", "由模型生成", "合成内容", "AI\n生成", ""])
def test_a_label_without_both_elements_is_refused_with_the_clause(wording: str) -> None:
    with pytest.raises(WordingError) as caught:
        check_wording(wording)
    assert caught.value.cite == "GB45438-5.1"
    assert register().article(caught.value.cite)


@pytest.mark.parametrize("wording", [DEFAULT_WORDING, "AI生成", "本内容由人工智能合成", "AI-generated"])
def test_a_label_with_both_elements_passes(wording: str) -> None:
    assert check_wording(wording) == wording
    assert value("GB45438-5.1", "label_elements") == 2


@pytest.mark.parametrize("position", list(LabelPosition))
def test_the_label_stands_where_the_law_lets_it(position: LabelPosition) -> None:
    labeller = Labeller(LabelStyle(position), machine=False)
    text = labeller.before("番茄") + "番茄喜光。" + labeller.after("番茄喜光。")
    places = {LabelPosition.START: text.startswith(DEFAULT_WORDING), LabelPosition.END: text.endswith(DEFAULT_WORDING),
              LabelPosition.INTERFACE: text == "番茄喜光。"}  # fmt: skip
    assert places[position]
    assert labeller.placed or labeller.reason, "where the label is, or why it is not"
    words = {LabelPosition.START: "start", LabelPosition.END: "end", LabelPosition.INTERFACE: "interface"}
    assert words[position] in duty("LAB-4.1").duty.en


def test_every_answer_is_labelled_and_data_is_not_broken(server: Server, upstream: ScriptedUpstream) -> None:
    upstream.scripts["art12"] = says("番茄喜光。")
    upstream.scripts["art12json"] = says('{"answer": "番茄"}')
    client = server.client()
    plain = client.chat.completions.create(model="art12", messages=[{"role": "user", "content": "你好"}])
    assert str(plain.choices[0].message.content).endswith(DEFAULT_WORDING)
    chunks = list(
        client.chat.completions.create(model="art12", messages=[{"role": "user", "content": "你好"}], stream=True)
    )
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices).endswith(DEFAULT_WORDING)
    data = client.chat.completions.create(
        model="art12json", messages=[{"role": "user", "content": "你好"}], response_format={"type": "json_object"}
    )
    assert json.loads(str(data.choices[0].message.content)) == {"answer": "番茄"}


def test_the_article_is_undetermined_while_no_picture_was_seen(server: Server, upstream: ScriptedUpstream) -> None:
    upstream.scripts["art12"] = says("番茄喜光。")
    server.client().chat.completions.create(model="art12", messages=[{"role": "user", "content": "你好"}])
    rows = today(server)
    assert rows["IM-12"]["result"] == {"met": "undetermined", "not_met": "not_met"}[rows["LAB-4.1"]["result"]]
    assert "answers of 24 hours labelled; no picture left the gateway" in rows["IM-12"]["reason"]
    assert "没有图片经网关发出，图片的标识无从证明" in rows["IM-12"]["reason_zh"]
    assert {rows[citation]["result"] for citation in ("LAB-4.2", "LAB-4.3", "LAB-4.4", "LAB-5.1")} == {"undetermined"}


DAY = Day(total=9, answered=9, blocked=0, undetermined=0, labelled=9)
OWN = Settings(provider_code="0011" + "91350100M000100Y43" + "10001")


def _labels(day: Day, settings: Settings = OWN) -> dict[str, str]:
    return {fact.obligation: fact.result.value for fact in facts.labels(day, settings)}


def test_the_article_is_met_by_pictures_that_left_with_both_labels_and_by_nothing_less() -> None:
    good = Media("image", left=3, labelled=3)
    assert _labels(replace(DAY, media=(good,))) == {
        "LAB-4.1": "met", "IM-12": "met", "LAB-4.3": "met", "LAB-4.2": "undetermined",
        "LAB-4.4": "undetermined", "LAB-5.1": "met",
    }  # fmt: skip
    for media, result in (
        ((replace(good, labelled=2),), "not_met"),
        ((good, Media("audio", left=2, labelled=1)), "not_met"),
        ((good, Media("video", left=2, labelled=1)), "not_met"),
        ((good, Media("video", left=2, labelled=2)), "met"),
        ((good, Media("audio", left=2, labelled=1, part=1)), "undetermined"),
        ((good, Media("audio", withheld=1)), "undetermined"),
        ((Media("audio", left=2, labelled=2),), "undetermined"),
        ((Media("image", withheld=2),), "undetermined"),
    ):
        found = _labels(replace(DAY, media=media))
        assert found["IM-12"] == result, media
        assert found["LAB-4.1"] == "met"
    assert _labels(replace(DAY, labelled=8, media=(good,)))["IM-12"] == "not_met"
    assert _labels(replace(DAY, media=(good, Media("video", left=1, labelled=1))))["LAB-4.4"] == "met"


def test_what_was_given_on_a_request_is_not_due_for_the_explicit_label_and_is_for_the_implicit_one() -> None:
    both = Media("image", left=3, labelled=2, released=1)
    told = {fact.obligation: fact for fact in facts.labels(replace(DAY, media=(both,)), OWN)}
    assert (told["LAB-4.3"].result.value, told["LAB-5.1"].result.value, told["IM-12"].result.value) == ("met",) * 3
    assert "2/2" in told["LAB-4.3"].reason.en
    assert "1 more given on a user's request" in told["LAB-4.3"].reason.en
    assert "3/3" in told["LAB-5.1"].reason.en
    assert _labels(replace(DAY, media=(replace(both, labelled=1),)))["LAB-4.3"] == "not_met"
    cut = _labels(replace(DAY, media=(replace(both, released_part=1),)))
    assert (cut["LAB-4.3"], cut["LAB-5.1"]) == ("met", "undetermined")
    alone = _labels(replace(DAY, media=(Media("image", left=2, released=2),)))
    assert (alone["LAB-4.3"], alone["IM-12"], alone["LAB-5.1"]) == ("undetermined", "undetermined", "met")


def test_the_demos_code_meets_nothing() -> None:
    found = _labels(replace(DAY, media=(Media("image", left=1, labelled=1),)), Settings())
    assert (found["LAB-5.1"], found["IM-12"], found["LAB-4.3"]) == ("not_met", "not_met", "met")


def test_what_nobody_asked_for_or_handed_over_is_not_proved(server: Server) -> None:
    rows = today(server)
    assert rows["LAB-9"]["result"] == "undetermined"
    assert "nothing to prove it by" in rows["LAB-9"]["reason"]
    for citation in ("LAB-6.1", "LAB-6.2", "LAB-6.3", "LAB-6.4"):
        assert rows[citation]["result"] == "undetermined", "a platform's duty, of which nothing was seen"


def test_the_article_leads_to_the_rules_on_labels() -> None:
    assert {"DSP-16", "DSP-17.1", "LAB-4.1", "LAB-5.1"} == set(duty("IM-12").see)
    assert "图片、视频" in duty("IM-12").duty.zh
    assert duty("DSP-18").who == duty("LAB-10.2").who == ("anyone",)
    assert duty("LAB-10.1").who == ("user",)
    assert duty("LAB-6.1").who == ("platform",)
    assert duty("LAB-7").who == ("store",)


@pytest.mark.parametrize(
    ("clause", "name", "sense", "number"),
    [
        ("DSP-17.1", "service_classes", "exact", 5),
        ("LAB-9", "log_retention", "min", 6),
        ("GB45438-5.2", "text_height_ratio", "min", Decimal("0.05")),
        ("GB45438-5.3", "speech_rate_min", "min", 120),
        ("GB45438-5.3", "speech_rate_max", "max", 160),
        ("GB45438-5.4", "duration_seconds", "min", 2),
        ("GB45438-E.b", "label_fields", "exact", 7),
        ("GB45438-6.1c", "metadata_labels_per_file", "exact", 1),
    ],
)
def test_the_numbers_of_the_labels(clause: str, name: str, sense: str, number: object) -> None:
    found = register().number(clause, name)
    assert (found.sense, Decimal(str(found.value))) == (sense, Decimal(str(number)))


def test_what_is_encouraged_asks_nothing(board: dict[str, Json]) -> None:
    for citation in ("LAB-5.2", "GB45438-6.2"):
        assert board[citation]["result"] == "not_applicable"
        assert "鼓励 / encouragement" in block(said(citation), citation)
    assert "未经证实 / unconfirmed" in block(said("LAB-4"), "LAB-4.5")
