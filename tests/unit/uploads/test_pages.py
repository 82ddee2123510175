"""Pages of uploads, and what they prove of a platform's duties."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from hegui.people.facts import Result
from hegui.people.permits import Role
from hegui.service.uploads import facts
from hegui.store import unit_of_work
from tests.application import House
from tests.unit.labels.pictures import CODE
from tests.unit.people.desk import see
from tests.unit.uploads.test_uploads import PLAIN, labelled, send


def results(house: House) -> dict[str, Result]:
    with unit_of_work(house.desk.store) as session:
        return {fact.obligation: fact.result for fact in facts.facts(session, date.today(), house.settings)}  # noqa: DTZ011


def show(house: House, number: str) -> None:
    assert house.application("forum").post(f"/uploads/{number}/shown").status_code == 200


def test_uploads_are_listed_by_judgement_and_shown_with_what_was_added(house: House, tmp_path: Path) -> None:
    browser = house.desk.browser(Role.AUDITOR)
    assert "没有符合条件的上传" in see(browser.get("/uploads")).text
    told = send(house, labelled(tmp_path), user="u1")
    send(house, PLAIN, declared="true")
    send(house, PLAIN)
    for query, count in (
        ("", 3),
        ("?judgement=is", 1),
        ("?judgement=possibly", 1),
        ("?judgement=suspected", 0),
        ("?service=forum", 3),
    ):
        links = [a for a in see(browser.get(f"/uploads{query}")).all("a") if a.get("class") == "item"]
        assert len(links) == count, query
    assert browser.get("/uploads?judgement=nonsense").status_code == 400
    assert browser.get("/uploads?before=x").status_code == 400
    page = see(browser.get(f"/uploads/{told['id']}")).text
    for text in ("属于", CODE, told["sha256"], told["propagated"]["sha256"], "本内容由人工智能生成合成", "未确认"):
        assert text in page
    show(house, told["id"])
    assert "未确认" not in see(browser.get(f"/uploads/{told['id']}")).text


def test_the_facts_follow_what_was_seen(house: House, tmp_path: Path) -> None:
    house.desk.sql("DELETE FROM upload_file")
    nothing = dict.fromkeys(("LAB-6.1", "LAB-6.2", "LAB-6.3", "LAB-6.4"), Result.UNDETERMINED)
    assert results(house) == nothing
    is_it, possibly, suspected = (
        send(house, labelled(tmp_path))["id"], send(house, PLAIN, declared="true")["id"], send(house, PLAIN, traces="true")["id"],
    )  # fmt: skip
    # Judged and added, but nobody said that the notices are shown.
    assert results(house) == {**nothing, "LAB-6.4": Result.MET}
    for number in (is_it, possibly, suspected):
        show(house, number)
    assert set(results(house).values()) == {Result.MET}
    # What could not be parsed was not checked; what was declared of it could not be added.
    send(house, PLAIN[:-40], name="broken.png")
    assert results(house)["LAB-6.1"] is Result.UNDETERMINED
    send(house, PLAIN[:-40], name="broken.png", declared="true")
    assert results(house)["LAB-6.4"] is Result.UNDETERMINED
    assert results(house)["LAB-6.2"] is Result.UNDETERMINED
    # What could have been written and was not is another thing.
    house.desk.sql("UPDATE upload_file SET form = 'none' WHERE id = %s", is_it)
    assert results(house)["LAB-6.4"] is Result.NOT_MET
