"""第一至三、五、六、十六、二十、二十二至二十四条: articles that bind no provider, or decide who is bound. They are data.

Article 23 does bind (licences, foreign investment) and Article 2 decides scope; their rooms are not built.
"""

from __future__ import annotations

import pytest

from hegui.law import register
from tests.law.asking import Json, block, duty, is_not_built, said

# id: nature, who, phase, mark, what is said in Chinese, what in English
DATA = {
    "IM-1": ("principle", "anyone", "scope", "Q", "四部上位法", "four parent laws"),
    "IM-2.1": ("definition", "provider", "scope", "Q", "境内公众", "public in mainland China"),
    "IM-2.2": ("definition", "provider", "scope", "Q", "新闻出版", "special rules"),
    "IM-2.3": ("definition", "provider", "scope", "Q", "没有向境内公众提供服务", "without offering the service to the public"),
    "IM-3": ("principle", "authority", "supervision", "Q", "包容审慎", "inclusively and prudently"),
    "IM-5": ("encouragement", "authority,industry", "scope", "K", "鼓励", "encouraged"),
    "IM-6": ("encouragement", "authority,industry", "scope", "K", "公共训练数据", "public training-data platforms"),
    "IM-16": ("power", "authority", "supervision", "K", "职责范围", "within their remits"),
    "IM-20": ("power", "authority", "supervision", "Q", "境外", "from outside mainland China"),
    "IM-22.1": ("definition", "anyone", "scope", "S", "文本、图片、音频、视频", "text, images, audio, video"),
    "IM-22.2": ("definition", "provider", "scope", "Q", "可编程接口", "programmable interface"),
    "IM-22.3": ("definition", "user", "scope", "K", "企业用户", "business customers"),
    "IM-23.1": ("duty", "provider", "preparation", "K", "许可", "licence"),
    "IM-23.2": ("duty", "provider", "preparation", "K", "外商投资", "Foreign investment"),
    "IM-24": ("commencement", "anyone", "scope", "Q", "2023年8月15日", "15 August 2023"),
}  # fmt: skip


@pytest.mark.parametrize("citation", DATA)
def test_each_says_what_it_is_and_what_it_says(citation: str) -> None:
    nature, who, phase, mark, zh, en = DATA[citation]
    found = duty(citation)
    assert (found.nature, ",".join(found.who), found.phase, found.mark) == (nature, who, (phase,), mark)
    assert zh in found.duty.zh
    assert en in found.duty.en
    assert found.deadline is None
    assert ("未经证实" in block(said(citation), citation)) is (mark == "K")


@pytest.mark.parametrize("citation", [name for name, row in DATA.items() if row[0] != "duty"])
def test_what_asks_nothing_is_not_applicable(citation: str, board: dict[str, Json]) -> None:
    assert not duty(citation).binds_provider
    assert board[citation]["result"] == "not_applicable"
    assert board[citation]["reason"]


def test_licences_and_foreign_investment_bind_before_the_launch(board: dict[str, Json]) -> None:
    for citation in ("IM-23.1", "IM-23.2"):
        assert duty(citation).binds_provider
        assert is_not_built(board[citation], "supervision.filing")
    assert duty("IM-23.1").see == ("FRAUD-23",)


def test_commencement_agrees_with_the_register() -> None:
    assert register().measures.in_force.isoformat() == "2023-08-15"
    assert register().measures.published is not None
    assert str(register().measures.published) == "2023-07-13"
    assert register().measures.articles_total == len(register().measures.articles)


def test_scope_leads_to_its_sisters() -> None:
    assert duty("IM-2.2").see == ("ARP-13", "IM-23.1")
    assert duty("IM-2.3").see == ("LAB-2",)
    for word in ("论坛", "聊天室", "公众账号", "短视频", "信息分享", "小程序"):
        assert word in duty("SEC-2").duty.zh


def test_policy_papers_and_ethics_rules_say_what_stands_in_for_a_date() -> None:
    assert "政策文件 / policy paper · 自愿采用 / voluntary" in said("AGENT-x")
    for citation in ("ETH-x", "AGENT-x", "AUDIT-x", "CBD-x"):
        header = next(line for line in said(citation).splitlines() if line.startswith("依据 mark"))
        assert header.startswith("依据 mark: 未经证实 / unconfirmed: ")
    assert {duty(f"AGENT-x.{n}").nature for n in (1, 2, 3)} == {"principle"}
    assert duty("ETH-x").mark == duty("SPIH-x.1").mark == "S"
