"""The console: an officer decides with a reason, an inspector reads and takes the log along, facts say what is proved."""

from __future__ import annotations

import csv
import io
import json
from datetime import date, timedelta
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from openpyxl import load_workbook

from hegui.evidence.box import Box
from hegui.kit import clock, ids
from hegui.kit.errors import InputError
from hegui.people.facts import Fact, Result
from hegui.people.permits import Role
from hegui.service.releases import facts, handing, queries
from hegui.service.releases.commands import releases
from hegui.service.uploads.commands import uploads
from hegui.store import unit_of_work
from tests.application import House
from tests.unit.people.desk import see

PURPOSE = "<b>海报</b>"


def proved(house: House) -> dict[str, Fact]:
    with unit_of_work(house.desk.store) as session:
        return {fact.obligation: fact for fact in facts.facts(session, date.today(), house.settings)}  # noqa: DTZ011


def test_without_a_request_nothing_is_proved(house: House) -> None:
    assert {name: fact.result for name, fact in proved(house).items()} == {"LAB-9": Result.UNDETERMINED}
    page = see(house.desk.browser(Role.AUDITOR).get("/releases"))
    assert "没有申请" in page.text


def test_an_officer_approves_what_a_user_accepted(house: House) -> None:
    application = house.application()
    grant = application.request("page", purpose=PURPOSE)
    officer, auditor = (house.desk.browser(role) for role in (Role.COMPLIANCE_OFFICER, Role.AUDITOR))
    assert (
        not see(officer.get(f"/releases/{grant['id']}")).all("button")
        or "批准" not in officer.get(f"/releases/{grant['id']}").text.partition("条款全文")[2]
    )
    application.accept(grant, "page")
    shown = officer.get(f"/releases/{grant['id']}")
    assert "&lt;b&gt;海报&lt;/b&gt;" in shown.text
    assert "内置样式" in shown.text
    assert f"/releases/{grant['id']}/approve" in [form["action"] for form in see(shown).all("form") if "action" in form]
    assert "/approve" not in auditor.get(f"/releases/{grant['id']}").text
    assert "待批准 1" in see(officer.get("/releases")).text
    officer.get(f"/releases/{grant['id']}")
    assert officer.post(f"/releases/{grant['id']}/approve").status_code == 303
    application.ask(grant["id"], "page")
    page = see(officer.get(f"/releases/{grant['id']}"))
    assert "已提供" in page.text
    assert "compliance_officer" in page.text


def test_the_reason_of_a_refusal_is_asked_for_and_told(house: House) -> None:
    grant = house.application().request("refused")
    officer = house.desk.browser(Role.COMPLIANCE_OFFICER)
    officer.get(f"/releases/{grant['id']}")
    empty = officer.post(f"/releases/{grant['id']}/refuse", {"reason": " "})
    assert empty.status_code == 400
    assert "理由" in see(empty).text
    officer.get(f"/releases/{grant['id']}")
    assert officer.post(f"/releases/{grant['id']}/refuse", {"reason": "用途不明"}).status_code == 303
    assert house.application().get(f"/grants/{grant['id']}").json()["reason"] == "用途不明"
    again = officer.post(f"/releases/{grant['id']}/refuse", {"reason": "再拒"})
    assert again.status_code == 400


def test_lists_are_filtered(house: House) -> None:
    house.granted("filter", service="second")
    browser = house.desk.browser(Role.AUDITOR)
    person = house.desk.keyring.person("second", "filter")
    for query, count in (("service=second", 1), (f"person={person}", 1), ("state=granted&service=second", 1),
                         ("state=refused&service=second", 0), ("state=lapsed", 0)):  # fmt: skip
        links = [a for a in see(browser.get(f"/releases?{query}")).all("a") if a.get("class") == "item"]
        assert len(links) == count, query
    assert browser.get("/releases?state=nonsense").status_code == 400
    assert browser.get("/releases?person=%00").status_code == 200


def test_the_log_goes_to_an_inspector_as_a_table(house: House) -> None:
    number = house.granted("logged", purpose="=HYPERLINK(1)")
    house.application().ask(number, "logged")
    auditor = house.desk.browser(Role.AUDITOR)
    auditor.get("/releases")
    made = auditor.post("/releases/log", {"form": "csv"})
    assert made.headers["content-disposition"].endswith('.csv"')
    rows = list(csv.reader(io.StringIO(made.content.decode("utf-8-sig"))))
    (row,) = [row for row in rows if number in row]
    assert row[6] == house.desk.keyring.person("chat", "logged")
    assert row[7] == "'=HYPERLINK(1)"
    assert len(row[4]) == len(row[10]) == 64
    auditor.get("/releases")
    book = load_workbook(io.BytesIO(auditor.post("/releases/log", {"form": "xlsx"}).content))
    assert [[cell.value or "" for cell in line] for line in book.worksheets[0].iter_rows()] == rows
    told = json.loads(house.desk.entries("release.exported")[-1])
    assert (told["count"], told["form"]) == (len(rows) - 1, "xlsx")
    for form in ({"form": "pdf"}, {"first": "gestern"}):
        auditor.get("/releases")
        assert auditor.post("/releases/log", form).status_code == 400
    auditor.get("/releases")
    before = (clock.today() - timedelta(days=9)).isoformat()
    old = auditor.post("/releases/log", {"form": "csv", "first": before, "last": before})
    assert len(list(csv.reader(io.StringIO(old.text)))) == 1


