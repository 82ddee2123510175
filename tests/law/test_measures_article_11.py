"""第十一条 Article 11: protect what users enter, take no more than needed, keep nothing unlawfully, pass nothing on, answer requests.

Shown: content is encrypted under a key that the database does not hold, people are pseudonyms upstream and in the record, content
goes after its days while the log stays as long as the law asks. The desk for requests (paragraph 2) is not built.
"""

from __future__ import annotations

import pytest

from hegui.evidence.retention import log_months
from hegui.kit.errors import SettingsError
from hegui.kit.settings import Settings
from tests.harness import Server
from tests.law.asking import Json, block, clock, duty, is_not_built, said, shown, today, value
from tests.upstream import ScriptedUpstream, says

SECRET = "番茄的秘密配方第七号"
PERSON = "person-1122"


@pytest.fixture(scope="module")
def number(server: Server, upstream: ScriptedUpstream) -> str:
    upstream.scripts["art11"] = says("番茄喜光。")
    answer = server.client().chat.completions.create(
        model="art11", messages=[{"role": "user", "content": SECRET}], user=PERSON
    )
    return str((answer.model_extra or {})["hegui"]["content_id"])


def test_what_users_enter_is_not_readable_in_the_database(server: Server, number: str) -> None:
    with server.database() as connection:
        row = connection.execute(
            "SELECT e.payload::text, x.content, x.content_key, x.person FROM evidence_entry e "
            "JOIN gateway_exchange x ON x.id = e.id WHERE e.id = %s",
            (number,),
        ).fetchone()
    assert row is not None
    payload, content, key, person = row
    assert SECRET.encode() not in content
    assert SECRET not in payload
    assert PERSON not in payload
    assert person not in {None, "", PERSON}
    assert len(key) < 64, "the name of a key, not the key"


def test_the_model_behind_is_told_a_pseudonym(server: Server, upstream: ScriptedUpstream, number: str) -> None:
    sent = [body for body in upstream.requests if body["model"] == "art11"]
    assert sent
    assert sent[-1]["user"] not in {PERSON, ""}
    assert sent[-1]["messages"][-1]["content"] == SECRET


def test_content_goes_and_the_log_stays(server: Server, number: str) -> None:
    with server.database() as connection:
        row = connection.execute(
            "SELECT x.content_due - x.at, e.due - e.at FROM evidence_entry e JOIN gateway_exchange x ON x.id = e.id "
            "WHERE e.id = %s",
            (number,),
        ).fetchone()
    assert row is not None
    content, log = row
    assert content.days <= Settings().content_days + 1
    least = value("CSL-23", "log_retention_months")
    assert log.days >= 28 * least
    assert log > content
    with pytest.raises(SettingsError) as caught:
        log_months(least - 1)
    assert caught.value.cite == "CSL-23"


def test_what_is_proved_today_and_what_is_not_built(server: Server, number: str, board: dict[str, Json]) -> None:
    rows = today(server)
    assert rows["IM-11.1a"]["result"] == "met"
    assert "the key is outside the database" in rows["IM-11.1a"]["reason"]
    assert rows["IM-11.1c"]["result"] in {"met", "undetermined"}
    for citation in ("IM-11.1b", "IM-11.1d", "IM-11.2", "PIPL-45", "NDS-23"):
        assert is_not_built(board[citation], "service.privacy")


def test_the_prohibitions_bind_the_handler() -> None:
    for citation in ("IM-11.1b", "IM-11.1c", "IM-11.1d"):
        assert (duty(citation).nature, duty(citation).paragraph) == ("prohibition", 1)
        assert "pi_handler" in duty(citation).who
    assert "unlawfully" in duty("IM-11.1c").duty.en, "lawful logs stay"
    assert "CSL-23" in duty("IM-11.1c").see
    assert {"PIPL-21", "PIPL-23"} == set(duty("IM-11.1d").see)


def test_promptly_is_a_word_and_the_paragraph_is_unconfirmed() -> None:
    run = clock("IM-11", "2026-09-25")["IM-11.2"]
    assert (run["due"], run["confirmed"], run["provisional"]) == (None, False, False)
    assert "及时" in run["term_zh"]
    assert "未经证实 / unconfirmed" in block(said("IM-11"), "IM-11.2")
    assert "未经证实" not in block(said("IM-11"), "IM-11.1a")
    assert duty("IM-11.2").deadline is not None
    for word in ("查阅", "复制", "更正", "补充", "删除"):
        assert word in duty("IM-11.2").duty.zh


@pytest.mark.parametrize(
    ("clause", "name", "number_of_law"),
    [("PIPL-56", "pia_retention_years", 3), ("NDS-12", "sharing_record_years", 3), ("PIPL-47", "deletion_cases", 5),
     ("NDS-25", "portability_conditions", 4), ("NDS-28", "large_handler_persons", 10_000_000),
     ("AUDIT-x.1", "audit_persons", 10_000_000), ("SPIH-x.1", "small_handler_persons_below", 100_000),
     ("GBT45654-6.3a", "opt_out_clicks", 4)],
)  # fmt: skip
def test_numbers_of_the_rules_on_personal_information(clause: str, name: str, number_of_law: int) -> None:
    assert value(clause, name) == number_of_law


def test_the_threshold_for_an_officer_is_unconfirmed() -> None:
    text = block(said("PIPL-52"), "PIPL-52")
    assert text.startswith("■ PIPL-52  [已读全文"), "the article was read; its threshold is fixed elsewhere"
    assert "officer_persons min 1000000 persons [未经证实 / unconfirmed: " in text
    assert shown("PIPL-52")["article"]["obligations"][0]["numbers"][0]["confirmed"] is False
    assert "threshold of one million persons is from general knowledge" in text


def test_the_two_year_audit_is_a_rule_of_2025() -> None:
    audit = clock("PIPL-54", "2026-03-01")
    assert audit["AUDIT-x.1"]["due"] == "2028-03-01"
    assert audit["AUDIT-x.1"]["in_force_from"] is None
    assert clock("PIPL-54", "2024-02-29")["AUDIT-x.1"]["in_force_from"] == "2025-05-01"
    assert "separate consent" in duty("SPIH-x.3").duty.en
    assert "SPIH" not in duty("PIPL-29").see, "the easing does not touch separate consent"
