"""When the console fails: a page in both languages, the cause in the log, nothing of it on the page."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator

import pytest
from sqlalchemy import text

from hegui.app import ROUTES
from hegui.console.frame import Frame, Shared
from hegui.console.headers import ALL
from hegui.kit import clock, ids
from hegui.kit.errors import StoreError
from hegui.kit.pages import Page, Route, Visit
from hegui.kit.text import Bi
from hegui.people.models import Service
from hegui.people.permits import Role
from hegui.store import Store
from tests.unit.people.desk import Desk, open_desk, see

SECRET = "geheim-9f2c"
STATEMENTS = {
    "data": "SELECT 1 / length(:secret) - 1 / 0",
    "missing": "SELECT :secret FROM no_such_table",
    "syntax": "SELEKT :secret",
    "conflict": "INSERT INTO people_service SELECT name, settings, created_at FROM people_service WHERE name <> :secret",
    "timeout": "SELECT pg_sleep(5), :secret",
}


def broken(visit: Visit) -> Page:
    """Write something, then fail in the way that the address asks for."""
    how = visit.query.get("how", "")
    visit.session.add(Service(name=f"half-done-{ids.uuid7()}", settings={}, created_at=clock.now()))
    visit.session.flush()
    if how == "timeout":
        visit.session.execute(text("SET LOCAL statement_timeout = '50ms'"))
    if how in STATEMENTS:
        visit.session.execute(text(STATEMENTS[how]), {"secret": SECRET})
    if how == "template":
        return Page("console/error.html", Bi("甲", "a"), {"error": SECRET})
    if how == "commit":
        visit.session.execute(text("ALTER TABLE people_session ALTER CONSTRAINT fk_people_session_account_id DEFERRABLE INITIALLY DEFERRED"))  # fmt: skip
        visit.session.execute(text("UPDATE people_session SET account_id = gen_random_uuid()"))
        return Page("people/password.html", Bi("甲", "a"))
    if how == "disk":
        raise StoreError(Bi("密钥文件已损坏", "the key file is damaged"), Bi("从备份恢复", "restore it"))
    raise ValueError(SECRET)


@pytest.fixture(scope="module")
def desk(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    routes = (*ROUTES, Route("/broken", "read_board", broken), Route("/broken", "read_board", broken, ("POST",)))
    with open_desk(request.config, tmp_path_factory.mktemp("failures") / "data", routes=routes) as opened:
        yield opened


LEAKS = re.compile(
    rf"{SECRET}|psycopg|sqlalchemy|Traceback|SELE[CK]T|INSERT|relation|no_such_table|people_|division|line \d|File ",
    re.IGNORECASE,
)


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize(
    "failure",
    [
        ("data", 500, Bi("内部错误", "internal error")),
        ("missing", 500, Bi("内部错误", "internal error")),
        ("syntax", 500, Bi("内部错误", "internal error")),
        ("value", 500, Bi("内部错误", "internal error")),
        ("template", 500, Bi("内部错误", "internal error")),
        ("conflict", 409, Bi("与同时进行的另一项操作冲突", "in conflict with another act")),
        ("commit", 409, Bi("与同时进行的另一项操作冲突", "in conflict with another act")),
        ("timeout", 503, Bi("数据库暂时无法读写", "the database can not be read or written now")),
    ],
    ids=lambda failure: failure[0],
)
def test_a_failure_is_told_in_words_with_a_number_that_finds_its_cause_in_the_log(
    desk: Desk, caplog: pytest.LogCaptureFixture, failure: tuple[str, int, Bi], lang: str
) -> None:
    how, status, said = failure
    browser = desk.browser(Role.AUDITOR)
    browser.get("/password")
    caplog.clear()
    with caplog.at_level(logging.ERROR, logger="hegui.console.frame"):
        answer = browser.get(f"/broken?how={how}&lang={lang}")
    page = see(answer)
    assert answer.status_code == status
    assert said.pick(lang) in page.text
    assert ("未作任何改动" if lang == "zh" else "nothing was changed") in page.text
    assert not LEAKS.search(answer.text)
    assert {name: answer.headers[name] for name in ALL} == ALL
    (number,) = set(re.findall(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", page.text))
    (record,) = [item for item in caplog.records if number in item.getMessage()]
    assert record.exc_info is not None
    assert record.exc_info[1] is not None
    assert desk.sql("SELECT count(*) FROM people_service") == [(0,)]
    assert browser.signed_in  # and the console goes on


def test_a_failing_form_is_answered_alike_and_leaves_nothing_half_done(desk: Desk) -> None:
    browser = desk.browser(Role.AUDITOR)
    browser.get("/password?lang=zh")
    answer = browser.post("/broken?how=data")
    assert answer.status_code == 500
    assert "内部错误" in see(answer).text
    assert desk.sql("SELECT count(*) FROM people_service") == [(0,)]


def test_an_error_of_the_store_that_says_what_to_do_is_shown_as_it_is(desk: Desk) -> None:
    answer = desk.browser(Role.AUDITOR).get("/broken?how=disk&lang=zh")
    assert answer.status_code == 503
    assert "从备份恢复" in see(answer).text


def test_a_database_that_is_away_is_told_without_its_address_on_every_page(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    browser = desk.browser(Role.AUDITOR)
    away = Store.open(f"postgresql://nobody:{SECRET}@127.0.0.1:1/hegui")
    present, desk.store = desk.store, away
    try:
        with desk.serving() as url, caplog.at_level(logging.ERROR, logger="hegui.console.frame"):
            token = browser.http.cookies["hegui_session"]
            http = type(browser)(url)
            http.get("/sign-in?lang=zh")
            answers = [http.post("/sign-in", {"name": "auditor", "password": "x"})]
            http.http.cookies.set("hegui_session", token)
            answers += [http.get(path) for path in ("/", "/exchanges", "/keys")]
            answers += [http.post("/sign-out"), http.post("/waivers")]
    finally:
        desk.store = present
        away.close()
    for answer in answers:
        assert answer.status_code == 503
        assert "数据库暂时无法读写" in see(answer).text
        assert not re.search(rf"{SECRET}|127\.0\.0\.1|nobody|psycopg|connection", see(answer).text)
        assert "set-cookie" not in answer.headers  # nobody is signed out by it
    assert len([item for item in caplog.records if "error" in item.getMessage()]) == len(answers)
    assert browser.signed_in


def test_what_fails_before_any_page_is_made_still_answers_in_words(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = Frame(Shared(desk.settings, desk.store, desk.keyring, (), ROUTES))

    def fails(*_given: object) -> None:
        raise ValueError(SECRET)

    monkeypatch.setattr(frame, "_checkpoint", fails)
    from starlette.testclient import TestClient

    with TestClient(frame.app(), raise_server_exceptions=False) as client:
        answer = client.get("/checkpoint")
    assert answer.status_code == 500
    assert "内部错误" in answer.text
    assert SECRET not in answer.text
    assert {name: answer.headers[name] for name in ALL} == ALL
