"""`hegui law list|show|clock|status` and the law's pages of the console: whole, in both languages, and honest about doubt."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import date
from html import unescape
from typing import Any

import httpx2
import pytest
from click.testing import CliRunner, Result

from hegui.cli import main
from hegui.kit import clock
from hegui.law import register
from hegui.law.models import KINDS, MARKS, NATURES, PHASES, WHO
from tests.harness import Server, hegui
from tests.law.asking import block

Json = dict[str, Any]
NOWHERE = ("--data", "/nonexistent-data")
HAN = re.compile(r"[\u4e00-\u9fff]")
UNCONFIRMED = "未经证实 / unconfirmed"
DUTIES = {item.id: item for _, _, item in register().obligations()}


def law(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["law", *arguments])


def data(*arguments: str) -> Any:
    done = law(*arguments, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.output)


@pytest.fixture(scope="module")
def lone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server(tmp_path_factory.mktemp("law") / "data").start()
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="module")
def console(lone: Server) -> Iterator[httpx2.Client]:
    def token(page: httpx2.Response) -> str:
        found = re.search(r'name="csrf" value="([^"]+)"', page.text)
        assert found
        return found.group(1)

    with httpx2.Client(base_url=lone.console, follow_redirects=True) as client:
        first = client.post(
            "/sign-in", data={"name": "admin", "password": lone.password, "csrf": token(client.get("/sign-in"))}
        )
        new = {
            "old": lone.password,
            "new": "correct horse battery",
            "again": "correct horse battery",
            "csrf": token(first),
        }
        assert "今日情况" in client.post("/password", data=new).text
        yield client


# --- list --------------------------------------------------------------------------------------------


def test_the_list_has_every_instrument_with_its_day_and_doubt() -> None:
    rows = {row["id"]: row for row in data("list")}
    lines = {line.split()[0]: line for line in law("list").output.splitlines()}
    assert list(rows) == list(lines) == [item.id for item in register().instruments]
    for item in register().instruments:
        row, line = rows[item.id], lines[item.id]
        assert (row["in_force"], row["url"], row["mark"]) == (str(item.in_force), item.url, item.mark)
        assert row["url"].startswith("http")
        assert (row["title_zh"], row["title"]) == tuple(item.title.bi)
        assert str(item.in_force) in line
        assert item.title.bi.both in line
        assert row["confirmed"] is (item.mark != "K") is (UNCONFIRMED not in line)
        assert row["obligations"] == sum(len(article.obligations) for article in item.articles)


def test_the_list_of_an_instrument_has_its_articles_and_names_the_doubtful_duties() -> None:
    rows, lines = data("list", "IM"), law("list", "IM").output.splitlines()
    assert [row["number"] for row in rows] == list(range(1, 25))
    for row, line in zip(rows, lines, strict=True):
        assert line.startswith(f"IM-{row['number']}  {row['title_zh']} / {row['title']}  [{row['room']}]")
        doubtful = [name for name in row["obligations"] if DUTIES[name].mark == "K"]
        assert row["unconfirmed"] == doubtful
        assert (f"[{UNCONFIRMED}: {', '.join(doubtful)}]" in line) is bool(doubtful)


@pytest.mark.parametrize(
    ("flags", "fits"),
    [
        (["--phase", "development"], lambda o: "development" in o.phase),
        (["--who", "store"], lambda o: "store" in o.who),
        (["--room", "service.complaints"], lambda o: o.room == "service.complaints"),
        (["--mark", "K"], lambda o: o.mark == "K"),
        (["--phase", "preparation", "--who", "user"], lambda o: "preparation" in o.phase and "user" in o.who),
        (["IM", "--mark", "K"], lambda o: o.mark == "K" and o.id.startswith("IM-")),
    ],
)
def test_filters_choose_duties_and_keep_their_order(flags: list[str], fits: Any) -> None:
    wanted = [item.id for item in DUTIES.values() if fits(item)]
    assert [row["id"] for row in data("list", *flags)] == wanted
    lines = law("list", *flags).output.splitlines()
    assert [line.split()[0] for line in lines] == wanted
    for line in lines:
        assert (UNCONFIRMED in line) is (not DUTIES[line.split()[0]].confirmed)
        assert HAN.search(line)


def test_the_law_of_another_day() -> None:
    assert [row["id"] for row in data("list", "--on", "2021-10-01")] == [
        item.id for item in register(date(2021, 10, 1)).instruments
    ]
    assert "IM" not in law("list", "--on", "2023-08-14").output.split()
    assert "IM" in law("list", "--on", "2023-08-15").output.split()
    assert law("list", "ANT", "--on", "2026-07-14").exit_code == 2
    assert data("list", "ANT", "--on", "2026-07-15")[0]["number"] == 2


# --- show --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("instrument", [item.id for item in register().instruments])
def test_show_says_everything_the_issue_asks_of_every_duty(instrument: str) -> None:
    found = register().instrument(instrument)
    for article in found.articles:
        citation = f"{instrument}-{article.number}"
        text, shown = law("show", citation, *NOWHERE).output, data("show", citation, *NOWHERE)
        head = text[: text.index("■")] if "■" in text else text
        assert found.url in head
        assert f"in force {found.in_force}" in head
        assert KINDS[found.kind].both in head
        assert article.summary.zh in head
        assert article.summary.en in head
        assert (UNCONFIRMED in head) is (found.mark == "K")
        assert shown["instrument"]["confirmed"] is (found.mark != "K")
        assert [item["id"] for item in shown["article"]["obligations"]] == [item.id for item in article.obligations]
        for item, built in zip(article.obligations, shown["article"]["obligations"], strict=True):
            said = block(text, item.id)
            assert item.duty.zh in said
            assert item.duty.en in said
            assert all(WHO[who].both in said for who in item.who)
            assert all(PHASES[phase].both in said for phase in item.phase)
            assert NATURES[item.nature].both in said
            assert f"room: {item.room}" in said
            assert item.trigger is None or item.trigger.bi.both in said
            assert item.evidence is None or item.evidence.bi.both in said
            assert all(name in said for name in (*item.parents, *item.clocks, *item.see))
            assert said.splitlines()[0].startswith(f"■ {item.id}  [{MARKS[item.mark].both}")
            assert (UNCONFIRMED in said) is (not item.confirmed)
            assert built["confirmed"] is (item.mark != "K")
            for number, row in zip(item.numbers, built["numbers"], strict=True):
                line = f"{number.name} {number.sense} {number.value} {number.unit} [{MARKS[number.mark].both}"
                assert line in said
                assert row["confirmed"] is (number.mark != "K")
            if item.deadline is not None:
                assert built["deadline"]["confirmed"] is (item.deadline.mark != "K")
                assert f"[{MARKS[item.deadline.mark].both}]" in said


def test_show_of_a_paragraph_shows_that_paragraph_alone() -> None:
    text = law("show", "IM-14.2", *NOWHERE).output
    assert "■ IM-14.2" in text
    assert "■ IM-14.1" not in text
    assert [item["id"] for item in data("show", "IM-14.2", *NOWHERE)["article"]["obligations"]] == ["IM-14.2"]


def test_show_without_a_data_directory_says_that_there_are_no_facts() -> None:
    text = law("show", "IM-17", *NOWHERE).output
    assert f"今日 today {clock.today()}" in text
    assert "还没有数据目录，无事实可示 / no data directory yet, no facts to show" in text
    assert data("show", "IM-17", *NOWHERE)["today"] == []


def test_show_has_todays_facts(lone: Server) -> None:
    text = hegui("law", "show", "IM-14", "--data", lone.data).stdout
    assert "IM-14.2  无法判定 / undetermined  尚未建成：service.sanctions / not built: service.sanctions" in text
    today = json.loads(hegui("law", "show", "IM-14", "--data", lone.data, "--json").stdout)["today"]
    assert [row["id"] for row in today] == ["IM-14.1", "IM-14.2"]


# --- clock -------------------------------------------------------------------------------------------


def test_the_clock_of_the_issue() -> None:
    text = law("clock", "IM-17", "--from", "2026-09-25").output
    assert "10 working days: 2026-10-15, because" in text
    assert "10 个工作日：2026-10-15，因为" in text
    lines = [line for line in text.splitlines() if "SEC-7" in line or "30 working days" in line or "before" in line]
    assert len(lines) == 4
    assert all(("[unconfirmed]" in line) or ("[未经证实]" in line) for line in lines)
    assert "unconfirmed" not in text.split("SEC-7")[0]


def test_a_clock_starts_today_when_no_day_is_given() -> None:
    assert data("clock", "ARP-24.1")[0]["from"] == clock.today().isoformat()


def test_doubt_is_told_in_both_languages() -> None:
    zh, en = law("clock", "ARP-24.1", "--from", "2026-12-28").output.splitlines()
    assert "[暂定]" in zh
    assert "暂定：跨入尚未公布放假安排的年份" in zh
    assert "[provisional]" in en
    assert "whose notice is not published" in en
    zh, en = law("clock", "IM-11.2").output.splitlines()
    assert "：— [未经证实]" in zh
    assert ": — [unconfirmed]" in en
    zh, en = law("clock", "ANT-18.3", "--from", "2026-07-01").output.splitlines()
    assert "[2026-07-15 起施行]" in zh
    assert "[in force only from 2026-07-15]" in en


def test_what_has_no_clock_says_so() -> None:
    assert law("clock", "IM-24").output == "IM-24: 没有时限 / no clock\n"
    assert data("clock", "IM-24") == []


# --- what is wrong -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "near"),
    [
        (["show", "im-17", *NOWHERE], "IM-17"),
        (["show", "IM-71", *NOWHERE], "IM-7"),
        (["show", "GM-14", *NOWHERE], "IM-14"),
        (["clock", "PI-54"], "PIPL-54"),
        (["clock", "ARP-42.1"], "ARP-24.1"),
        (["list", "PIPI"], "PIPL"),
        (["list", "im"], "IM"),
    ],
)
def test_a_wrong_name_is_answered_with_what_is_near(arguments: list[str], near: str) -> None:
    done = law(*arguments)
    assert done.exit_code == 2
    assert re.search(rf"near it: .*{re.escape(near)}\b", done.stderr)
    assert re.search(rf"相近的有 .*{re.escape(near)}\b", done.stderr)
    as_json = law(*arguments, "--json")
    assert as_json.exit_code == 2
    assert near in json.loads(as_json.stdout)["remedy"]
    assert near in json.loads(as_json.stdout)["remedy_zh"]


@pytest.mark.parametrize("command", ["show", "clock"])
def test_what_is_like_nothing_is_sent_to_the_list(command: str) -> None:
    done = law(command, "????????", *(NOWHERE if command == "show" else ()))
    assert done.exit_code == 2
    assert "hegui law list" in done.stderr


@pytest.mark.parametrize(
    ("written", "meant"),
    [("2026/9/5", "2026-09-05"), ("20260905", "2026-09-05"), ("2026-9-5", "2026-09-05"), ("2026年9月5日", "2026-09-05"),
     ("2026-02-30", "2026-09-25"), ("2026-13-01", "2026-09-25"), ("tomorrow", "2026-09-25"), ("", "2026-09-25"),
     ("25.09.2026", "2026-09-25")],
)  # fmt: skip
@pytest.mark.parametrize("command", [["clock", "IM-17", "--from"], ["list", "--on"]])
def test_a_wrong_day_is_answered_with_how_to_write_it(command: list[str], written: str, meant: str) -> None:
    done = law(*command, written)
    assert done.exit_code == 2
    assert f"写成 {meant}" in done.stderr
    assert f"write {meant}" in done.stderr


@pytest.mark.parametrize("day", ["9999-12-31", "9999-12-20"])
def test_a_day_at_the_end_of_the_calendar_is_no_crash(day: str) -> None:
    done = law("clock", "IM-17", "--from", day)
    assert done.exit_code == 2
    assert "错误：" in done.stderr
    assert "check the year" in done.stderr
    assert law("clock", "ARP-24.1", "--from", "0001-01-01").exit_code == 0


@pytest.mark.parametrize("arguments", [["list", "--phase", "launch"], ["list", "--who", "me"], ["list", "--mark", "Z"]])
def test_a_wrong_filter_names_those_there_are(arguments: list[str]) -> None:
    done = law(*arguments)
    assert done.exit_code == 2
    known = {"--phase": PHASES, "--who": WHO, "--mark": MARKS}[arguments[1]]
    assert all(name in done.stderr for name in known)


# --- status ------------------------------------------------------------------------------------------


def test_status_has_every_obligation_and_its_doubt(lone: Server) -> None:
    rows = {row["id"]: row for row in json.loads(hegui("law", "status", "--data", lone.data, "--json").stdout)}
    assert list(rows) == list(DUTIES)
    for name, row in rows.items():
        assert row["confirmed"] is (DUTIES[name].mark != "K")
        assert (row["mark"], row["room"]) == (DUTIES[name].mark, DUTIES[name].room)
        assert row["reason"]
        assert HAN.search(row["reason_zh"])
        assert (row["result"] == "not_applicable") is (not DUTIES[name].binds_provider)
    text = hegui("law", "status", "--data", lone.data).stdout
    assert [line.split()[0] for line in text.splitlines()] == [n for n, o in DUTIES.items() if o.binds_provider]
    for line in text.splitlines():
        assert line.endswith("unconfirmed]") is not DUTIES[line.split()[0]].confirmed


# --- the console -------------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize(
    "citation", ["IM-5", "IM-13", "IM-19", "SEC-7", "PIPL-52", "DSP-10", "CSL-69", "GB45438-5.1", "ETH-x"]
)
def test_an_articles_page_shows_its_duties_and_marks_each_doubt(
    console: httpx2.Client, citation: str, lang: str
) -> None:
    instrument, article = register().article(citation)
    page = console.get(f"/law/{instrument.id}/{article.number}", params={"lang": lang})
    assert page.status_code == 200
    for item in article.obligations:
        found = re.search(
            rf'<article class="obligation [a-z_]+" id="{re.escape(item.id)}">.*?</article>', page.text, re.DOTALL
        )
        assert found, item.id
        text = unescape(found.group())
        assert item.duty.bi.pick(lang) in text
        assert (MARKS["K"].pick(lang) in text) is (not item.confirmed), item.id
        if item.mark == "K" and item.unconfirmed is not None:
            assert item.unconfirmed.bi.pick(lang) in text, "what is unconfirmed is said, not only that"


def test_an_instruments_page_marks_its_header(console: httpx2.Client) -> None:
    for item in register().instruments:
        page = console.get(f"/law/{item.id}", params={"lang": "zh"}).text
        head = unescape(page[page.index('class="headline"') : page.index('class="articles"')])
        assert item.title.zh in head
        assert item.url in head
        assert ("未经证实" in head) is (item.mark == "K"), item.id


def test_an_unknown_page_of_the_law_says_what_is_near(console: httpx2.Client) -> None:
    page = console.get("/law/IM/99", params={"lang": "en"})
    assert page.status_code == 400
    assert "near it" in page.text
    assert console.get("/law/XX").status_code == 400
