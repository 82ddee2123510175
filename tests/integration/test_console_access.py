"""Who gets in, what each role finds open, and what a form from elsewhere can not do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

import httpx2
import pytest

from hegui.app import ROUTES
from hegui.kit import ids
from hegui.people import accounts, sessions, throttle
from hegui.people.permits import ROLE_NAMES, Act, Role, permits
from hegui.store import unit_of_work
from tests.unit.people.desk import PASSWORD, Browser, Desk, open_desk, see

NOBODY = ids.uuid7()
FIRST = "/exchanges/{exchange}"
PAGES = (
    ("GET", "/", Act.READ_BOARD),
    ("GET", "/law/{instrument}", Act.READ_BOARD),
    ("GET", "/law/{instrument}/{number}", Act.READ_BOARD),
    ("GET", "/exchanges", Act.READ_EXCHANGES),
    ("GET", "/exchanges/{id}", Act.READ_EXCHANGES),
    ("POST", "/exchanges/{id}/content", Act.READ_CONTENT),
    ("GET", "/exchanges/{id}/content", Act.READ_EXCHANGES),
    ("GET", "/exchanges/{id}/proof", Act.READ_EXCHANGES),
    ("GET", "/review", Act.REVIEW),
    ("GET", "/review/mine", Act.REVIEW),
    ("GET", "/review/agreement", Act.READ_EXCHANGES),
    ("POST", "/review/labels", Act.EXPORT_LABELS),
    ("POST", "/review/cases", Act.EXPORT_LABELS),
    ("GET", "/review/{id}", Act.REVIEW),
    ("POST", "/review/{id}/take", Act.REVIEW),
    ("GET", "/review/{id}/take", Act.REVIEW),
    ("POST", "/review/{id}/release", Act.REVIEW),
    ("POST", "/review/{id}/decide", Act.REVIEW),
    ("GET", "/review/{id}/decide", Act.REVIEW),
    ("GET", "/rulebook", Act.READ_BOARD),
    ("GET", "/rulebook/policies/new", Act.WRITE_RULES),
    ("POST", "/rulebook/policies/new", Act.WRITE_RULES),
    ("GET", "/rulebook/policies/{number}", Act.READ_BOARD),
    ("POST", "/rulebook/policies/{number}/shadow", Act.WRITE_RULES),
    ("POST", "/rulebook/policies/{number}/live", Act.APPROVE_RULES),
    ("POST", "/rulebook/policies/{number}/withdraw", Act.WRITE_RULES),
    ("GET", "/rulebook/replay", Act.WRITE_RULES),
    ("POST", "/rulebook/replay", Act.WRITE_RULES),
    ("GET", "/rulebook/library", Act.READ_BOARD),
    ("GET", "/rulebook/words", Act.READ_CONTENT),
    ("GET", "/rulebook/words/new", Act.WRITE_RULES),
    ("POST", "/rulebook/words/new", Act.WRITE_RULES),
    ("POST", "/rulebook/words/{id}/approve", Act.APPROVE_RULES),
    ("POST", "/rulebook/words/{id}/urgent", Act.APPROVE_RULES),
    ("POST", "/rulebook/words/{id}/refuse", Act.APPROVE_RULES),
    ("POST", "/rulebook/words/{id}/take-back", Act.WRITE_RULES),
    ("GET", "/rulebook/answers", Act.READ_CONTENT),
    ("POST", "/rulebook/answers", Act.WRITE_RULES),
    ("POST", "/rulebook/answers/{id}/approve", Act.APPROVE_RULES),
    ("POST", "/rulebook/answers/{id}/refuse", Act.APPROVE_RULES),
    ("POST", "/rulebook/answers/{id}/take-back", Act.WRITE_RULES),
    ("GET", "/shadow", Act.READ_EXCHANGES),
    ("GET", "/releases", Act.READ_RELEASES),
    ("POST", "/releases/log", Act.EXPORT_RELEASES),
    ("GET", "/releases/{id}", Act.READ_RELEASES),
    ("POST", "/releases/{id}/approve", Act.DECIDE_RELEASES),
    ("POST", "/releases/{id}/refuse", Act.DECIDE_RELEASES),
    ("POST", "/releases/{id}/revoke", Act.DECIDE_RELEASES),
    ("GET", "/uploads", Act.READ_UPLOADS),
    ("GET", "/uploads/{id}", Act.READ_UPLOADS),
    ("GET", "/ledger", Act.READ_BOARD),
    ("GET", "/accounts", Act.MANAGE_ACCOUNTS),
    ("POST", "/accounts", Act.MANAGE_ACCOUNTS),
    ("POST", "/accounts/{id}/close", Act.MANAGE_ACCOUNTS),
    ("GET", "/keys", Act.MANAGE_KEYS),
    ("POST", "/keys", Act.MANAGE_KEYS),
    ("POST", "/keys/{id}/revoke", Act.MANAGE_KEYS),
    ("GET", "/waivers", Act.READ_BOARD),
    ("POST", "/waivers", Act.WRITE_WAIVER),
    ("POST", "/waivers/{id}/approve", Act.APPROVE_WAIVER),
    ("GET", "/password", Act.READ_BOARD),
    ("POST", "/password", Act.READ_BOARD),
)
POSTS = [path for method, path, _ in PAGES if method == "POST"]


@pytest.fixture(scope="module")
def desk(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with open_desk(request.config, tmp_path_factory.mktemp("access") / "data") as opened:
        yield opened


@pytest.fixture(autouse=True)
def counts_begin_anew(desk: Desk) -> None:
    desk.sql("DELETE FROM people_attempts")


@pytest.fixture
def person(desk: Desk) -> str:
    name = f"person-{ids.uuid7()}"
    desk.add(name, Role.AUDITOR)
    return name


def filled(path: str) -> str:
    return path.format(instrument="IM", number="14", id=NOBODY)


def ask(browser: Browser, method: str, path: str) -> httpx2.Response:
    return browser.get(path) if method == "GET" else browser.post(path, {})


def entries(desk: Desk) -> int:
    return int(desk.sql("SELECT count(*) FROM evidence_entry")[0][0])


# --- each role and each page -----------------------------------------------------------------------


def test_the_table_of_pages_is_whole() -> None:
    assert {(method, route.path, route.act) for route in ROUTES for method in route.methods} == {
        (method, path, act.value) for method, path, act in PAGES
    }


@pytest.mark.parametrize(("method", "path", "act"), PAGES, ids=lambda value: str(value).replace("/", "."))
@pytest.mark.parametrize("role", list(Role))
def test_a_role_gets_what_it_may_and_is_told_who_may_the_rest(
    desk: Desk, role: Role, method: str, path: str, act: Act
) -> None:
    browser = desk.browser(role)
    before = entries(desk)
    answer = ask(browser, method, filled(path))
    page = see(answer)
    if permits(role, act):
        assert answer.status_code in {200, 400}
        assert "无权" not in page.text
    else:
        assert answer.status_code == 403
        assert f"{ROLE_NAMES[role].zh}无权进行此操作" in page.text
        for may in Role:
            assert (ROLE_NAMES[may].zh in page.text.partition("请由")[2].partition("操作")[0]) is permits(may, act)
    handed_over = act in {Act.EXPORT_LABELS, Act.EXPORT_RELEASES} and permits(role, act)
    assert entries(desk) == before + handed_over, "nothing is left but of what was handed over"


@pytest.mark.parametrize("role", list(Role))
def test_the_menu_holds_what_the_role_may_open_and_nothing_else(desk: Desk, role: Role) -> None:
    browser = desk.browser(role)
    links = {a["href"] for a in see(browser.get("/ledger")).all("a")}
    for route in ROUTES:
        if route.menu is not None:
            assert (route.path in links) is permits(role, Act(route.act)), route.path
            assert (browser.get(route.path).status_code == 200) is permits(role, Act(route.act)), route.path


@pytest.mark.parametrize(("method", "path"), [(method, path) for method, path, _ in PAGES])
def test_without_signing_in_every_page_leads_to_the_sign_in(desk: Desk, method: str, path: str) -> None:
    stranger = Browser(desk.url)
    for given in ({}, {"cookie": "hegui_session="}, {"cookie": "hegui_session=made-up"}):
        answer = stranger.http.request(method, filled(path), headers=given)
        assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
        assert answer.text == ""


@pytest.mark.parametrize(("method", "path"), [(m, p) for m, p, _ in PAGES if p != "/password"])
def test_a_first_password_opens_nothing_but_its_own_change(desk: Desk, method: str, path: str) -> None:
    name = f"new-{ids.uuid7()}"
    with unit_of_work(desk.store) as session:
        opened = accounts.open_account(session, desk.account(session, "admin"), name, Role.ADMINISTRATOR)
    browser = Browser(desk.url)
    assert browser.sign_in(name, opened.password).status_code == 303
    browser.get("/password")
    answer = ask(browser, method, filled(path))
    assert (answer.status_code, answer.headers["location"]) == (303, "/password")


@pytest.mark.parametrize("wrong", ["absent", "empty", "made up", "of another session", "in the address"])
@pytest.mark.parametrize("path", [*POSTS, "/sign-out"])
def test_a_form_without_the_token_of_its_session_does_nothing(desk: Desk, path: str, wrong: str) -> None:
    roles = {"/keys": Role.ADMINISTRATOR, "/accounts": Role.ADMINISTRATOR}
    role = next((r for start, r in roles.items() if path.startswith(start)), Role.COMPLIANCE_OFFICER)
    browser, other = desk.browser(role), desk.browser(Role.AUDITOR)
    browser.get("/password")
    other.get("/password")
    forms = {
        "absent": {}, "empty": {"csrf": ""}, "made up": {"csrf": "x" * 32}, "of another session": {"csrf": other.csrf},
        "in the address": {},
    }  # fmt: skip
    where = filled(path) + (f"?csrf={browser.csrf}" if wrong == "in the address" else "")
    more = {"name": "x", "role": "auditor", "service": "chat", "obligation": "IM-15", "reason": "x"}
    before = entries(desk)
    answer = browser.http.post(where, data={**more, "expires": "2099-01-01", **forms[wrong]})
    assert answer.status_code == 403
    assert "表单已失效" in see(answer).text
    assert "set-cookie" not in answer.headers
    assert entries(desk) == before
    assert browser.signed_in


@pytest.mark.parametrize(("method", "path", "_act"), PAGES)
def test_other_methods_do_nothing(desk: Desk, method: str, path: str, _act: Act) -> None:
    browser, before = desk.browser(Role.ADMINISTRATOR), entries(desk)
    for other in ("PUT", "DELETE", "PATCH"):
        answer = browser.http.request(other, filled(path))
        assert answer.status_code == 405
        assert see(answer).all("a")
    assert entries(desk) == before


# --- signing in over HTTP --------------------------------------------------------------------------


def cookie(answer: httpx2.Response, name: str) -> dict[str, str]:
    """Return the attributes of a cookie that an answer sets, lower-case; empty when it sets none."""
    for line in answer.headers.get_list("set-cookie"):
        if line.startswith(f"{name}="):
            parts = [part.strip().partition("=") for part in line.split(";")]
            return {"value": parts[0][2], **{key.lower(): value.lower() for key, _, value in parts[1:]}}
    return {}


@pytest.mark.parametrize("secure", [False, True])
def test_cookies_are_out_of_reach_of_scripts_other_sites_and_when_asked_plain_http(
    desk: Desk, person: str, secure: bool
) -> None:
    with desk.serving(secure_cookies=secure) as url:
        browser = Browser(url)
        before = browser.get("/sign-in?lang=en")
        # A jar keeps secure cookies away from plain HTTP, so the form's token is sent by hand.
        given = cookie(before, "hegui_before")["value"]
        form = {"name": person, "password": PASSWORD, "csrf": given}
        answer = browser.http.post("/sign-in", data=form, headers={"cookie": f"hegui_before={given}"})
    assert answer.status_code == 303
    for name, found in (("hegui_before", cookie(before, "hegui_before")), ("hegui_session", cookie(answer, "hegui_session"))):  # fmt: skip
        assert found["samesite"] == "strict", name
        assert found["path"] == "/"
        assert "httponly" in found
        assert ("secure" in found) is secure
        assert not {"domain", "max-age", "expires"} & set(found)  # ends with the browser
    assert ("secure" in cookie(before, "hegui_lang")) is secure
    assert cookie(answer, "hegui_before")["max-age"] == "0"


def test_a_token_that_was_planted_before_signing_in_opens_nothing(desk: Desk, person: str) -> None:
    browser = Browser(desk.url)
    browser.http.cookies.set("hegui_session", "planted")
    answer = browser.sign_in(person)
    token = cookie(answer, "hegui_session")["value"]
    assert token != "planted"
    assert len(token) >= 43
    thief = Browser(desk.url)
    thief.http.cookies.set("hegui_session", "planted")
    assert not thief.signed_in


def test_signing_in_again_ends_the_browsers_former_session(desk: Desk, person: str) -> None:
    browser, thief = Browser(desk.url), Browser(desk.url)
    first = cookie(browser.sign_in(person), "hegui_session")["value"]
    thief.http.cookies.set("hegui_session", first)
    assert thief.signed_in
    second = cookie(browser.sign_in(person), "hegui_session")["value"]
    assert second != first
    assert browser.signed_in
    assert not thief.signed_in


@pytest.mark.parametrize("given", ["absent", "other", "cookie missing"])
def test_a_sign_in_form_from_elsewhere_is_not_looked_at(desk: Desk, person: str, given: str) -> None:
    browser = Browser(desk.url)
    browser.get("/sign-in")
    form = {"name": person, "password": PASSWORD, "csrf": {"absent": "", "other": "x"}.get(given, browser.csrf)}
    if given == "cookie missing":
        browser.http.cookies.clear()
    answer = browser.http.post("/sign-in", data=form)
    page = see(answer)
    assert answer.status_code == 403
    assert "表单已失效" in page.text
    assert not cookie(answer, "hegui_session")
    assert desk.sql("SELECT count(*) FROM people_attempts") == [(0,)]
    assert browser.sign_in(person).status_code == 303  # the form that came back works


def test_a_wrong_password_says_neither_which_was_wrong_and_keeps_the_name(desk: Desk, person: str) -> None:
    said = []
    for name in (person, "nobody"):
        browser = Browser(desk.url)
        browser.get("/sign-in")
        answer = browser.post("/sign-in", {"name": name, "password": "wrong"})
        page = see(answer)
        assert answer.status_code == 403
        assert next(item for item in page.all("input") if item["name"] == "name")["value"] == name
        assert "wrong" not in answer.text
        said.append(page.text)
    assert said[0] == said[1]
    assert "账号或密码不正确" in said[0]


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_who_fails_too_often_is_told_when_to_come_back_and_others_are_not_touched(
    desk: Desk, person: str, lang: str
) -> None:
    guesser = Browser(desk.url, **{"x-forwarded-for": "203.0.113.5"})
    guesser.get(f"/sign-in?lang={lang}")
    codes = [guesser.post("/sign-in", {"name": person, "password": "x"}).status_code for _ in range(throttle.PAIR.free)]
    assert codes == [403] * throttle.PAIR.free
    answer = guesser.post("/sign-in", {"name": person, "password": PASSWORD})
    assert answer.status_code == 429
    seconds = int(answer.headers["retry-after"])
    assert 0 < seconds <= throttle.PAIR.first.total_seconds()
    assert {"zh": f"请 {seconds} 秒后再试", "en": f"try again in {seconds} seconds"}[lang] in see(answer).text
    owner = Browser(desk.url, **{"x-forwarded-for": "198.51.100.20"})
    assert owner.sign_in(person).status_code == 303


@pytest.mark.parametrize("name", ["", "'; DROP TABLE people_account; --", "a\0b", "\u202e", "名" * 3000, "a" * 20000])
def test_names_of_any_kind_are_answered(desk: Desk, name: str) -> None:
    browser = Browser(desk.url)
    browser.get("/sign-in")
    answer = browser.post("/sign-in", {"name": name, "password": "x"})
    assert answer.status_code == 403
    assert "账号或密码不正确" in see(answer).text
    assert desk.sql("SELECT count(*) > 0 FROM people_account") == [(True,)]


# --- staying and leaving ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("column", "age", "stays"),
    [
        ("seen_at", sessions.IDLE - timedelta(minutes=1), True),
        ("seen_at", sessions.IDLE + timedelta(minutes=1), False),
        ("created_at", sessions.LONGEST + timedelta(minutes=1), False),
    ],
)
def test_a_session_ends_when_it_idles_or_gets_old(
    desk: Desk, person: str, column: str, age: timedelta, stays: bool
) -> None:
    browser = Browser(desk.url)
    browser.sign_in(person)
    desk.sql(
        f"UPDATE people_session SET {column} = {column} - %s WHERE account_id ="
        " (SELECT id FROM people_account WHERE name = %s)", age, person,
    )  # fmt: skip
    assert browser.signed_in is stays
    assert browser.signed_in is stays  # looking does not bring it back


def test_closing_an_account_shows_its_browser_the_door_at_once(desk: Desk, person: str) -> None:
    browser = Browser(desk.url)
    browser.sign_in(person)
    with unit_of_work(desk.store) as session:
        number = desk.account(session, person).id
    assert desk.browser(Role.ADMINISTRATOR).post(f"/accounts/{number}/close").status_code == 303
    assert not browser.signed_in
    browser.get("/sign-in")
    assert browser.post("/sign-in", {"name": person, "password": PASSWORD}).status_code == 403


def test_signing_out_ends_the_session_itself_not_only_the_cookie(desk: Desk, person: str) -> None:
    browser, thief = Browser(desk.url), Browser(desk.url)
    thief.http.cookies.set("hegui_session", cookie(browser.sign_in(person), "hegui_session")["value"])
    answer = browser.post("/sign-out")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    assert cookie(answer, "hegui_session")["max-age"] == "0"
    assert not thief.signed_in


def test_a_sign_out_from_another_site_brings_no_cookie_and_takes_none_away(desk: Desk) -> None:
    answer = Browser(desk.url).http.post("/sign-out", data={"csrf": "x"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    assert "set-cookie" not in answer.headers


def test_signing_out_of_a_session_that_is_over_clears_the_cookie(desk: Desk, person: str) -> None:
    browser = Browser(desk.url)
    browser.sign_in(person)
    desk.sql("DELETE FROM people_session WHERE account_id = (SELECT id FROM people_account WHERE name = %s)", person)
    answer = browser.post("/sign-out")
    assert (answer.status_code, cookie(answer, "hegui_session")["max-age"]) == (303, "0")


def test_a_new_password_goes_on_here_and_ends_elsewhere(desk: Desk, person: str) -> None:
    here, elsewhere = Browser(desk.url), Browser(desk.url)
    here.sign_in(person)
    elsewhere.sign_in(person)
    here.get("/password")
    fresh = "another long password"
    answer = here.post("/password", {"old": PASSWORD, "new": fresh, "again": fresh})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert here.signed_in
    assert not elsewhere.signed_in
    assert elsewhere.sign_in(person).status_code == 403
    assert elsewhere.sign_in(person, fresh).status_code == 303


def test_tokens_of_two_sessions_of_one_person_differ(desk: Desk, person: str) -> None:
    tokens = set()
    for _ in range(3):
        browser = Browser(desk.url)
        browser.sign_in(person)
        found = re.findall(r'name="csrf" value="([^"]+)"', browser.get("/password").text)
        assert len(set(found)) == 1
        tokens |= set(found)
    assert len(tokens) == 3
