"""第七条 Article 7: training data is processed lawfully, from lawful sources, with a basis for personal information, and is good.

The room `development.corpora` is not built: the duties, their numbers and what they lean on are data, and each shows as
undetermined.
"""

from __future__ import annotations

from decimal import Decimal

import pytest

from hegui.law import register
from tests.law.asking import Json, block, duty, said, shown, value

DUTIES = {
    "IM-7.0": ("duty", {"CSL", "DSL", "PIPL"}, "登记"),
    "IM-7.1": ("duty", {"DSL"}, "备案号"),
    "IM-7.2": ("prohibition", set(), "授权"),
    "IM-7.3": ("duty", {"PIPL"}, "合法依据"),
    "IM-7.4": ("duty", set(), "质量报告"),
    "IM-7.5": ("duty", {"CSL", "DSL", "PIPL"}, "对照"),
}


@pytest.mark.parametrize("citation", DUTIES)
def test_each_duty_says_nature_parents_proof_and_phase(citation: str, board: dict[str, Json]) -> None:
    nature, parents, proof = DUTIES[citation]
    found = duty(citation)
    assert (found.nature, set(found.parents), found.phase, found.room, found.mark) == (
        nature, parents, ("development",), "development.corpora", "Q",
    )  # fmt: skip
    assert found.evidence is not None
    assert proof in found.evidence.zh
    assert board[citation]["result"] == "undetermined"
    assert board[citation]["reason"] == "not built: development.corpora"
    assert board[citation]["confirmed"] is True


def test_the_duty_covers_base_models_and_not_only_data() -> None:
    assert "基础模型" in duty("IM-7.1").duty.zh
    assert "base models" in duty("IM-7.1").duty.en


def test_consent_or_another_basis() -> None:
    assert "或者" in duty("IM-7.3").duty.zh
    assert "or rely on another basis" in duty("IM-7.3").duty.en
    assert duty("IM-7.3").who == ("provider", "pi_handler")
    assert {"PIPL-13", "PIPL-29"} <= set(duty("IM-7.3").see)
    assert value("PIPL-13", "legal_bases") == 7
    assert "separate consent" in duty("PIPL-29").duty.en


def test_four_qualities() -> None:
    assert value("IM-7.4", "data_qualities") == 4
    words = zip(("真实", "准确", "客观", "多样"), ("authenticity", "accuracy", "objectivity", "diversity"), strict=True)
    assert all(zh in duty("IM-7.4").duty.zh and en in duty("IM-7.4").duty.en for zh, en in words)


@pytest.mark.parametrize(
    ("clause", "name", "sense", "number"),
    [
        ("GBT45654-4.1.1", "source_bad_ratio", "max", Decimal("0.05")),
        ("GBT45654-B.2.1.1.1", "source_record_share_pre", "min", Decimal("0.10")),
        ("GBT45654-B.2.1.1.1", "source_record_share_post", "min", Decimal("0.10")),
        ("GBT45654-B.2.1.1.3a", "open_dataset_share", "min", Decimal("0.10")),
        ("GBT45654-B.2.1.1.3b", "self_collected_n", "min", 1000),
        ("GBT45654-B.2.1.1.3b", "self_collected_offlimits_n", "min", 100),
        ("GBT45654-B.2.1.1.3b", "self_collected_offlimits_found", "max", 0),
        ("GBT45654-B.2.1.1.3c", "commercial_share", "min", Decimal("0.10")),
        ("GBT45654-B.2.1.1.3d", "user_input_share", "min", Decimal("0.10")),
        ("GBT45654-B.2.1.1.3d", "user_input_n", "min", 1000),
        ("GBT45654-B.2.1.2.1", "corpus_manual_n", "min", 4000),
        ("GBT45654-B.2.1.2.1", "corpus_manual_rate", "min", Decimal("0.96")),
        ("GBT45654-B.2.1.2.1", "corpus_technical_share", "min", Decimal("0.10")),
        ("GBT45654-B.2.1.2.1", "corpus_technical_rate", "min", Decimal("0.98")),
        ("GBT45654-B.2.1.2.3", "pi_n", "min", 1000),
        ("GBT45654-B.2.1.2.3", "sensitive_pi_n", "min", 1000),
        ("GBT45654-B.2.1.2.3", "stray_pi_n", "min", 4000),
        ("GBT45654-B.2.1.2.3", "stray_sensitive_pi_n", "min", 4000),
    ],
)
def test_the_checks_of_the_standard_on_corpora(clause: str, name: str, sense: str, number: object) -> None:
    found = register().number(clause, name)
    assert (found.sense, Decimal(str(found.value)), found.mark) == (sense, Decimal(str(number)), "P")


def test_generative_ai_is_named_by_the_network_data_regulations() -> None:
    assert "NDS-19" in duty("IM-7.0").see
    assert "生成式人工智能" in duty("NDS-19").duty.zh
    assert {"NDS-18", "PIPL-27"} <= {o["id"] for o in (*shown("NDS-18")["article"]["obligations"],
                                                       *shown("PIPL-27")["article"]["obligations"])}  # fmt: skip
    assert "参见 see: PIPL-13, PIPL-29" in block(said("IM-7"), "IM-7.3")