def test_more_rows_than_a_table_holds_are_asked_for_in_parts(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "MOST_LOG", 1)
    span = (clock.today(), clock.today())
    with unit_of_work(house.desk.store) as session, pytest.raises(InputError, match="over 1 rows"):
        handing.hand_over(session, Box(house.desk.keyring), "csv", span, "test")


def test_what_is_proved_of_what_was_given(house: House, tmp_path: Path) -> None:
    number = house.granted("proof")
    house.application().ask(number, "proof")
    found = proved(house)["LAB-9"]
    assert found.result is Result.UNDETERMINED
    assert "内置样式" in found.reason.zh
    house.desk.sql("UPDATE release_clause SET template = false")
    found = proved(house)["LAB-9"]
    assert (found.result, "LAB-9" in proved(house)) == (Result.MET, True)
    assert "6 个日历月" in found.reason.zh
    # What began long ago and was never logged to its end.
    house.desk.sql(
        "UPDATE release_content SET state = 'begun', at = at - interval '2 hours' WHERE grant_id = %s", number
    )
    house.desk.sql("UPDATE release_grant SET accepted_at = accepted_at - interval '1 day'")
    results = {name: fact.result for name, fact in proved(house).items()}
    assert results == {"LAB-9": Result.UNDETERMINED, "IM-12": Result.UNDETERMINED}
    # 180 days are never six calendar months.
    house.desk.sql(
        "UPDATE release_content SET state = 'given', due = at + interval '180 days' WHERE grant_id = %s", number
    )
    assert proved(house)["LAB-9"].result is Result.NOT_MET
    house.desk.sql("UPDATE release_content SET due = at + interval '200 days' WHERE grant_id = %s", number)
    assert proved(house)["LAB-9"].result is Result.MET
    house.desk.sql("UPDATE release_grant SET accepted_at = now() WHERE id = %s", number)
    assert proved(house)["LAB-9"].result is Result.NOT_MET


def test_the_gateway_does_not_count_what_was_given_unlabelled_as_lacking_its_label(house: House) -> None:
    from hegui.service.gateway.oversight import queries as exchanges

    with unit_of_work(house.desk.store) as session:
        before = exchanges.last_day(session)
    house.application().ask(house.granted("counted"), "counted")
    with unit_of_work(house.desk.store) as session:
        after = exchanges.last_day(session)
    assert (after.answered, after.released, after.labelled) == (
        before.answered + 1, before.released + 1, before.labelled,
    )  # fmt: skip


def test_days_at_the_ends_of_the_calendar_and_bytes_of_no_text_are_told(house: House) -> None:
    officer = house.desk.browser(Role.COMPLIANCE_OFFICER)
    officer.get("/releases")
    for span in ({"first": "", "last": "9999-12-31"}, {"first": "0001-01-01", "last": ""}):
        assert officer.post("/releases/log", {"form": "csv", **span}).status_code == 400
    given: dict[click.Command, list[list[str]]] = {
        releases: [["list", "--service", "\udcff"], ["revoke", "--as", "x", "--why", "\udcff", "n"]],
        uploads: [["list", "--service", "\udcff"]],
    }
    for command, lines in given.items():
        for line in lines:
            made = CliRunner().invoke(command, line)
            assert isinstance(made.exception, SystemExit), made.exception
            assert "UTF-8" in made.output


def test_what_was_given_is_shown_to_its_end_page_by_page(house: House) -> None:
    application, grant = house.application(), house.granted("many")
    numbers = [ids.uuid7() for _ in range(queries.PAGE + 5)]
    for number in numbers:
        house.desk.sql(
            "INSERT INTO release_content (content_id, grant_id, kind, state, at, due) VALUES (%s, %s, 'text', 'given', now(), now())",
            number, grant,
        )  # fmt: skip
    first = application.get(f"/grants/{grant}/contents").json()
    last = first["data"][-1]["content_id"]
    rest = application.get(f"/grants/{grant}/contents", params={"before": last}).json()
    assert (first["has_more"], rest["has_more"]) == (True, False)
    assert [one["content_id"] for one in first["data"] + rest["data"]] == numbers[::-1]
    assert application.get(f"/grants/{grant}/contents", params={"before": "x"}).status_code == 400
    browser = house.desk.browser(Role.AUDITOR)
    (older,) = [a for a in see(browser.get(f"/releases/{grant}")).all("a") if a.get("rel") == "next"]
    assert older["href"] == f"?before={last}"
    shown = browser.get(f"/releases/{grant}{older['href']}").text
    assert all(number in shown for number in numbers[:5])
    assert browser.get(f"/releases/{grant}?before=x").status_code == 400
    assert browser.get("/releases?before=x").status_code == 400
