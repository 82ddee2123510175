"""What is kept to learn from: masked, encrypted, handed out in the forms that others read, gone when its time is up."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from hegui.evidence.box import Box
from hegui.general.content.classify import read_labels
from hegui.general.content.policy import Action, Side
from hegui.general.content.texts import texts_of
from hegui.general.review import learning
from hegui.general.review.models import Kind, Verdict
from hegui.general.review.rules import Judgement, Phrase, Sample
from hegui.keeper import run_retention
from hegui.kit import clock
from hegui.kit.errors import StoreError
from hegui.store import unit_of_work
from tests.unit.people.desk import Desk
from tests.unit.review.conftest import ANNA, BERT, Office

SAID = "请打13812345678\n说标记词甲\u2028完"
MASKED = "请打138******78\n说标记词甲\u2028完"


def hand_out(desk: Desk, office: Office, kind: Kind, path: Path) -> list[dict[str, str]]:
    with unit_of_work(desk.store) as session:
        path.write_bytes(learning.export(session, office.acts.box, kind, "tester"))
    return [json.loads(line) for line in path.read_bytes().split(b"\n") if line]


@pytest.fixture
def clean(desk: Desk) -> None:
    desk.sql("DELETE FROM review_excerpt")


@pytest.mark.usefixtures("clean")
def test_labels_are_masked_and_train_reads_them(desk: Desk, office: Office, tmp_path: Path) -> None:
    label = Sample(SAID, Side.INPUT)
    office.decide(office.one().id, ANNA, Judgement(Verdict.VIOLATES, "A.2.b", label=label))
    office.decide(office.one().id, ANNA, Judgement(Verdict.FINE, label=replace(label, text="番茄怎么种")))
    path = tmp_path / "labels.jsonl"
    lines = hand_out(desk, office, Kind.LABEL, path)
    assert [(line["text"], line["label"], line["source"]) for line in lines] == [
        (MASKED, "A.2.b", "review:chat"), ("番茄怎么种", "benign", "review:chat"),
    ]  # fmt: skip
    found = read_labels([path])
    assert {(record.text, record.risks) for record in found.records} == {
        (MASKED, frozenset({"A.2.b"})), ("番茄怎么种", frozenset()),
    }  # fmt: skip
    assert json.loads(desk.entries("review.exported")[-1]) == {"by": "tester", "count": 2, "kind": "label"}


@pytest.mark.usefixtures("clean")
def test_cases_say_what_is_expected_and_replay_reads_them(desk: Desk, office: Office, tmp_path: Path) -> None:
    case = Sample(SAID, Side.OUTPUT, Action.REFUSE)
    office.decide(office.one().id, ANNA, Judgement(Verdict.VIOLATES, "A.1.a", case=case))
    path = tmp_path / "cases.jsonl"
    (line,) = hand_out(desk, office, Kind.CASE, path)
    assert (line["expected"], line["side"], line["risk"]) == ("refuse", "output", "A.1.a")
    (text,) = texts_of([path])
    assert (text.text, text.side) == (MASKED, Side.OUTPUT)


@pytest.mark.usefixtures("clean")
def test_what_is_due_goes_and_what_is_not_stays(desk: Desk, office: Office) -> None:
    label, note = Sample("番茄怎么种", Side.INPUT), "致电13812345678"
    old, new = office.one(), office.one()
    office.decide(old.id, ANNA, Judgement(Verdict.FINE, note=note, label=label))
    office.decide(new.id, ANNA, Judgement(Verdict.FINE, note=note, label=label))
    for table, column in (("review_decision", "id"), ("review_excerpt", "decision_id")):
        desk.sql(
            f"UPDATE {table} SET due = now() WHERE {column} = (SELECT id FROM review_decision WHERE item_id = %s)",
            old.id,
        )
    erased = {found.kind: found.count for found in run_retention(desk.store)}
    assert erased["review"] == 2
    said = desk.sql(
        "SELECT item_id, sealed IS NULL, verdict FROM review_decision WHERE item_id IN (%s, %s)", old.id, new.id
    )
    assert {(str(row[0]), *row[1:]) for row in said} == {(old.id, True, "fine"), (new.id, False, "fine")}
    left = desk.sql("SELECT d.item_id FROM review_excerpt e JOIN review_decision d ON d.id = e.decision_id")
    assert [str(row[0]) for row in left] == [new.id]
    assert office.item(old.id).fingerprint == f"erased:{old.id}"
    assert office.item(new.id).fingerprint == new.fingerprint
    assert json.loads(desk.entries("record.erased")[-1])["count"] == 2
    assert "review" not in {found.kind for found in run_retention(desk.store)}
    with unit_of_work(desk.store) as session:
        from hegui.general.review.models import Decision

        decision = session.query(Decision).filter_by(item_id=new.id).one()
        wanted = learning.read(office.acts.box, decision)
    assert wanted is not None
    assert wanted.note == "致电138******78"


def test_text_lasts_as_long_as_the_setting_says(desk: Desk, office: Office) -> None:
    item = office.one()
    office.decide(item.id, ANNA, Judgement(Verdict.FINE, note="好"))
    ((due,),) = desk.sql("SELECT due FROM review_decision WHERE item_id = %s", item.id)
    assert abs(due - clock.now() - timedelta(days=180)) < timedelta(minutes=5)


def test_text_of_another_key_is_an_error_and_never_nothing(desk: Desk, office: Office) -> None:
    item = office.one(percent=100)
    office.decide(item.id, ANNA, Judgement(Verdict.FINE, phrase=Phrase("标记词甲子", "keyword:2", "l1")))
    own = office.acts
    office.acts = replace(own, box=Box(replace(desk.keyring, content=b"x" * 32)))
    try:
        with pytest.raises(StoreError):
            office.decide(item.id, BERT, Judgement(Verdict.FINE))
    finally:
        office.acts = own
    assert office.item(item.id).state != "decided", "nothing is half done"
    assert office.decide(item.id, BERT, Judgement(Verdict.FINE), take=False).state == "decided"
