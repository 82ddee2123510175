"""The pages over real HTTP: reading is recorded, hits are marked, decisions are made, blindness holds on every page."""

from __future__ import annotations

import json
import re

import pytest

from hegui.app import BUS
from hegui.general.content.policy import Action, Urgency
from hegui.general.review.events import WordProposed
from hegui.general.review.models import Item
from hegui.kit.errors import InputError
from hegui.kit.text import Bi
from hegui.people.permits import Role
from tests.unit.people.desk import Browser, Desk, Verdict, see
from tests.unit.review.conftest import ANNA, BERT, Office

SAID = "请讲讲标记词甲的来历，或打13812345678"
NOTE = "<b>备注</b>"


@pytest.fixture(scope="module")
def people(desk: Desk, office: Office) -> dict[str, Browser]:
    found = {name: Browser(desk.url) for name in (ANNA, BERT)}
    for name, browser in found.items():
        assert browser.sign_in(name).status_code == 303
    return found | {"officer": desk.browser(Role.COMPLIANCE_OFFICER)}


def flagged(office: Office, percent: int = 0, said: str = "", answer: str = "好的") -> Item:
    said = said or SAID
    hits = [
        ("messages[0].content", Verdict("A.1.a", "keyword:2", "exact", 3, 7, Action.FLAG)),
        ("messages[0].content", Verdict("A.4.f", "personal:mobile", "personal", 13, 24, Action.PASS)),
    ]
    office.desk.exchange(
        question=json.dumps([{"role": "user", "content": said}], ensure_ascii=False), urgency=Urgency.HIGH,
        inbound=hits, answer={"choices[0].message.content": answer}, service="chat",
    )  # fmt: skip
    made = office.queue(percent)
    return made[0]


def test_what_was_said_is_read_by_taking_and_only_then_and_it_is_recorded(
    desk: Desk, office: Office, people: dict[str, Browser]
) -> None:
    item, anna = flagged(office, answer="<script>回答</script>"), people[ANNA]
    before = len(desk.entries("content.read"))
    page = anna.get(f"/review/{item.id}?lang=zh")
    assert page.status_code == 200
    assert "标记词甲" not in page.text
    assert len(desk.entries("content.read")) == before
    taken = anna.post(f"/review/{item.id}/take")
    assert taken.status_code == 200
    text = re.sub(r"\s+", " ", see(taken).text)
    assert "标记词甲" in text
    assert re.search(r"<mark title=\"A\.1\.a exact keyword:2 \">标记词甲<sup>1</sup></mark>", taken.text)
    assert "<script>回答" not in taken.text
    assert "回答" in taken.text
    (entry,) = desk.entries("content.read")[before:]
    assert json.loads(entry)["exchange"] == item.exchange_id
    shown = re.findall(r'<textarea name="label"[^>]*>(.*?)</textarea>', taken.text, re.DOTALL)
    assert "13812345678" not in shown[0]
    assert "138******78" in shown[0], "what is kept by default has no personal information"
    again = anna.get(f"/review/{item.id}/take")
    assert (again.status_code, again.headers["location"]) == (303, f"/review/{item.id}")
    assert "标记词甲" not in people[BERT].get(f"/review/{item.id}").text
    refused = people[BERT].post(f"/review/{item.id}/take")
    assert refused.status_code == 403
    assert "标记词甲" not in refused.text


