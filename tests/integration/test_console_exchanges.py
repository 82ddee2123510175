"""The list of exchanges and one exchange: filters, paging, and content that only some may read, on record."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta

import httpx2
import pytest

from hegui.evidence.keyring import open_keyring
from hegui.general.content.policy import UNMAPPED, Lane, Urgency
from hegui.kit import clock, ids
from hegui.people.permits import Act, Role, permits
from hegui.service.gateway.oversight.queries import OUTCOMES, PAGE
from tests.unit.people.desk import Action, Browser, Desk, Verdict, open_desk, see

QUESTION, ANSWER, WORD = "番茄怎么种才好", "番茄喜光，要多浇水", "合规样例词甲子"
OFFICER = Role.COMPLIANCE_OFFICER
ANNA, BERT = "a" * 32, "b" * 32


@pytest.fixture(scope="module")
def desk(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with open_desk(request.config, tmp_path_factory.mktemp("exchanges") / "data") as opened:
        yield opened


def hit(risk: str = "A.1.a") -> Verdict:
    return Verdict(risk, "keyword:2", "keyword", 0, 7, Action.REFUSE)


@pytest.fixture(scope="module")
def known(desk: Desk) -> dict[str, dict[str, str | None]]:
    """Record one exchange of each kind; return what each is, by its id."""
    for service in ("chat", "tutor"):
        desk.sql("INSERT INTO people_service VALUES (%s, '{}', now()) ON CONFLICT DO NOTHING", service)
    found: dict[str, dict[str, str | None]] = {}
    for number, outcome in enumerate(OUTCOMES):
        risk = "A.2.b" if number % 3 == 1 else "A.1.a" if number % 3 == 2 else None
        service, person = ("chat", "tutor")[number % 2], (ANNA, BERT, None)[number % 3]
        made = desk.exchange(
            outcome=outcome, service=service, person=person, inbound=[("x", hit(risk))] if risk else [],
            started=clock.now() - timedelta(minutes=40 * number),
        )  # fmt: skip
        found[made] = {"outcome": outcome, "risk": risk, "service": service, "person": person}
    return found


@pytest.fixture(scope="module")
def one(desk: Desk) -> str:
    """Record one refused exchange with content, and the library that names the word that hit."""
    folder = desk.settings.data / "libraries"
    folder.mkdir(exist_ok=True)
    (folder / "l1.json").write_text(json.dumps({"rows": [[2, WORD, "A.1.a"]]}))
    return desk.exchange(
        outcome="refused_output", person=ANNA, outbound=[("choices[0].content", hit())],
        question=json.dumps([{"role": "user", "content": QUESTION}], ensure_ascii=False),
        answer={"choices[0].content": ANSWER}, first_ms=7, streamed=True,
    )  # fmt: skip


def listed(answer: httpx2.Response) -> list[str]:
    assert answer.status_code == 200
    return re.findall(r'<a href="/exchanges/([0-9a-f-]{36})"><time', answer.text)


# --- filters ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_the_list_is_narrowed_by_outcome(desk: Desk, known: dict[str, dict[str, str]], outcome: str) -> None:
    found = set(listed(desk.browser(OFFICER).get(f"/exchanges?outcome={outcome}"))) & set(known)
    assert found == {number for number, what in known.items() if what["outcome"] == outcome}


@pytest.mark.parametrize(
    "wanted",
    [
        {"risk": "A.1.a"},
        {"risk": "A.2.b"},
        {"risk": "A.5.a"},
        {"service": "chat"},
        {"service": "tutor"},
        {"service": "no-such-service"},
        {"person": ANNA},
        {"person": BERT, "service": "tutor"},
        {"person": "nobody"},
        {"risk": "A.1.a", "service": "chat", "outcome": "set_answer"},
        {"outcome": "refused_input", "risk": "A.5.a"},
    ],
    ids=str,
)
def test_filters_narrow_together(desk: Desk, known: dict[str, dict[str, str]], wanted: dict[str, str]) -> None:
    answer = desk.browser(OFFICER).http.get("/exchanges", params={**wanted, "lang": "zh"})
    expected = {n for n, what in known.items() if all(what[key] == value for key, value in wanted.items())}
    assert set(listed(answer)) & set(known) == expected
    if not listed(answer):
        assert "没有符合条件的记录" in see(answer).text
    chosen = {item["value"] for item in see(answer).all("option") if "selected" in item and "value" in item}
    assert chosen >= {value for key, value in wanted.items() if key in {"outcome", "risk"}}


def test_blanks_around_a_filter_do_not_matter(desk: Desk, known: dict[str, dict[str, str]]) -> None:
    answer = desk.browser(OFFICER).http.get("/exchanges", params={"outcome": " refused_input ", "person": " "})
    assert {known[number]["outcome"] for number in set(listed(answer)) & set(known)} == {"refused_input"}


@pytest.mark.parametrize(
    "query", ["before=x", "before=1", "before=%00", "person=%00", "risk=A%001", "before=" + "x" * 36]
)
def test_a_filter_that_can_not_be_is_said_so(desk: Desk, query: str) -> None:
    answer = desk.browser(OFFICER).get(f"/exchanges?{query}&lang=zh")
    assert answer.status_code == 400
    assert "返回列表" in see(answer).text


@pytest.mark.parametrize("query", ["service=%27%3B--", "person=%25", "risk=%22%5D", "person=" + "x" * 5000, "x=y&&&="])
def test_odd_filters_find_nothing_or_all_and_break_nothing(desk: Desk, query: str) -> None:
    assert desk.browser(OFFICER).get(f"/exchanges?{query}").status_code == 200


def test_a_row_leads_to_its_exchange_and_to_everything_of_its_person(
    desk: Desk, known: dict[str, dict[str, str]]
) -> None:
    browser = desk.browser(OFFICER)
    page = see(browser.get("/exchanges"))
    (person,) = {a["href"] for a in page.all("a") if a.get("href") == f"?person={ANNA}"}
    found = set(listed(browser.get("/exchanges" + person))) & set(known)
    assert found == {number for number, what in known.items() if what["person"] == ANNA}


def test_the_live_part_is_rows_only_with_the_same_filter(desk: Desk, known: dict[str, dict[str, str]]) -> None:
    browser = desk.browser(OFFICER)
    whole = browser.get("/exchanges?service=tutor")
    (live,) = [item["hx-get"] for item in see(whole).all("tbody") if "hx-get" in item]
    part = browser.get(live)
    assert listed(part) == listed(whole)
    assert {tag for tag, _ in see(part).elements} <= {"tr", "td", "a", "time", "span", "small", "code"}


def test_the_chart_and_its_table_count_the_last_day(desk: Desk, known: dict[str, dict[str, str]], one: str) -> None:
    browser = desk.browser(OFFICER)
    page = browser.get("/exchanges?lang=zh")
    described = re.findall(r"<desc>(.*?)</desc>", page.text)
    total, blocked, unknown = desk.sql(
        "SELECT count(*), count(*) FILTER (WHERE outcome IN ('refused_input', 'refused_output', 'ended_input', 'ended_output', 'set_answer')),"
        " count(*) FILTER (WHERE outcome = 'undetermined') FROM gateway_exchange WHERE at > now() - interval '1 day'"
    )[0]
    assert described[0].startswith(f"共 {total} 次交互，拦截 {blocked} 次，未能检查 {unknown} 次")
    rows = re.findall(r"<tr><td>[^<]+</td>" + r'<td class="num">(\d+)</td>' * 5, page.text)
    assert [sum(int(row[n]) for row in rows) for n in range(3)] == [total, blocked, unknown]


# --- what was flagged ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("flagged", "wanted"), [("any", {"high", "low"}), ("high", {"high"}), ("medium", set()), ("low", {"low"})]
)
def test_the_list_is_narrowed_to_what_was_flagged_and_how_soon(desk: Desk, flagged: str, wanted: set[str]) -> None:
    person = ids.uuid7().replace("-", "")
    made = {desk.exchange(person=person, urgency=urgency): urgency for urgency in (Urgency.HIGH, Urgency.LOW, None)}
    answer = desk.browser(OFFICER).get(f"/exchanges?person={person}&flagged={flagged}&lang=zh")
    assert {str(made[number]) for number in listed(answer)} == wanted
    chosen = {item["value"] for item in see(answer).all("option") if "selected" in item and "value" in item}
    assert flagged in chosen


def test_a_find_that_belongs_to_no_risk_is_shown_with_its_lane_and_score(desk: Desk) -> None:
    find = Verdict(UNMAPPED, "guard:x", Lane.GUARD, 0, 3, Action.FLAG, 0.8125)
    made = desk.exchange(inbound=[("x", find)], urgency=Urgency.MEDIUM)
    browser = desk.browser(OFFICER)
    assert made in listed(browser.get(f"/exchanges?risk={UNMAPPED}"))
    page = see(browser.get(f"/exchanges/{made}?lang=zh")).text
    for shown in ("未对应风险", "护栏模型", "0.8125", "送审"):
        assert shown in page


def test_a_record_of_an_earlier_release_is_shown_still(desk: Desk) -> None:
    old = desk.exchange(outcome="refused_input", inbound=[("x", hit("A.9.z"))])
    kept = json.loads(desk.sql("SELECT payload FROM evidence_entry WHERE id = %s", old)[0][0])
    for key in ("audience", "shadow"):
        del kept[key]
    for key in ("model", "guard"):
        del kept["versions"][key]
    desk.sql("UPDATE evidence_entry SET payload = %s WHERE id = %s", json.dumps(kept), old)
    browser = desk.browser(OFFICER)
    assert browser.get(f"/exchanges/{old}").status_code == 200
    assert old in listed(browser.get("/exchanges"))


# --- paging ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [PAGE - 1, PAGE, PAGE + 1, 2 * PAGE + 20])
def test_paging_shows_everything_once_newest_first_and_keeps_the_filter(desk: Desk, count: int) -> None:
    person, browser = ids.uuid7().replace("-", ""), desk.browser(OFFICER)
    made = [desk.exchange(person=person) for _ in range(count)]
    desk.exchange(person=BERT)  # newer, of somebody else
    seen: list[str] = []
    address: str | None = f"/exchanges?person={person}"
    while address:
        answer = browser.get(address)
        seen += listed(answer)
        assert len(listed(answer)) <= PAGE
        # Older pages do not refresh themselves: rows would jump.
        assert any("hx-get" in item for item in see(answer).all("tbody")) is ("before=" not in address)
        address = next((a["href"] for a in see(answer).all("a") if a.get("rel") == "next"), None)
    assert seen == sorted(made, reverse=True)


# --- one exchange ----------------------------------------------------------------------------------


@pytest.mark.parametrize("role", list(Role))
def test_content_and_words_are_for_those_who_may_read_them(desk: Desk, one: str, role: Role) -> None:
    browser, may = desk.browser(role), permits(role, Act.READ_CONTENT)
    before = len(desk.entries("content.read"))
    page = browser.get(f"/exchanges/{one}?lang=zh")
    assert page.status_code == 200
    assert (WORD in page.text) is may
    assert QUESTION not in page.text
    assert ANSWER not in page.text
    assert ("解密查看" in page.text) is may
    for shown in ("输出被止", ANNA, "A.1.a", "keyword:2", "choices[0].content", "7 ms", "12 ms", "p1", "l1"):
        assert shown in see(page).text
    assert len(desk.entries("content.read")) == before  # looking at the record is not reading the content
    read = browser.post(f"/exchanges/{one}/content")
    assert read.status_code == (200 if may else 403)
    assert (QUESTION in read.text) is (ANSWER in read.text) is may
    entries = desk.entries("content.read")[before:]
    number = desk.sql("SELECT id FROM people_account WHERE name = %s", desk.name(role))[0][0]
    assert [json.loads(item) for item in entries] == ([{"by": str(number), "exchange": one}] if may else [])


def test_reading_twice_is_two_readings_on_record(desk: Desk, one: str) -> None:
    browser, before = desk.browser(OFFICER), len(desk.entries("content.read"))
    browser.get(f"/exchanges/{one}")
    for _ in range(2):
        assert browser.post(f"/exchanges/{one}/content").status_code == 200
    assert len(desk.entries("content.read")) == before + 2
    assert "content.read" in browser.get("/ledger").text


def test_content_can_not_be_had_by_following_a_link(desk: Desk, one: str) -> None:
    before = len(desk.entries("content.read"))
    answer = desk.browser(OFFICER).get(f"/exchanges/{one}/content")
    assert answer.status_code == 303
    assert answer.headers["location"] == f"/exchanges/{one}"
    assert QUESTION not in answer.text
    assert len(desk.entries("content.read")) == before


def test_the_database_alone_does_not_tell_the_content(desk: Desk, one: str) -> None:
    kept = str(desk.sql("SELECT x::text, encode(x.content, 'escape'), e::text FROM gateway_exchange x JOIN evidence_entry e USING (id) WHERE id = %s", one))  # fmt: skip
    assert ANNA in kept
    assert not any(text in kept for text in (QUESTION, ANSWER, WORD))


def test_erased_content_is_said_to_be_gone_and_its_reading_leaves_nothing(desk: Desk) -> None:
    gone = desk.exchange(person=BERT)
    desk.sql("UPDATE gateway_exchange SET content = NULL, content_key = NULL WHERE id = %s", gone)
    browser, before = desk.browser(OFFICER), len(desk.entries("content.read"))
    for answer in (browser.get(f"/exchanges/{gone}?lang=zh"), browser.post(f"/exchanges/{gone}/content")):
        assert answer.status_code == 200
        assert "正文已按期删除" in see(answer).text
        assert "解密查看" not in see(answer).text
    assert len(desk.entries("content.read")) == before


def test_an_erased_record_shows_its_commitment_and_no_verdict(desk: Desk) -> None:
    gone = desk.exchange(outcome="refused_input", inbound=[("x", hit())])
    desk.sql("UPDATE evidence_entry SET payload = NULL, salt = NULL, erased_at = now() WHERE id = %s", gone)
    answer = desk.browser(OFFICER).get(f"/exchanges/{gone}?lang=zh")
    (commitment,) = desk.sql("SELECT commitment FROM evidence_entry WHERE id = %s", gone)[0]
    assert answer.status_code == 200
    assert commitment in see(answer).text
    assert "记录已按期删除" in see(answer).text
    assert "keyword:2" not in answer.text


def test_the_content_of_another_exchange_does_not_open_here(desk: Desk, one: str) -> None:
    other = desk.exchange()
    desk.sql(
        "UPDATE gateway_exchange SET content = (SELECT content FROM gateway_exchange WHERE id = %s) WHERE id = %s",
        one, other,
    )  # fmt: skip
    browser = desk.browser(OFFICER)
    browser.get(f"/exchanges/{other}")
    before = len(desk.entries("content.read"))
    answer = browser.post(f"/exchanges/{other}/content")
    assert answer.status_code == 503
    assert "无法解密" in answer.text, "said, and not taken for content that was erased"
    assert QUESTION not in answer.text
    assert len(desk.entries("content.read")) == before


@pytest.mark.parametrize("number", [ids.uuid7(), "x", "1' OR '1'='1", "-" * 36, "0" * 36, ids.uuid7().upper()])
@pytest.mark.parametrize("what", ["", "/proof", "/content"])
def test_an_exchange_that_is_not_there_is_said_so(desk: Desk, what: str, number: str) -> None:
    browser = desk.browser(OFFICER)
    browser.get("/password?lang=zh")
    address = f"/exchanges/{number}{what}"
    answer = browser.post(address) if what == "/content" else browser.get(address)
    assert answer.status_code == 400
    assert re.search("没有这条记录|编号格式有误", see(answer).text)


def test_a_proof_can_be_had_once_the_record_is_sealed(desk: Desk) -> None:
    browser, made = desk.browser(Role.AUDITOR), desk.exchange()
    waiting = browser.get(f"/exchanges/{made}/proof")
    assert (waiting.status_code, waiting.headers["location"]) == (303, f"/exchanges/{made}")
    assert "等待封存" in see(browser.get(f"/exchanges/{made}?lang=zh")).text
    desk.seal()
    page = see(browser.get(f"/exchanges/{made}"))
    proof = browser.get(f"/exchanges/{made}/proof")
    assert "已封存" in page.text
    assert proof.headers["content-disposition"] == f'attachment; filename="{made}.tlog-proof"'
    assert proof.headers["content-type"].startswith("text/plain")
    index = re.search(r"^index (\d+)$", proof.text, re.MULTILINE)
    assert index is not None
    assert desk.sql("SELECT seq FROM evidence_entry WHERE id = %s", made) == [(int(index.group(1)),)]
    assert open_keyring(desk.settings.data).signer.name in proof.text


def test_the_ledgers_page_and_public_key_tell_the_same(desk: Desk) -> None:
    desk.seal()
    key = Browser(desk.url).get("/checkpoint/vkey").text.strip()
    page = see(desk.browser(Role.AUDITOR).get("/ledger?lang=zh"))
    assert key == desk.keyring.signer.vkey
    assert key in page.text
    assert re.search(r"待封存\s*: 0", page.text)


# --- files -----------------------------------------------------------------------------------------


def test_one_exchange_shows_its_files_and_their_labels(desk: Desk) -> None:
    media = [
        {"kind": "image", "container": "png", "bytes": 1234, "sha256": "ab" * 32, "explicit": "mark:bottom-right",
         "implicit": "iTXt XML:com.adobe.xmp/TC260:AIGC", "verdict": "present", "number": "0199-1", "signed": True, "sent": "url"},
        {"kind": "image", "container": "png", "bytes": 1, "sha256": "ef" * 32, "explicit": "released", "verdict": "present", "c2pa": "broken", "sent": "body"},
        {"kind": "audio", "container": "", "withheld": "not_verified"},
        {"kind": "audio", "bytes": 77, "sha256": "cd" * 32, "number": "0199", "sent": "part"},
    ]  # fmt: skip
    shown = desk.browser(OFFICER).get(f"/exchanges/{desk.exchange(media=media)}").text
    for part in (
        "mark:bottom-right",
        "TC260:AIGC",
        "0199-1",
        "ab" * 32,
        "1234",
        "未能加标识，已扣留",
        "not_verified",
        "cd" * 32,
        "中途断开",
        "应用户申请不加",
        "原 C2PA 清单已失效",
    ):
        assert part in shown
    assert "文件" not in desk.browser(OFFICER).get(f"/exchanges/{desk.exchange()}").text
