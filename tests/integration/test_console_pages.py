"""The pages themselves: both languages, headers, nothing from elsewhere, and text that stays text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import quote

import httpx2
import pytest

from hegui.console.headers import ALL
from hegui.kit import clock, ids
from hegui.law import register
from hegui.people.facts import RESULT_NAMES, Result
from hegui.people.permits import Role
from tests.unit.people.desk import PASSWORD, Action, Browser, Desk, Verdict, open_desk, see

LAW = register()
OFFICER, ADMIN = Role.COMPLIANCE_OFFICER, Role.ADMINISTRATOR
ATTACKS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'><svg/onload=alert(1)>",
    "</textarea></pre></title><iframe src=//evil.example>",
    "javascript:alert(1)",
    "{{ 7 * 7 }}{% raw %}",
    "&lt;b&gt;&#60;script&#62;",
)
OFFICIAL = {instrument.url for instrument in LAW.instruments}


@pytest.fixture(scope="module")
def desk(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with open_desk(request.config, tmp_path_factory.mktemp("pages") / "data") as opened:
        yield opened


@pytest.fixture(scope="module")
def exchange(desk: Desk) -> str:
    """Record an exchange whose every free text is an attack, with a word of the library that is one too."""
    attack = "".join(ATTACKS)
    library = desk.settings.data / "libraries"
    library.mkdir()
    (library / "l1.json").write_text(json.dumps({"rows": [[2, attack, "A.1.a"]]}))
    hit = Verdict("A.1.a", "keyword:2", "keyword", 0, 3, Action.REFUSE)
    return desk.exchange(
        outcome="refused_input", model=attack, person="p" * 32, inbound=[("messages[0].content", hit)],
        question=json.dumps([{"role": attack, "content": attack}, {"role": "user", "content": [{"text": attack}]}]),
        answer={attack: attack}, label=attack, not_scanned=[attack],
    )  # fmt: skip


def addresses(exchange: str) -> list[str]:
    law = [f"/law/{i.id}" for i in LAW.instruments]
    return ["/", "/exchanges", f"/exchanges/{exchange}", "/ledger", "/accounts", "/keys", "/waivers", "/password",
            "/law/IM/14", "/law/IM/1", "/nowhere", "/law/XX", "/exchanges/no-id", *law]  # fmt: skip


def harmless(answer: httpx2.Response) -> None:
    """Hold a page to what the browser may do with it: no script but ours, nothing from elsewhere, nothing inline."""
    page = see(answer)
    assert [item for item in page.all("script") if item.get("src") != "/static/htmx.min.js"] == []
    assert not {"iframe", "object", "embed", "base", "style"} & {tag for tag, _ in page.elements}
    assert [a for _, attrs in page.elements for a in attrs if a.startswith("on") or a in {"style", "srcdoc"}] == []
    assert [url for url in page.loaded() if not re.match(r"/(?!/)|\?", url)] == []
    outside = {a["href"] for a in page.all("a") if "href" in a and not re.match(r"/(?!/)|[?#]", a["href"])}
    assert outside <= OFFICIAL
    assert {a["rel"] for a in page.all("a") if a.get("href") in outside} <= {"noreferrer"}


# --- the board -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lang", "tag", "words"),
    [
        ("zh", "zh-CN", ("第 {} 条", "尚未建成：service.complaints", "时限：")),
        ("en", "en", ("Art. {}", "not built: service.complaints", "term: ")),
    ],
)
def test_the_board_has_24_rows_with_result_reason_and_what_is_due(
    desk: Desk, lang: str, tag: str, words: tuple[str, str, str]
) -> None:
    number, unbuilt, due = words
    answer = desk.browser(Role.AUDITOR).get(f"/?lang={lang}")
    page = see(answer)
    rows = re.findall(r'<li class="(\w+)">\s*<a href="/law/IM/(\d+)">(.*?)</a></li>', answer.text, re.DOTALL)
    assert page.all("html")[0]["lang"] == tag
    assert [int(row[1]) for row in rows] == list(range(1, 25))
    for result, article, body in rows:
        name = RESULT_NAMES[Result(result)].pick(lang)
        assert f'<span class="result {result}">{name}</span>' in body
        assert number.format(article) in body
        assert re.search(r'<span class="reason">\S', body)
    text = {int(row[1]): row[2] for row in rows}
    assert unbuilt in text[15]
    assert rows[14][0] == "undetermined"
    assert any(due in body for body in text.values())
    assert not any(row[0] == "met" for row in rows)
    tally = dict(re.findall(r'<li class="(\w+)"><b>(\d+)</b>', answer.text))
    assert {key: int(value) for key, value in tally.items()} == {
        result.value: sum(row[0] == result for row in rows) for result in Result
    }


def test_the_board_lists_every_other_instrument_with_its_counts(desk: Desk) -> None:
    answer = desk.browser(Role.AUDITOR).get("/")
    links = [a["href"] for a in see(answer).all("a")]
    for instrument in LAW.instruments:
        assert (f"/law/{instrument.id}" in links) is (instrument.id != "IM")


def test_a_waiver_is_seen_on_board_and_article_until_it_expires(desk: Desk) -> None:
    day = clock.today() + timedelta(days=9)
    reviewer, officer = desk.browser(Role.REVIEWER), desk.browser(OFFICER)
    reviewer.get("/waivers?obligation=IM-13")
    form = {"obligation": " IM-13 ", "reason": "只在校内使用", "expires": day.isoformat()}
    assert reviewer.post("/waivers", form).status_code == 303
    (number,) = desk.sql("SELECT id FROM people_waiver WHERE obligation = 'IM-13'")[0]
    assert "只在校内使用" not in officer.get("/law/IM/13").text
    assert officer.post(f"/waivers/{number}/approve").status_code == 303
    for address in ("/", "/law/IM/13"):
        assert f"经批准豁免至 {day}：只在校内使用" in see(officer.get(address)).text
    assert f"期限 {day}" in see(officer.get("/")).text
    desk.sql("UPDATE people_waiver SET expires = %s WHERE id = %s", clock.today(), number)
    for address in ("/", "/law/IM/13"):
        assert "尚未建成：service.continuity" in see(officer.get(address)).text
        assert "只在校内使用" not in see(officer.get(address)).text
    assert "已到期" in see(officer.get("/waivers")).text


# --- articles --------------------------------------------------------------------------------------


@pytest.mark.parametrize("article", LAW.measures.articles, ids=lambda article: str(article.number))
def test_an_article_shows_summary_duties_marks_and_the_official_text(desk: Desk, article: object) -> None:
    found = next(item for item in LAW.measures.articles if item is article)
    for lang in ("zh", "en"):
        answer = desk.browser(Role.AUDITOR).get(f"/law/IM/{found.number}?lang={lang}")
        page, words = see(answer), " ".join
        assert answer.status_code == 200
        assert words(found.summary.bi.pick(lang).split()) in page.text
        for obligation in found.obligations:
            assert obligation.id in {a.get("id") for a in page.all("article")}
            assert words(obligation.duty.bi.pick(lang).split()) in page.text
        assert LAW.measures.url in {a["href"] for a in page.all("a")}
        waive = {f"/waivers?obligation={o.id}" for o in found.obligations if o.binds_provider}
        assert waive <= {a["href"] for a in page.all("a")}


def test_what_is_unconfirmed_is_marked_and_what_was_read_is_not(desk: Desk) -> None:
    for _, article, obligation in list(LAW.obligations())[:80]:
        if article in LAW.measures.articles:
            answer = desk.browser(Role.AUDITOR).get(f"/law/IM/{article.number}?lang=zh")
            (heading,) = re.findall(rf'id="{re.escape(obligation.id)}">\s*<h3>(.*?)</h3>', answer.text, re.DOTALL)
            assert ("未经证实" in heading) is (obligation.mark == "K")


@pytest.mark.parametrize(
    "address", ["/law/XX", "/law/IM/99", "/law/IM/0", "/law/im/1", "/law/IM/%00", "/law/%3Cb%3E/1"]
)
def test_an_article_that_is_not_there_is_said_so(desk: Desk, address: str) -> None:
    answer = desk.browser(Role.AUDITOR).get(f"{address}?lang=zh")
    assert answer.status_code == 400
    assert "法规数据中没有" in see(answer).text
    harmless(answer)


# --- every page ------------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("role", [OFFICER, ADMIN])
def test_every_page_keeps_to_itself_in_both_languages(desk: Desk, exchange: str, role: Role, lang: str) -> None:
    browser = desk.browser(role)
    for address in addresses(exchange):
        answer = browser.get(f"{address}?lang={lang}")
        page = see(answer)
        assert answer.headers["content-type"] == "text/html; charset=utf-8", address
        assert {name: answer.headers.get(name) for name in ALL} == ALL, address
        assert answer.headers["cache-control"] == "no-store", address
        harmless(answer)
        assert page.all("html") == [{"lang": "en" if lang == "en" else "zh-CN"}]
        assert len(page.all("main")) == len(page.all("h1")) == 1, address
        assert page.all("title"), address
        labelled = [i for i in page.all("input") if i.get("type") != "hidden"]
        assert len(page.all("label")) >= len(labelled) + len(page.all("select")) + len(page.all("textarea"))


@pytest.mark.parametrize(
    ("address", "status"),
    [("/sign-in", 200), ("/healthz", 200), ("/checkpoint", 404), ("/checkpoint/vkey", 200), ("/nowhere", 404), ("/", 303), ("/static/style.css", 200), ("/static/%2e%2e/frame.py", 404), ("/static/nope.js", 404)],
)  # fmt: skip
def test_answers_without_a_session_carry_the_headers_too(desk: Desk, address: str, status: int) -> None:
    answer = Browser(desk.url).get(address)
    assert answer.status_code == status
    assert {name: answer.headers.get(name) for name in ALL} == ALL
    assert (answer.headers.get("cache-control") == "no-store") is not address.startswith("/static/")


def test_the_policy_lets_nothing_in_from_elsewhere_and_nothing_inline() -> None:
    policy = dict(part.strip().partition(" ")[::2] for part in ALL["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["object-src"] == policy["base-uri"] == "'none'"
    assert policy["form-action"] == "'self'"
    assert not re.search(r"unsafe|\*|http", ALL["Content-Security-Policy"])


def test_style_sheet_and_scripts_name_no_other_place(desk: Desk) -> None:
    browser = Browser(desk.url)
    style = browser.get("/static/style.css").text
    assert not re.search(r"@import|url\((?!['\"]?(?:data:|/))|https?://", style)
    assert see(browser.get("/static/icon.svg")).loaded() == []


# --- language --------------------------------------------------------------------------------------


def test_the_language_is_chinese_until_asked_and_then_remembered(desk: Desk) -> None:
    browser = Browser(desk.url)
    assert see(browser.get("/sign-in")).all("html")[0]["lang"] == "zh-CN"
    assert see(browser.get("/sign-in?lang=en")).all("html")[0]["lang"] == "en"
    browser.sign_in("auditor")
    for address in ("/", "/exchanges", "/nowhere"):
        assert see(browser.get(address)).all("html")[0]["lang"] == "en"
    assert see(browser.get("/ledger?lang=zh")).all("html")[0]["lang"] == "zh-CN"
    assert see(browser.get("/")).all("html")[0]["lang"] == "zh-CN"


@pytest.mark.parametrize("lang", ["fr", "", "<script>", "zh-TW", "e" * 5000])
def test_an_unknown_language_is_chinese(desk: Desk, lang: str) -> None:
    answer = Browser(desk.url).http.get("/sign-in", params={"lang": lang})
    assert see(answer).all("html")[0]["lang"] == "zh-CN"
    harmless(answer)


def test_switching_the_language_keeps_what_was_asked(desk: Desk) -> None:
    browser = desk.browser(Role.AUDITOR)
    answer = browser.get("/exchanges?outcome=answered&person=%22%3E%26x&lang=zh")
    (link,) = [a for a in see(answer).all("a") if a.get("hreflang") == "en"]
    assert httpx2.URL(link["href"]).params == httpx2.QueryParams(
        {"outcome": "answered", "person": '">&x', "lang": "en"}
    )
    english = browser.get("/exchanges" + link["href"])
    assert see(english).all("html")[0]["lang"] == "en"
    browser.get("/?lang=zh")


def test_the_language_link_of_a_page_that_answers_a_form_leads_to_where_the_form_was(desk: Desk, exchange: str) -> None:
    browser = desk.browser(OFFICER)
    one = f"/exchanges/{exchange}"
    browser.get(one)
    answer = browser.post(f"{one}/content", {}, referer=desk.url + one)
    (link,) = [a["href"] for a in see(answer).all("a") if a.get("hreflang")]
    assert answer.status_code == 200
    assert browser.get(link).status_code == 200
    browser.get("/?lang=zh")


# --- stored attacks --------------------------------------------------------------------------------


def readable(answer: httpx2.Response, *attacks: str) -> None:
    harmless(answer)
    page = see(answer)
    values = [attrs["value"] for attrs in page.all("input") if "value" in attrs]
    for attack in attacks:
        assert attack in page.text or attack in values, attack


def test_names_and_reasons_are_shown_as_they_were_written(desk: Desk) -> None:
    admin, reviewer = desk.browser(ADMIN), desk.browser(Role.REVIEWER)
    for number, attack in enumerate(ATTACKS):
        opened = admin.post("/accounts", {"name": attack, "role": "reviewer"})
        assert opened.status_code == 200
        readable(opened, attack)
        form = {"obligation": "IM-9.2", "reason": attack, "expires": "2099-01-01"}
        reviewer.get("/waivers")
        assert reviewer.post("/waivers", form).status_code == 303, number
    readable(admin.get("/accounts"), *ATTACKS)
    readable(reviewer.get("/waivers"), *ATTACKS)
    for (number,) in desk.sql("SELECT id FROM people_waiver WHERE obligation = 'IM-9.2'"):
        desk.browser(OFFICER).post(f"/waivers/{number}/approve")
    page = reviewer.get("/law/IM/9")
    readable(page)
    assert any(attack in see(page).text for attack in ATTACKS)
    harmless(reviewer.get("/"))


def test_a_person_with_such_a_name_signs_in_and_every_page_stays_whole(desk: Desk, exchange: str) -> None:
    name = "<b onclick=x>" + ATTACKS[1][:40]
    desk.add(name, OFFICER)
    browser = Browser(desk.url)
    assert browser.sign_in(name).status_code == 303
    for address in addresses(exchange):
        harmless(browser.get(address))
    readable(browser.get("/"), name)


def test_what_users_and_models_said_is_shown_as_it_was_said(desk: Desk, exchange: str) -> None:
    officer = desk.browser(OFFICER)
    readable(officer.get("/exchanges"), *ATTACKS[:3])
    readable(officer.get(f"/exchanges/{exchange}"), *ATTACKS[:3])
    page = officer.post(f"/exchanges/{exchange}/content")
    readable(page, *ATTACKS[:3])
    assert "7 * 7" in see(page).text
    harmless(desk.browser(Role.AUDITOR).get("/ledger"))


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("where", ["/exchanges?person=", "/exchanges?service=", "/exchanges?risk=", "/waivers?obligation=", "/law/", "/?lang="])  # fmt: skip
def test_what_an_address_says_stays_text(desk: Desk, where: str, attack: str) -> None:
    browser = desk.browser(OFFICER)
    path, _, key = where.partition("?")
    if key:
        answer = browser.http.get(path, params={key.removesuffix("="): attack})
    else:
        answer = browser.http.get(path + quote(attack, safe=""))
    harmless(answer)


@pytest.mark.parametrize(
    ("came", "back"),
    [
        ("https://evil.example/", "/"),
        ("javascript:alert(1)", "/"),
        ("//evil.example/x", "/"),
        ("{base}//evil.example/x", "/"),
        ("", "/"),
        ("{base}/exchanges?outcome=answered", "/exchanges?outcome=answered"),
    ],
)
def test_the_way_back_from_an_error_is_one_of_ours(desk: Desk, came: str, back: str) -> None:
    answer = desk.browser(OFFICER).get("/exchanges/no-id", referer=came.format(base=desk.url))
    (link,) = [a["href"] for a in see(answer).all("a") if a.get("class") == "button"]
    assert link == back


# --- forms with mistakes ---------------------------------------------------------------------------

BIG = "很长" * 20_000
MISTAKES = [
    (ADMIN, "/accounts", {"name": "", "role": "auditor"}, 400, "为空或已被使用"),
    (ADMIN, "/accounts", {"name": "admin", "role": "auditor"}, 400, "为空或已被使用"),
    (ADMIN, "/accounts", {"name": "someone"}, 400, "未知角色"),
    (ADMIN, "/accounts", {"name": "someone", "role": "emperor"}, 400, "未知角色"),
    (ADMIN, "/accounts", {"role": "auditor"}, 400, "为空或已被使用"),
    (ADMIN, "/accounts", {"name": "x" * 65, "role": "auditor"}, 400, "过长"),
    (ADMIN, "/accounts", {"name": BIG, "role": "auditor"}, 413, "过长"),
    (ADMIN, f"/accounts/{ids.uuid7()}/close", {}, 400, "没有这个账号"),
    (ADMIN, "/accounts/1/close", {}, 400, "编号格式有误"),
    (ADMIN, "/accounts/ADMIN/close", {}, 400, "编号格式有误"),
    (ADMIN, "/keys", {"service": ""}, 400, "不合格式"),
    (ADMIN, "/keys", {}, 400, "不合格式"),
    (ADMIN, "/keys", {"service": "聊天"}, 400, "不合格式"),
    (ADMIN, "/keys", {"service": "a" * 64}, 400, "不合格式"),
    (ADMIN, f"/keys/{ids.uuid7()}/revoke", {}, 400, "没有编号为"),
    (ADMIN, f"/keys/{'-' * 36}/revoke", {}, 400, "编号格式有误"),
    (OFFICER, "/waivers", {"obligation": "IM-15", "reason": "理由甲", "expires": "31.12.2099"}, 400, "无法理解"),
    (OFFICER, "/waivers", {"obligation": "IM-15", "reason": "理由甲", "expires": ""}, 400, "无法理解"),
    (OFFICER, "/waivers", {"obligation": "IM-15", "reason": "理由甲", "expires": "2020-01-01"}, 400, "今天之后"),
    (OFFICER, "/waivers", {"obligation": "IM-15", "reason": "  ", "expires": "2099-01-01"}, 400, "理由"),
    (OFFICER, "/waivers", {"obligation": "IM-151", "reason": "理由甲", "expires": "2099-01-01"}, 400, "没有 IM-151"),
    (OFFICER, "/waivers", {"reason": "理由甲", "expires": "2099-01-01"}, 400, "没有"),
    (OFFICER, "/waivers", {"obligation": "IM-15", "reason": BIG, "expires": "2099-01-01"}, 413, "过长"),
    (OFFICER, f"/waivers/{ids.uuid7()}/approve", {}, 400, "没有这个豁免"),
    (OFFICER, "/waivers/x/approve", {}, 400, "编号格式有误"),
    (OFFICER, f"/exchanges/{ids.uuid7()}/content", {}, 400, "没有这条记录"),
    (OFFICER, "/password", {"old": PASSWORD, "new": "a new password", "again": "another password"}, 400, "两次输入"),
    (OFFICER, "/password", {"old": PASSWORD, "new": "short", "again": "short"}, 400, "密码过弱"),
    (OFFICER, "/password", {"old": PASSWORD, "new": PASSWORD, "again": PASSWORD}, 400, "与旧密码相同"),
    (OFFICER, "/password", {"old": "wrong", "new": "a new password", "again": "a new password"}, 400, "现在的密码不正确"),
    (OFFICER, "/password", {}, 400, "现在的密码不正确"),
]  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: f"{mistake[1]}-{mistake[4]}")
def test_a_mistake_in_a_form_is_explained_and_changes_nothing(
    desk: Desk, mistake: tuple[Role, str, dict[str, str], int, str]
) -> None:
    role, path, form, status, said = mistake
    tables = ("people_account", "people_api_key", "people_service", "people_waiver", "evidence_entry", "people_session")
    browser = desk.browser(role)
    before = [desk.sql(f"SELECT count(*) FROM {table}") for table in tables]
    browser.get("/password?lang=zh")
    answer = browser.post(path, form)
    page = see(answer)
    assert answer.status_code == status
    assert said in page.text
    assert len([attrs for _, attrs in page.elements if attrs.get("role") == "alert"]) == 1
    harmless(answer)
    assert [desk.sql(f"SELECT count(*) FROM {table}") for table in tables] == before
    assert browser.signed_in


@pytest.mark.parametrize("wrong", ["expires", "obligation"])
def test_a_mistake_in_a_waiver_loses_nothing_that_was_typed(desk: Desk, wrong: str) -> None:
    typed = {"obligation": "IM-15", "reason": "第一行\n第二行 <b>", "expires": "2099-01-01", wrong: "错误的值"}
    browser = desk.browser(OFFICER)
    browser.get("/waivers")
    answer = browser.post("/waivers", typed)
    page = see(answer)
    fields = {item["name"]: item.get("value") for item in page.all("input")}
    assert answer.status_code == 400
    assert (fields["obligation"], fields["expires"]) == (typed["obligation"], typed["expires"])
    assert typed["reason"] in "".join(page.texts)
    right = {**typed, "obligation": "IM-15", "expires": "2099-01-01"}
    assert browser.post("/waivers", right).status_code == 303  # the token of the page with the mistake works


@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data; boundary=x", "text/plain"])
def test_a_body_that_is_no_form_does_nothing(desk: Desk, kind: str) -> None:
    browser = desk.browser(ADMIN)
    browser.get("/keys")
    body = json.dumps({"csrf": browser.csrf, "service": "chat"}).encode()
    before = desk.sql("SELECT count(*) FROM people_api_key")
    answer = browser.http.post("/keys", content=body, headers={"content-type": kind})
    assert answer.status_code == 403
    assert desk.sql("SELECT count(*) FROM people_api_key") == before


def test_what_is_shown_once_is_not_shown_again(desk: Desk) -> None:
    admin = desk.browser(ADMIN)
    admin.get("/keys")
    shown = admin.post("/keys", {"service": "once"})
    (secret,) = re.findall(r"hg-[\w-]{43}", shown.text)
    opened = admin.post("/accounts", {"name": f"once-{ids.uuid7()}", "role": "auditor"})
    (password,) = re.findall(r"<code>([\w-]{20})</code></div>", opened.text)
    for address in ("/keys", "/accounts", "/ledger", "/"):
        again = admin.get(address).text
        assert secret not in again
        assert password not in again
    assert f"…{secret[-4:]}" in admin.get("/keys").text