def test_a_decision_is_made_and_a_mistake_loses_nothing(desk: Desk, office: Office, people: dict[str, Browser]) -> None:
    item, anna = flagged(office, said="请说说标记词甲丙丁戊己庚辛壬癸子丑寅卯辰巳午未"), people[ANNA]
    anna.get(f"/review/{item.id}?lang=zh")
    anna.post(f"/review/{item.id}/take")
    form = {
        "verdict": "violates", "risk": "", "note": NOTE, "word": "标记词甲", "word_risk": "A.1.a", "add_word": "1",
        "label": "说标记词甲", "label_side": "input", "keep_label": "1", "case": "说标记词甲", "case_side": "input",
        "keep_case": "1", "expected": "", "phrase": "", "rule": "keyword:2",
    }  # fmt: skip
    wrong = anna.post(f"/review/{item.id}/decide", form)
    assert wrong.status_code == 400
    assert "违规须指明" in see(wrong).text
    assert "&lt;b&gt;备注&lt;/b&gt;" in wrong.text
    assert {item["name"] for item in see(wrong).all("input") if "checked" in item} >= {
        "verdict",
        "add_word",
        "keep_label",
    }
    assert desk.sql("SELECT count(*) FROM review_decision WHERE item_id = %s", item.id) == [(0,)]
    done = anna.post(f"/review/{item.id}/decide", form | {"risk": "A.1.a"})
    assert (done.status_code, done.headers["location"]) == (303, f"/review?done={item.id}")
    assert "已记录" in see(anna.get(done.headers["location"])).text
    learned = [found for found in map(json.loads, desk.entries("review.learned")) if found["item"] == item.id]
    assert learned[0]["kinds"] == ["word", "label", "case"]
    kept = (
        "SELECT action FROM review_excerpt e JOIN review_decision d ON d.id = e.decision_id"
        " WHERE e.kind = 'case' AND d.item_id = %s"
    )
    assert desk.sql(kept, item.id) == [("refuse",)], "what violates should be refused unless somebody says otherwise"
    assert "违规" in see(anna.get("/review/mine")).text
    page = see(people[BERT].get(f"/review/{item.id}?lang=zh")).text
    assert "已决" in page
    assert ANNA in page


def test_a_proposal_that_is_refused_leaves_nothing_half_done(
    desk: Desk, office: Office, people: dict[str, Browser]
) -> None:
    item, anna = flagged(office, said="请问标记词甲丙丁戊己庚辛壬癸子丑寅卯辰巳午戌"), people[ANNA]

    def refuse(_session: object, event: WordProposed) -> None:
        if event.item == item.id:
            raise InputError(Bi(f"词库已有 {event.text}", "it is there"), Bi("换一个词", "choose another"))

    BUS.on(WordProposed, refuse)
    anna.get(f"/review/{item.id}?lang=zh")
    anna.post(f"/review/{item.id}/take")
    before = len(desk.entries("review.decided"))
    form = {"verdict": "violates", "risk": "A.1.a", "add_word": "1", "word": "丙丁戊己庚", "word_risk": "A.1.a"}
    answer = anna.post(f"/review/{item.id}/decide", form)
    assert answer.status_code == 400
    assert "词库已有 丙丁戊己庚" in see(answer).text
    assert desk.sql("SELECT count(*) FROM review_decision WHERE item_id = %s", item.id) == [(0,)]
    assert len(desk.entries("review.decided")) == before
    assert anna.post(f"/review/{item.id}/decide", form | {"add_word": ""}).status_code == 303


def test_no_page_tells_the_second_what_the_first_decided(
    desk: Desk, office: Office, people: dict[str, Browser]
) -> None:
    item, bert = flagged(office, percent=100, said="请问标记词甲丙丁戊己庚辛壬癸子丑寅卯辰巳午申"), people[BERT]
    people[ANNA].get(f"/review/{item.id}")
    people[ANNA].post(f"/review/{item.id}/take")
    people[ANNA].post(f"/review/{item.id}/decide", {"verdict": "cannot_tell", "note": "初审所记"})
    for path in (
        "/review?lang=zh",
        f"/review/{item.id}",
        "/review/mine",
        "/review/agreement",
        "/ledger",
        f"/exchanges/{item.exchange_id}",
    ):
        page = bert.get(path)
        assert page.status_code == 200
        assert "无法判断" not in see(page).text.replace("3 无法判断", ""), path
        assert "cannot_tell" not in page.text, path
        assert "初审" not in page.text, path
    taken = bert.post(f"/review/{item.id}/take")
    assert not any("checked" in found for found in see(taken).all("input"))
    assert "初审" not in taken.text
    assert bert.post(f"/review/{item.id}/decide", {"verdict": "fine"}).status_code == 303
    settling = people["officer"].post(f"/review/{item.id}/take")
    assert settling.status_code == 200, "who settles sees both"
    assert {"初审", "复审"} <= set(re.findall("初审|复审", settling.text))


