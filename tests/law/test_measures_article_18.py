"""第十八条 Article 18: a user who finds a service in breach may complain to the authorities.

A right of users: it asks nothing of the provider, who shows the official channels beside its own. The article's number was not
seen in a source and shows as unconfirmed.
"""

from __future__ import annotations

from tests.law.asking import Json, block, clock, duty, said, shown


def test_it_is_a_right_and_asks_nothing_of_the_provider(board: dict[str, Json]) -> None:
    found = duty("IM-18")
    assert (found.nature, found.who, found.phase) == ("right", ("user",), ("supervision",))
    assert not found.binds_provider
    assert board["IM-18"]["result"] == "not_applicable"
    assert board["IM-18"]["reason"] == "a right of others; it asks nothing of a provider"
    assert board["IM-18"]["reason_zh"] == "他人的权利，不要求提供者作为"


def test_the_official_channels_are_named_as_what_to_show() -> None:
    assert duty("IM-18").evidence is not None
    assert "12377" in block(said("IM-18"), "IM-18")
    assert shown("IM-18")["article"]["room"] == "service.complaints"


def test_its_number_is_unconfirmed_and_it_has_no_clock(board: dict[str, Json]) -> None:
    assert board["IM-18"]["confirmed"] is False
    assert "未经证实 / unconfirmed" in block(said("IM-18"), "IM-18").splitlines()[0]
    assert clock("IM-18", "2026-09-25") == {}
