"""From request to approval over HTTP: what an application may ask, what it is told, what is kept of it."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from hegui.evidence.box import Box
from hegui.kit import clock, ids
from hegui.kit.calls import CallError
from hegui.kit.errors import HeguiError, InputError, NotAllowedError
from hegui.kit.settings import Settings
from hegui.law.register import register
from hegui.people.permits import Role
from hegui.serve import check
from hegui.service.releases import acts, clauses, rules
from hegui.service.releases.models import Grant
from hegui.store import unit_of_work
from tests.application import OFFICER, House
from tests.unit.labels.pictures import CODE
from tests.unit.people.desk import Desk

CLAUSE = "version: '2026-11'\nzh: 用户负有标识义务。\nen: The user labels it.\n"


def code(answer: Any, status: int) -> str:
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    assert " / " in error["message"]
    return str(error["code"])


def test_the_clause_is_shown_as_it_is_accepted(house: House) -> None:
    application = house.application()
    shown = application.get("/clause").json()
    assert shown["digest"] == clauses.template().digest
    for word in ("标识", "责任", "隐式标识"):
        assert word in shown["zh"]
    assert "declare" in shown["en"]
    grant = application.request("reader")
    assert grant["state"] == "requested"
    assert grant["clause"] == {key: shown[key] for key in ("digest", "version", "zh", "en")}


def test_what_is_kept_of_a_request_is_a_pseudonym_a_purpose_in_cipher_and_a_digest(house: House) -> None:
    application = house.application()
    grant = application.request("张三 13812345678", purpose="张三的婚礼视频")
    application.accept(grant, "张三 13812345678")
    (row,) = house.desk.sql("SELECT row_to_json(g)::text FROM release_grant g WHERE id = %s", grant["id"])
    ledger = "".join(house.desk.entries("release.requested") + house.desk.entries("release.accepted"))
    for secret in ("张三", "13812345678", "婚礼"):
        assert secret not in row[0] + ledger
    assert house.desk.keyring.person("chat", "张三 13812345678") not in ledger
    assert json.loads(house.desk.entries("release.accepted")[-1]) == {
        "clause": grant["clause"]["digest"], "grant": grant["id"],
    }  # fmt: skip
    with unit_of_work(house.desk.store) as session:
        kept = session.get_one(Grant, grant["id"])
        assert acts.purpose(Box(house.desk.keyring), kept) == "张三的婚礼视频"


def test_a_leave_is_kept_as_long_as_anything_given_under_it(house: House) -> None:
    number = house.granted("kept", days=10)
    ((lapses, due),) = house.desk.sql("SELECT lapses_at, due FROM release_grant WHERE id = %s", number)
    assert lapses - clock.now() > timedelta(days=9, hours=23)
    assert due == rules.kept_until(lapses, 6)
    months = register().whole("LAB-9", "log_retention")
    assert rules.months(1) == months
    assert rules.months(months + 7) == months + 7


@pytest.mark.parametrize(
    ("given", "status", "wanted"),
    [
        ({"user": ""}, 400, "user_missing"), ({"user": 7}, 400, "user_missing"), ({"user": "u" * 513}, 400, "user_missing"),
        ({"purpose": " "}, 400, "invalid_request"), ({"purpose": "用" * 501}, 400, "invalid_request"),
        ({"kinds": []}, 400, "invalid_request"), ({"kinds": "text"}, 400, "invalid_request"), ({"kinds": ["smell"]}, 400, "invalid_request"),
        ({"kinds": ["text", "text"]}, 400, "invalid_request"), ({"kinds": [["text"]]}, 400, "invalid_request"),
        ({"days": 0}, 400, "invalid_request"), ({"days": 31}, 400, "invalid_request"), ({"days": True}, 400, "invalid_request"),
        ({"most": 0}, 400, "invalid_request"), ({"most": "many"}, 400, "invalid_request"),
    ],
    ids=str,
)  # fmt: skip
def test_a_request_that_says_too_little_or_too_much_is_told_so(
    house: House, given: dict[str, Any], status: int, wanted: str
) -> None:
    before = house.desk.sql("SELECT count(*) FROM release_grant")
    asked = {"user": "u1", "purpose": "海报", "kinds": ["text"], **given}
    assert code(house.application().post("/grants", asked), status) == wanted
    assert house.desk.sql("SELECT count(*) FROM release_grant") == before


def test_bodies_and_paths_that_are_none_are_told_so(house: House) -> None:
    application = house.application()
    assert code(application.post("/grants", content=b"{"), 400) == "invalid_json"
    assert code(application.post("/grants", content=b"[]"), 400) == "invalid_json"
    assert code(application.post("/grants", content=b" " * 70_000), 413) == "request_too_large"
    for path in (
        "/grants/nope",
        f"/grants/{ids.uuid7()}",
        "/grants/a/b/c",
        "/clause/x",
        f"/grants/{ids.uuid7()}/contents",
    ):
        assert code(application.get(path), 404) == "not_found"
    stranger = application.http.get("/labelling/clause", headers={"authorization": "Bearer hg-none"})
    assert code(stranger, 401) == "invalid_api_key"


def test_only_the_clause_that_was_shown_can_be_accepted_by_who_asked_and_once(house: House) -> None:
    application = house.application()
    grant = application.request("accepter")
    assert code(application.accept(grant, "accepter", "0" * 64), 409) == "clause_changed"
    assert code(application.accept(grant, "another"), 404) == "not_found"
    assert code(house.application("other").accept(grant, "accepter"), 404) == "not_found"
    assert application.accept(grant, "accepter").json()["accepted_at"]
    assert code(application.accept(grant, "accepter"), 409) == "not_now"


def test_a_clause_that_changed_meanwhile_is_read_anew(house: House, tmp_path: Path) -> None:
    grant = house.application().request("changer")
    (tmp_path / "clause.yaml").write_text(CLAUSE)
    mine = clauses.clause_of(str(tmp_path / "clause.yaml"))
    with unit_of_work(house.desk.store) as session, pytest.raises(CallError, match="not the one in force"):
        acts.accept(session, acts.found(session, grant["id"]), mine, grant["clause"]["digest"], house.settings)


def test_a_user_gives_a_leave_back_and_sees_their_own_alone(house: House) -> None:
    application = house.application()
    number = house.granted("giver")
    back = application.post(f"/grants/{number}/give-back", {"user": "giver"})
    assert back.json()["state"] == "revoked"
    again = application.post(f"/grants/{number}/give-back", {"user": "giver"})
    assert code(again, 400) == "invalid_request"
    mine = application.get("/grants", params={"user": "giver"}).json()["data"]
    assert [one["id"] for one in mine] == [number]
    assert len(application.get("/grants").json()["data"]) > 1
    assert house.application("third").get("/grants").json()["data"] == []


def test_what_nobody_answers_lapses_by_itself(house: House) -> None:
    grant = house.application().request("slow")
    house.desk.sql("UPDATE release_grant SET lapses_at = now() - interval '1 s' WHERE id = %s", grant["id"])
    assert house.application().get(f"/grants/{grant['id']}").json()["state"] == "lapsed"
    assert code(house.application().accept(grant, "slow"), 409) == "not_now"


def test_who_may_decide_and_when(house: House) -> None:
    grant = house.application().request("decided")
    with unit_of_work(house.desk.store) as session:
        officer = Desk.account(session, OFFICER)
        with pytest.raises(NotAllowedError):
            acts.approve(session, grant["id"], Desk.account(session, Role.REVIEWER.value), house.settings)
        with pytest.raises(CallError, match="can not be done"):
            acts.approve(session, grant["id"], officer, house.settings)  # its user has not accepted
        with pytest.raises(InputError, match="the reason"):
            acts.refuse(session, grant["id"], officer, "  ")
        acts.refuse(session, grant["id"], officer, "用途不明")
        with pytest.raises(InputError):
            acts.revoke(session, grant["id"], officer, "再撤一次")
    assert house.application().get(f"/grants/{grant['id']}").json()["reason"] == "用途不明"


def test_without_approval_the_leave_begins_with_the_promise(house: House) -> None:
    grant = house.application().request("trusted")
    with unit_of_work(house.desk.store) as session:
        row = acts.found(session, grant["id"])
        settings = Settings(unlabelled_approval=False)
        acts.accept(session, row, clauses.template(), grant["clause"]["digest"], settings)
    assert house.application().ask(grant["id"], "trusted").choices[0].message.content == "写一句口号"


def test_retention_takes_contents_then_leaves_and_says_so(house: House) -> None:
    number = house.granted("past")
    house.application().ask(number, "past")
    later = clock.now() + timedelta(days=400)
    with unit_of_work(house.desk.store) as session:
        assert acts.erase_due(session, clock.now()) is None
    house.desk.sql("UPDATE release_grant SET due = now() WHERE id = %s", number)
    with unit_of_work(house.desk.store) as session:
        assert acts.erase_due(session, clock.now()) is None, "not before what was given under it"
    with unit_of_work(house.desk.store) as session:
        erased = acts.erase_due(session, later)
    assert erased is not None
    assert house.desk.sql("SELECT (SELECT count(*) FROM release_grant), (SELECT count(*) FROM release_content)") == [
        (0, 0)
    ]
    told = json.loads(house.desk.entries("record.erased")[-1])
    assert (told["class"], told["count"], told["cite"]) == ("release", erased.count, "LAB-9")


# --- settings ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("version: 1\nzh: 甲\nen: a\n", "is not a clause"), ("zh: 甲\n", "is not a clause"), ("- a\n", "is not a clause"),
        ("version: a\nzh: ''\nen: b\n", "is not a clause"), ("version: a\nversion: b\n", "stands twice"), ("\x00", "can not be read"),
    ],
)  # fmt: skip
def test_a_clause_that_is_none_stops_the_start(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "clause.yaml").write_text(text)
    with pytest.raises(HeguiError, match=told):
        check(Settings(unlabelled_clause=str(tmp_path / "clause.yaml")))
    with pytest.raises(HeguiError, match="can not read"):
        check(Settings(unlabelled_clause=str(tmp_path / "none.yaml")))


@pytest.mark.parametrize("name", ["provider_code", "propagator_code"])
def test_a_code_with_a_wrong_check_character_stops_the_start(name: str) -> None:
    wrong = f"{CODE[:21]}{'1' if CODE[21] != '1' else '2'}{CODE[22:]}"
    for value in (wrong, "short"):
        with pytest.raises(HeguiError, match=name):
            check(Settings(**{name: value}))  # type: ignore[arg-type]


def test_without_a_providers_code_nothing_can_be_asked_for(house: House) -> None:
    from hegui.service.releases.api import GRANTS, GrantEndpoints
    from tests.application import call

    endpoints = GrantEndpoints(house.desk.store, house.desk.keyring, Settings(data=house.desk.settings.data))
    with pytest.raises(CallError) as error:
        call(endpoints, GRANTS, "POST", {"user": "u", "purpose": "p", "kinds": ["text"]})
    assert (error.value.status, error.value.code, error.value.cite) == (409, "no_provider_code", "GB45438-6.1")
