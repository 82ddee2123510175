"""The rulebook's pages over real HTTP: what two people do there, what is shown to whom, in both languages, and safely."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hegui.law import register
from hegui.people.permits import Role
from tests.integration.test_console_pages import ATTACKS, harmless
from tests.unit.people.desk import Browser, Desk, see
from tests.unit.rulebook.conftest import TWO

OFFICER, REVIEWER, AUDITOR, ADMIN = Role.COMPLIANCE_OFFICER, Role.REVIEWER, Role.AUDITOR, Role.ADMINISTRATOR
WORD = "标记词丁"


@pytest.fixture(scope="module")
def second(desk: Desk) -> Browser:
    browser = Browser(desk.url)
    assert browser.sign_in(TWO).status_code == 303
    return browser


def form(browser: Browser, page: str, path: str, **fields: str) -> int:
    """Send a form from a page and return the status."""
    browser.get(page)
    return browser.post(path, fields).status_code


def propose(browser: Browser, **fields: str) -> int:
    given = {"kind": "word", "word": WORD, "risk": "A.1.b", "why": "举报", **fields}
    return form(browser, "/rulebook/words/new", "/rulebook/words/new", **given)


def only_word(desk: Desk) -> str:
    ((number,),) = desk.sql("SELECT id::text FROM rulebook_word")
    return str(number)


def rows(browser: Browser, address: str, table: str) -> list[str]:
    text = browser.get(address).text
    body = re.search(rf'<table id="{table}">.*?<tbody>(.*?)</tbody>', text, re.DOTALL)
    assert body, address
    return re.findall(r"<tr.*?</tr>", body.group(1), re.DOTALL)


def test_a_word_is_proposed_approved_and_taken_back_by_its_buttons(desk: Desk) -> None:
    reviewer, officer = desk.browser(REVIEWER), desk.browser(OFFICER)
    assert (
        propose(
            reviewer, near="标记同现", within="20", lane_exact="1", action="mask", until="2030-01-02", source="12345"
        )
        == 303
    )
    number = only_word(desk)
    page = reviewer.get("/rulebook/words")
    assert WORD in page.text
    assert "标记同现" in page.text
    assert f"/rulebook/words/{number}/approve" not in page.text
    assert f"/rulebook/words/{number}/take-back" in page.text
    assert f"/rulebook/words/{number}/approve" in officer.get("/rulebook/words?state=proposed").text
    assert officer.post(f"/rulebook/words/{number}/approve").status_code == 303
    assert "2030-01-02" in rows(officer, "/rulebook/words?state=live", "words")[0]
    assert form(officer, "/rulebook/words", f"/rulebook/words/{number}/take-back", why="") == 400
    assert form(officer, "/rulebook/words", f"/rulebook/words/{number}/take-back", why="误伤") == 303
    assert "误伤" in rows(officer, "/rulebook/words?state=withdrawn", "words")[0]
    assert rows(officer, "/rulebook/words?state=live", "words") == [
        row for row in rows(officer, "/rulebook/words?state=live", "words") if "没有符合条件" in row
    ]


def test_the_author_sees_no_button_to_approve_and_is_refused_without_one(desk: Desk) -> None:
    officer = desk.browser(OFFICER)
    propose(officer)
    number = only_word(desk)
    page = officer.get("/rulebook/words").text
    assert f"/rulebook/words/{number}/approve" not in page
    assert f"/rulebook/words/{number}/refuse" not in page
    assert f"/rulebook/words/{number}/urgent" in page
    answer = officer.post(f"/rulebook/words/{number}/approve")
    assert answer.status_code == 403
    assert "请由另一人批准" in answer.text


def test_an_urgent_word_shows_its_end_and_the_second_person_settles_it(desk: Desk, second: Browser) -> None:
    officer = desk.browser(OFFICER)
    propose(officer)
    number = only_word(desk)
    assert form(officer, "/rulebook/words", f"/rulebook/words/{number}/urgent", why="正在扩散") == 303
    overview = see(officer.get("/rulebook")).text
    assert "紧急生效，失效于" in overview
    assert "最近的失效时刻" in overview
    assert form(second, "/rulebook/words", f"/rulebook/words/{number}/approve") == 303
    assert "最近的失效时刻" not in see(officer.get("/rulebook")).text
    desk.sql("UPDATE rulebook_word SET approver = NULL, lapses_at = now() - interval '1 second'")
    assert number in rows(officer, "/rulebook/words?state=lapsed", "words")[0]
    assert "没有符合条件" in rows(officer, "/rulebook/words?state=live", "words")[0]


def test_a_mistake_keeps_what_was_typed_beside_the_error(desk: Desk) -> None:
    browser = desk.browser(REVIEWER)
    browser.get("/rulebook/words/new")
    answer = browser.post(
        "/rulebook/words/new",
        {"kind": "word", "word": WORD, "risk": "A.1.b", "near": "乙", "why": "举报", "lane_pinyin": "1"},
    )
    page = see(answer)
    assert answer.status_code == 400
    assert "同现与距离须一起给出" in page.text
    assert {item["name"]: item.get("value") for item in page.all("input") if item.get("name") in {"word", "near"}} == {
        "word": WORD, "near": "乙",
    }  # fmt: skip
    assert [item["name"] for item in page.all("input") if "checked" in item] == ["lane_pinyin"]
    browser.get("/rulebook/policies/new")
    answer = browser.post("/rulebook/policies/new", {"body": "input: {risks: {Z: flag}}", "why": "试"})
    assert answer.status_code == 400
    assert "未知的 risks：Z" in answer.text
    assert "input: {risks: {Z: flag}}" in answer.text


def test_words_are_searched_as_they_are_compared_and_filtered_by_risk(desk: Desk) -> None:
    browser = desk.browser(REVIEWER)
    propose(browser, word="标记词Abc", risk="A.1.b")
    propose(browser, word="标记词xyz", risk="A.1.c")
    assert len(rows(browser, "/rulebook/words", "words")) == 2
    (found,) = rows(browser, "/rulebook/words?text=%E8%AF%8D%EF%BC%A1%EF%BC%A2", "words")
    assert "标记词Abc" in found
    (found,) = rows(browser, "/rulebook/words?risk=A.1.c", "words")
    assert "标记词xyz" in found
    assert "没有符合条件" in rows(browser, "/rulebook/words?text=%25", "words")[0]
    (found,) = rows(
        browser, "/rulebook/words?text=%E5%90%88%E8%A7%84%E6%A0%B7%E4%BE%8B%E8%AF%8D%E7%94%B2%E5%AD%90", "file"
    )
    assert "kind=removal&amp;rule=keyword:2" in found
    for query in ("state=x", "risk=Z", "before=1", "before=%27"):
        assert browser.get(f"/rulebook/words?{query}").status_code == 400


def test_an_exception_and_a_removal_of_the_file_go_through_the_form(desk: Desk) -> None:
    reviewer, officer = desk.browser(REVIEWER), desk.browser(OFFICER)
    page = see(reviewer.get("/rulebook/words/new?kind=exception&rule=keyword:2"))
    assert {"keyword:2"} <= {item.get("value") for item in page.all("input")}
    assert propose(reviewer, kind="exception", rule="keyword:2", phrase="合规样例词甲子类") == 303
    assert form(officer, "/rulebook/words", f"/rulebook/words/{only_word(desk)}/approve") == 303
    assert propose(reviewer, kind="removal", rule="keyword:2", why="误伤") == 400
    assert propose(reviewer, kind="removal", rule="keyword:3", why="误伤") == 303
    found = rows(
        reviewer, "/rulebook/words?text=%E5%90%88%E8%A7%84%E6%A0%B7%E4%BE%8B%E8%AF%8D%E7%94%B2%E5%AD%90", "file"
    )
    assert "由例外代替" in found[0]
    desk.sql("UPDATE rulebook_word SET rule = 'keyword:9' WHERE kind = 'exception'")
    (shown,) = [row for row in rows(reviewer, "/rulebook/words", "words") if "甲子类" in row]
    assert ("keyword:2" in shown, "keyword:9" in shown) == (True, False), "the row in which its word stands now"
    desk.sql("UPDATE rulebook_word SET text = '标记词子', folded = '标记词子' WHERE kind = 'removal'")
    assert any("词库文件里已没有这个词" in row for row in rows(reviewer, "/rulebook/words", "words"))


def test_a_version_is_written_compared_tried_and_put_in_force(desk: Desk) -> None:
    reviewer, officer = desk.browser(REVIEWER), desk.browser(OFFICER)
    new = "/rulebook/policies/new"
    assert form(reviewer, new, new, body="input: {risks: {A.1.b: flag}}", why="误伤多") == 303
    diff = rows(officer, "/rulebook/policies/1", "diff")
    assert len(diff) == 1
    assert all(part in diff[0] for part in ("A.1.b", "输入动作", "拒答", "送审"))
    assert form(reviewer, "/rulebook/policies/1", "/rulebook/policies/1/live") == 403
    assert form(officer, "/rulebook/policies/1", "/rulebook/policies/1/live", why="") == 400
    assert form(reviewer, "/rulebook/policies/1", "/rulebook/policies/1/shadow") == 303
    assert "/shadow?policy=" in officer.get("/rulebook/policies/1").text
    assert form(officer, "/rulebook/policies/1", "/rulebook/policies/1/live") == 303
    assert "input: {risks: {A.1.b: flag}}" in reviewer.get(new).text, "the live one is where the next begins"
    assert form(reviewer, new, new, body="input: {risks: {A.1.b: flag, A.2.a: mask}}", why="再改") == 303
    (against_live,) = rows(officer, "/rulebook/policies/2", "diff")
    assert "A.2.a" in against_live
    assert len(rows(officer, "/rulebook/policies/2?against=file", "diff")) == 2
    assert form(officer, "/rulebook/policies/2", "/rulebook/policies/2/withdraw", why="不需要") == 303
    assert "不需要" in officer.get("/rulebook/policies/2").text
    for number in ("9", "x", "99999999999", "-1", "²"):
        assert officer.get(f"/rulebook/policies/{number}").status_code == 400


def test_a_version_that_the_file_no_longer_bears_says_so_on_its_page(desk: Desk) -> None:
    reviewer = desk.browser(REVIEWER)
    form(reviewer, "/rulebook/policies/new", "/rulebook/policies/new", body="", why="只用文件")
    desk.sql("UPDATE rulebook_policy SET body = 'input: {risks: {A.1.a: answer}}'")
    answer = reviewer.get("/rulebook/policies/1")
    assert answer.status_code == 200
    assert "却没有答案" in answer.text


def replayed(browser: Browser, text: str, file: tuple[str, bytes] | None = None, **more: str) -> tuple[int, str]:
    browser.get("/rulebook/replay")
    files = {"file": file} if file else {"file": ("", b"")}
    fields = {"csrf": browser.csrf, "number": "1", "side": "input", "texts": text, **more}
    answer = browser.http.post("/rulebook/replay", data=fields, files=files)
    return answer.status_code, see(answer).text


def test_a_replay_shows_what_differs_and_keeps_nothing(desk: Desk) -> None:
    browser = desk.browser(REVIEWER)
    form(browser, "/rulebook/policies/new", "/rulebook/policies/new", body="input: {risks: {A.1.a: flag}}", why="试")
    texts = "标记一行\r\n说说合规样例词甲子吧\r\n\r\n另一行"
    status, text = replayed(browser, texts)
    assert status == 200
    assert "3 条文本，1 条不同" in text
    assert "粘贴 pasted:2说说合规样例词甲子吧A.1.a 拒答送审" in text
    assert "0 条不同" in replayed(browser, texts, side="output")[1]
    lines = '{"text": "合规样例词甲子"}\n{"text": "合规样例词甲子", "side": "output"}\n坏行\n'
    status, text = replayed(browser, "", ("texts.jsonl", lines.encode()))
    assert "2 条文本，1 条不同 · 1 条未能检查" in text
    assert "texts.jsonl:3" in text
    lines = '{"text": "合规样例词甲子", "expected": "flag"}\n{"text": "合规样例词甲子", "expected": "refuse"}\n{"text": "标记", "expected": "no"}\n'
    status, text = replayed(browser, "", ("cases.jsonl", lines.encode()))
    assert "2 条用例，1 条不合预期" in text
    assert "cases.jsonl:2合规样例词甲子拒答送审" in text
    assert "cases.jsonl:3 未知的预期动作" in text
    assert replayed(browser, "", ("texts.txt", b"\xb1\xea\xbc\xc7"))[0] == 400
    assert replayed(browser, " ")[0] == 400
    assert replayed(browser, "x", side="up")[0] == 400
    big = "\n".join(f"第{n}行标记" for n in range(60_000))
    status, text = replayed(browser, "", ("big.txt", big.encode()))
    assert "60000 条文本，0 条不同" in text
    assert replayed(browser, "", ("big.txt", b"x" * 5_000_000))[0] == 413
    for table in ("evidence_entry", "rulebook_policy", "rulebook_word"):
        assert desk.sql(f"SELECT count(*) FROM {table} t WHERE t::text LIKE '%%合规样例词甲子%%'") == [(0,)]


def test_set_answers_are_proposed_approved_and_withdrawn(desk: Desk) -> None:
    reviewer, officer = desk.browser(REVIEWER), desk.browser(OFFICER)
    page = "/rulebook/answers"
    assert form(reviewer, page, page, question="标记问题？", answer="标记答案", risk="A.1.a") == 303
    ((number,),) = desk.sql("SELECT id::text FROM rulebook_answer")
    assert f"{page}/{number}/approve" not in reviewer.get(page).text
    assert form(officer, page, f"{page}/{number}/approve") == 303
    assert "标记答案" in rows(reviewer, f"{page}?state=live", "answers")[0]
    assert "标记答案" in rows(reviewer, f"{page}?text=%E9%97%AE%E9%A2%98", "answers")[0]
    assert form(officer, page, f"{page}/{number}/take-back", why="过时") == 303
    assert form(officer, page, f"{page}/{number}/refuse", why="过时") == 400
    answer = reviewer.post(page, {"question": "？", "answer": "留下的答案", "risk": ""})
    assert (answer.status_code, "留下的答案" in answer.text) == (400, True)


def test_the_audit_holds_the_library_with_its_edits_against_the_law(desk: Desk, tmp_path: Path) -> None:
    reviewer, officer = desk.browser(REVIEWER), desk.browser(OFFICER)
    need = register().whole("GBT45654-B.1.1", "keyword_total")
    found = rows(officer, "/rulebook/library", "audit")
    assert f"/ ≥ {need:,}" in found[0]
    before = int(re.findall(r"(\d+) / ≥", found[0])[0])
    assert "?" in found[-1]
    assert "无法判定" in found[-1]
    propose(reviewer)
    form(officer, "/rulebook/words", f"/rulebook/words/{only_word(desk)}/approve")
    found = rows(officer, "/rulebook/library", "audit")
    assert f"{before + 1} / ≥" in found[0]
    assert "批准了最近一个词" in found[-1]
    assert "已满足" in found[-1]


@pytest.mark.parametrize("role", list(Role))
def test_set_answers_in_a_policy_are_shown_to_who_may_read_content_alone(desk: Desk, role: Role) -> None:
    reviewer, new = desk.browser(REVIEWER), "/rulebook/policies/new"
    body = (
        "answers: {{A.1.a: 标记答案壹, A.1.b: 标记答案贰}}  # 标记注释\n"
        "services: {{tutor: {{answers: {{A.1.c: {0}}}}}}}\naudiences: {{minors: {{answers: {{A.1.c: 标记答案肆}}}}}}\n"
    )
    for said in ("标记答案叁", "标记答案伍"):
        assert form(reviewer, new, new, body=body.format(said), why="试") == 303
    page = desk.browser(role).get("/rulebook/policies/2?against=file").text
    shown = role in {OFFICER, REVIEWER}
    assert [text in page for text in ("标记答案壹", "标记答案贰", "标记答案肆", "标记答案伍", "标记注释")] == [
        shown
    ] * 5
    assert "A.1.b" in page
    (changed,) = rows(desk.browser(role), "/rulebook/policies/2?against=1", "diff")
    assert "tutor" in changed, "that an answer changed is told to all"
    assert ("标记答案伍" in changed) is shown
    assert ("代答与注释只对可查看正文者显示" in page) is not shown


@pytest.mark.parametrize("role", list(Role))
def test_each_role_sees_what_it_may(desk: Desk, role: Role) -> None:
    propose(desk.browser(REVIEWER))
    browser = desk.browser(role)
    reads, writes = role in {OFFICER, REVIEWER}, role in {OFFICER, REVIEWER}
    assert (WORD in browser.get("/rulebook").text) is reads
    assert browser.get("/rulebook/library").status_code == 200
    assert (browser.get("/rulebook/words").status_code == 200) is reads
    assert (browser.get("/rulebook/answers").status_code == 200) is reads
    for address in ("/rulebook/words/new", "/rulebook/policies/new", "/rulebook/replay"):
        assert (browser.get(address).status_code == 200) is writes
    assert (propose(browser, word="标记词戊") == 303) is writes


def test_without_a_session_or_its_token_nothing_happens(desk: Desk) -> None:
    assert Browser(desk.url).post("/rulebook/words/new", {"word": WORD}).headers["location"] == "/sign-in"
    reviewer = desk.browser(REVIEWER)
    assert reviewer.post("/rulebook/words/new", {"word": WORD, "risk": "A.1.b", "csrf": "x"}).status_code >= 400
    assert desk.sql("SELECT count(*) FROM rulebook_word") == [(0,)]


def test_every_page_is_harmless_and_speaks_both_languages(desk: Desk) -> None:
    reviewer, officer = desk.browser(REVIEWER), desk.browser(OFFICER)
    attack = "".join(ATTACKS)
    assert propose(reviewer, word=attack[:60], why=attack, source=attack) == 303
    form(
        reviewer,
        "/rulebook/policies/new",
        "/rulebook/policies/new",
        body=f"answers: {{A.1.a: {attack!r}}}".replace("\\", ""),
        why=attack,
    )
    form(
        reviewer,
        "/rulebook/policies/new",
        "/rulebook/policies/new",
        body="answers: {A.1.a: '<script>1</script>'}",
        why=attack,
    )
    form(reviewer, "/rulebook/answers", "/rulebook/answers", question=attack, answer=attack, why=attack)
    newest = desk.sql("SELECT max(number) FROM rulebook_policy")[0][0]
    addresses = ["/rulebook", f"/rulebook/policies/{newest}", "/rulebook/policies/new", "/rulebook/words", "/rulebook/words/new",
                 "/rulebook/words/new?kind=exception", "/rulebook/words/new?kind=removal", "/rulebook/answers",
                 "/rulebook/replay", "/rulebook/library", "/shadow"]  # fmt: skip
    for address in addresses:
        for lang, other in (("en", "en"), ("zh", "zh-CN")):
            answer = officer.get(f"{address}{'&' if '?' in address else '?'}lang={lang}")
            assert answer.status_code == 200, address
            assert see(answer).all("html")[0]["lang"] == other
            harmless(answer)
    english = see(officer.get("/rulebook?lang=en")).text
    assert "Words that wait for another person" in english
    officer.get("/rulebook?lang=zh")