@pytest.mark.parametrize("role", [Role.ADMINISTRATOR, Role.AUDITOR])
def test_who_does_not_review_sees_agreement_alone(desk: Desk, office: Office, role: Role) -> None:
    item, browser = flagged(office, said=f"请问标记词甲丙丁戊己庚辛壬癸子丑寅卯辰巳午{role}"), desk.browser(role)
    for path in ("/review", f"/review/{item.id}", "/review/mine"):
        assert browser.get(path).status_code == 403
    for path in (f"/review/{item.id}/take", f"/review/{item.id}/decide", "/review/labels", "/review/cases"):
        assert browser.post(path).status_code == 403
    assert browser.get("/review/agreement").status_code == 200


def test_a_reviewer_hands_nothing_out_and_an_officer_does(people: dict[str, Browser]) -> None:
    people[ANNA].get("/review/agreement")
    assert people[ANNA].post("/review/labels").status_code == 403
    people["officer"].get("/review/agreement")
    answer = people["officer"].post("/review/cases")
    assert answer.status_code == 200
    assert answer.headers["content-disposition"] == 'attachment; filename="cases.jsonl"'
    assert all(json.loads(line)["expected"] for line in answer.text.splitlines())


def test_what_was_erased_is_said_and_can_still_be_decided(
    desk: Desk, office: Office, people: dict[str, Browser]
) -> None:
    item = flagged(office, said="请问标记词甲丙丁戊己庚辛壬癸子丑寅卯辰巳午酉")
    desk.sql("UPDATE gateway_exchange SET content = NULL WHERE id = %s", item.exchange_id)
    before = len(desk.entries("content.read"))
    people[ANNA].get(f"/review/{item.id}?lang=zh")
    page = people[ANNA].post(f"/review/{item.id}/take")
    assert "正文已按期删除" in see(page).text
    assert len(desk.entries("content.read")) == before
    assert people[ANNA].post(f"/review/{item.id}/decide", {"verdict": "cannot_tell"}).status_code == 303


@pytest.mark.parametrize("query", ["urgency=x", "risk=A.9", "lane=x", "whose=x", "late=2", "service=%00", "late=%00"])
def test_a_filter_that_can_not_be_is_said_so(people: dict[str, Browser], query: str) -> None:
    answer = people[ANNA].get(f"/review?{query}&lang=zh")
    assert answer.status_code == 400
    assert "在列表上方选择" in see(answer).text


@pytest.mark.parametrize(
    "form", [{}, {"verdict": "x"}, {"verdict": "fine", "keep_case": "1"}, {"verdict": "fine", "keep_label": "1"}]
)
def test_a_form_that_says_nothing_is_answered_with_what_is_missing(
    office: Office, people: dict[str, Browser], form: dict[str, str]
) -> None:
    item = flagged(office, said=f"请问标记词甲丙丁戊己庚辛壬癸子丑寅卯辰巳午{sorted(form.items())}")
    people[ANNA].get("/review?lang=zh")
    people[ANNA].post(f"/review/{item.id}/take")
    answer = people[ANNA].post(f"/review/{item.id}/decide", form)
    assert answer.status_code == 400
    assert "选择结论" in see(answer).text


@pytest.mark.parametrize("path", ["/review/x", "/review/00000000-0000-0000-0000-000000000000"])
def test_an_item_that_is_not_there_is_said_so(people: dict[str, Browser], path: str) -> None:
    assert people[ANNA].get(path).status_code == 400
    assert people[ANNA].post(f"{path}/take").status_code == 400
    assert people[ANNA].post(f"{path}/decide", {"verdict": "fine"}).status_code == 400


def test_agreement_has_a_picture_that_says_what_it_shows(people: dict[str, Browser]) -> None:
    page = people["officer"].get("/review/agreement?lang=zh")
    assert "太少" in see(page).text
    (described,) = re.findall(r"<desc>(.*?)</desc>", page.text)
    assert "对，一致" in described
    english = people["officer"].get("/review/agreement?lang=en")
    assert "too few to say" in see(english).text
    people["officer"].get("/review/agreement?lang=zh")
