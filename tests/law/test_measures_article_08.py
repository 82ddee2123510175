"""第八条 Article 8: who annotates data sets clear rules, checks samples, and trains and supervises the annotators.

The room `development.annotation` is not built. The article's number was not seen in a source, so each duty shows as unconfirmed.
"""

from __future__ import annotations

from decimal import Decimal

import pytest

from hegui.law import register
from tests.law.asking import Json, block, duty, is_not_built, said, shown


@pytest.mark.parametrize(
    ("citation", "zh", "en", "proof"),
    [
        ("IM-8.a", ("清晰", "具体", "可操作"), ("clear", "specific", "workable"), "versioned rulebook"),
        ("IM-8.b", ("质量", "抽样"), ("quality", "sampling"), "sample size"),
        ("IM-8.c", ("培训", "守法意识", "监督"), ("training", "awareness of the law", "supervise"), "training records"),
    ],
)
def test_the_three_duties(
    citation: str, zh: tuple[str, ...], en: tuple[str, ...], proof: str, board: dict[str, Json]
) -> None:
    found = duty(citation)
    assert all(word in found.duty.zh for word in zh)
    assert all(word in found.duty.en for word in en)
    assert found.evidence is not None
    assert proof in found.evidence.en
    assert (found.who, found.phase, found.deadline) == (("provider",), ("development",), None)
    assert is_not_built(board[citation], "development.annotation")


def test_the_number_of_the_article_is_unconfirmed_everywhere(board: dict[str, Json]) -> None:
    for citation in ("IM-8.a", "IM-8.b", "IM-8.c"):
        assert board[citation]["confirmed"] is False
        assert "未经证实 / unconfirmed: 条款号未经官方文本核对" in block(said("IM-8"), citation).splitlines()[0]
    assert [item["confirmed"] for item in shown("IM-8")["article"]["obligations"]] == [False] * 3
    assert all(item["unconfirmed"]["en"] for item in shown("IM-8")["article"]["obligations"])


@pytest.mark.parametrize(
    ("clause", "name", "sense", "number", "nature"),
    [
        ("GBT45654-4.3.1c", "annotation_task_logs", "min", 10, "duty"),
        ("GBT45654-4.3.2a", "rule_parts", "min", 4, "duty"),
        ("GBT45654-4.3.2d", "risks_covered", "exact", 31, "encouragement"),
        ("GBT45654-4.3.3b", "reviewers_per_safety_item", "min", 1, "duty"),
        ("GBT45674-7.2", "annotation_roles", "exact", 4, "duty"),
        ("GBT45674-7.3e", "persons_per_task", "min", 2, "duty"),
        ("GBT45674-8.1a", "safety_items_per_risk", "min", 200, "encouragement"),
        ("GBT45674-8.1b", "safety_share", "min", Decimal("0.03"), "encouragement"),
        ("GBT45674-8.3b", "reviewers_per_safety_item", "min", 1, "duty"),
        ("GBT45674-8.3c", "safety_batch_fail_share", "max", Decimal("0.05"), "duty"),
    ],
)
def test_the_numbers_of_the_annotation_standards(
    clause: str, name: str, sense: str, number: object, nature: str
) -> None:
    found = register().number(clause, name)
    assert (found.sense, Decimal(str(found.value)), found.mark) == (sense, Decimal(str(number)), "P")
    assert duty(clause).nature == nature, "what the standard only recommends (宜) asks nothing"


def test_the_article_leads_to_the_standards(board: dict[str, Json]) -> None:
    leads = {other for citation in ("IM-8.a", "IM-8.b", "IM-8.c") for other in duty(citation).see}
    assert {"GBT45654-4.3.2a", "GBT45654-4.3.3a", "GBT45674-8.3c", "GBT45654-4.3.1a", "GBT45674-7.2"} <= leads
    assert board["GBT45674-8.1a"]["result"] == "not_applicable"
    assert is_not_built(board["GBT45674-8.3c"], "development.annotation")
