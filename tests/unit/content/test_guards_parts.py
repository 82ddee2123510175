"""The parts of a guard by themselves: what is sent, windows, cache, circuit, mappings, settings, signature."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hegui.general.content.guards import Guard, GuardSettings, MappingError, Severity, load_mapping, load_settings
from hegui.general.content.guards.breaker import CIRCUIT_NAMES, Breaker, Circuit
from hegui.general.content.guards.cache import Cache
from hegui.general.content.guards.mapping import UNMAPPED, parse_mapping
from hegui.general.content.guards.results import (
    REASON_NAMES,
    SEVERITY_NAMES,
    STATE_NAMES,
    Finding,
    GuardResult,
    Judgement,
    Reason,
    State,
    merged,
)
from hegui.general.content.guards.settings import parse_settings, secret
from hegui.general.content.guards.tidy import defused, tidy
from hegui.general.content.guards.transport import Acs3
from hegui.general.content.guards.windows import TooLongError, sentences, windows
from hegui.kit.errors import HeguiError, SettingsError
from hegui.law import risks

ROOT = Path(__file__).parents[3]
FAMILIES = ("qwen3guard", "llama_guard", "shieldgemma", "yes_no", "aliyun")


# --- what is sent ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "sent"), [
    ("合\u200b规\u2060样\ufeff例", "合规样例"), ("Ａｂ１②𝐱", "Ab12x"), ("你好，世界！（是）", "你好，世界！（是）"),
    ("a\r\nb\rc\td", "a\nb\nc\td"), ("a    b　　c", "a b c"), ("a\n\n \n\n\nb", "a\n\nb"), ("  a ", "a"),
    ("a\x00\x07b\x7f", "ab"), ("合\u0336规\u20dd", "合规"), ("👍🏽\ufe0f", "👍🏽"), ("\ud800x", "?x"), ("合\u3164规\u115f", "合规"), ("É é ü", "É é ü"),
    ("\u202e反\u202c", "反"), ("\U000e0041标", "标"),
])  # fmt: skip
def test_what_can_not_be_seen_goes_and_the_rest_stays(text: str, sent: str) -> None:
    assert tidy(text) == sent


@pytest.mark.parametrize(("text", "sent"), [
    ("<|im_end|>", "< |im_end| >"), ("<END CONVERSATION>", "< END CONVERSATION>"), ("<end conversation>", "< end conversation>"),
    ("<start_of_turn>", "< start_of_turn>"), ("</s>", "< /s>"), ("[INST]", "[ INST]"), ("<<SYS>>", "< <SYS>>"), ("</think>", "< /think>"),
    ("a < b > c", "a < b > c"), ("<p>甲</p>", "<p>甲</p>"), ("x[0]", "x[0]"), ("f |> g", "f | > g"),
])  # fmt: skip
def test_control_tokens_become_plain_and_other_brackets_stay(text: str, sent: str) -> None:
    assert defused(text) == (sent, int(text != sent) + (text == "<|im_end|>"))


@given(st.text(st.sampled_from("甲 a\n\r\t，\u200b　Ａ"), max_size=40))
def test_common_writing_is_tidied_the_same_the_short_way(text: str) -> None:
    """A character of another kind, taken away again, sends the text the long way."""
    assert tidy(text) == tidy(f"{text}é").removesuffix("é").rstrip()


@given(st.text())
def test_tidying_and_defusing_twice_change_nothing_more(text: str) -> None:
    once = defused(tidy(text))[0]
    assert defused(once) == (once, 0)
    assert once.encode("utf-8") or not once
    assert "<|" not in once
    assert "|>" not in once


# --- windows -----------------------------------------------------------------------------------------

PROSE = st.text(st.sampled_from("甲乙丙ab。！？；\n.!? \u3000”"), max_size=600)


@given(PROSE)
def test_sentences_joined_are_the_text(text: str) -> None:
    assert "".join(sentences(text)) == text


@given(st.lists(st.integers(1, 120), min_size=1, max_size=40), st.integers(50, 90))
def test_every_sentence_is_whole_in_a_window_and_beside_its_neighbour_where_both_have_room(
    lengths: list[int], size: int
) -> None:
    # Each sentence of a character of its own, so that none is found in another's place.
    text = "".join(chr(0x4E00 + at) * length + "。" for at, length in enumerate(lengths))
    parts = windows(text, size=size, most=500)
    assert all(len(part) <= size and part in text for part in parts)
    found = list(sentences(text))
    assert [len(sentence) for sentence in found] == [length + 1 for length in lengths]
    for sentence in found:
        assert len(sentence) > size or any(sentence in part for part in parts)
    for one, two in pairwise(found):
        assert len(one + two) > size or any(one + two in part for part in parts)


@given(st.text(st.sampled_from("甲乙"), min_size=1, max_size=900), st.integers(50, 90))
def test_every_run_shorter_than_the_overlap_is_whole_in_a_window(text: str, size: int) -> None:
    parts = windows(text, size=size, most=200)
    overlap = size // 8
    for at in range(max(1, len(text) - overlap + 1)):
        assert any(text[at : at + overlap] in part for part in parts)


@given(PROSE.filter(lambda text: len(text) > 50))
def test_a_third_of_the_stated_limit_always_fits(text: str) -> None:
    assert windows(text, size=50, most=-(-len(text) * 3 // 50) + 1)


def test_more_than_the_limit_is_told_and_the_whole_is_one_part_more() -> None:
    with pytest.raises(TooLongError):
        windows("甲" * 501, size=50, most=10)
    assert windows("甲乙。" * 40, size=60, most=10, whole=200)[-1] == "甲乙。" * 40
    assert "甲乙。" * 40 not in windows("甲乙。" * 40, size=60, most=10, whole=100)
    with pytest.raises(TooLongError):
        windows("甲乙。" * 40, size=60, most=2, whole=200)


# --- cache and circuit -------------------------------------------------------------------------------


def test_the_cache_is_bounded_by_entries_bytes_and_age() -> None:
    now = [0.0]
    found = Judgement((Finding("A.1.f", "x", Severity.UNSAFE),))
    by_entries = Cache(2, 10**6, 10, clock=lambda: now[0])
    for key in (b"a", b"b"):
        by_entries.put(key, Judgement())
    assert by_entries.get(b"a") == Judgement()
    by_entries.put(b"c", found)  # b was used longest ago
    assert [by_entries.get(key) for key in (b"a", b"b", b"c")] == [Judgement(), None, found]
    now[0] = 10
    assert by_entries.get(b"a") is None
    assert (len(by_entries), by_entries.evicted, by_entries.hits, by_entries.misses) == (1, 1, 3, 2)
    by_bytes = Cache(10**6, 2000, 10, clock=lambda: now[0])
    for number in range(100):
        by_bytes.put(bytes([number]), found)
    assert 0 < by_bytes.bytes <= 2000
    by_bytes.put(b"\x63", found)  # the same again takes no more room
    assert by_bytes.bytes <= 2000
    none = Cache(0, 10**6, 10)
    none.put(b"a", found)
    assert none.get(b"a") is None


def test_keys_are_secret_and_parts_do_not_run_together() -> None:
    one, two = Cache(1, 1, 1), Cache(1, 1, 1)
    assert one.key(b"ab", b"c") != one.key(b"a", b"bc")
    assert one.key(b"ab") == one.key(b"ab") != two.key(b"ab")


def test_what_began_before_the_failures_neither_closes_nor_prolongs_the_circuit() -> None:
    now = [0.0]
    breaker = Breaker(2, 10, clock=lambda: now[0])
    early = [breaker.allow() for _ in range(4)]
    assert early == [Circuit.CLOSED] * 4
    breaker.failed(Circuit.CLOSED)
    breaker.failed(Circuit.CLOSED)
    assert breaker.circuit is Circuit.OPEN
    now[0] = 9
    breaker.failed(Circuit.CLOSED)
    breaker.succeeded(Circuit.CLOSED)
    assert (breaker.circuit, breaker.opened, breaker.allow()) == (Circuit.OPEN, 1, None)
    now[0] = 10
    assert (breaker.allow(), breaker.allow()) == (Circuit.HALF_OPEN, None)
    breaker.failed(Circuit.CLOSED)  # another late one, while the trial is under way
    assert breaker.allow() is None
    breaker.succeeded(Circuit.HALF_OPEN)
    assert (breaker.circuit, breaker.failures) == (Circuit.CLOSED, 0)


def test_failures_must_be_in_a_row() -> None:
    breaker = Breaker(2, 10)
    for _ in range(5):
        breaker.failed(Circuit.CLOSED)
        breaker.succeeded(Circuit.CLOSED)
    assert breaker.circuit is Circuit.CLOSED


# --- results -----------------------------------------------------------------------------------------


def test_of_several_parts_the_worst_counts() -> None:
    low, high = (
        Finding("A.1.f", "Violent", Severity.CONTROVERSIAL, 0.95),
        Finding("A.1.f", "Violent", Severity.UNSAFE, 0.7),
    )
    one = Judgement((low,), {Severity.SAFE: 0.4, Severity.CONTROVERSIAL: 0.6, Severity.UNSAFE: 0.0})
    two = Judgement(
        (high, Finding("A.1.f", "Violent", Severity.UNSAFE, 0.9)), {Severity.SAFE: 0.1, Severity.UNSAFE: 0.9}
    )
    together = merged([Judgement((), {Severity.SAFE: 1.0}), one, two])
    assert together.findings == (Finding("A.1.f", "Violent", Severity.UNSAFE, 0.9), low)
    assert together.scores[Severity.UNSAFE] == 0.9
    assert merged([]) == Judgement()


def test_only_a_text_judged_whole_with_nothing_found_is_safe() -> None:
    found = (Finding(None, "x", Severity.CONTROVERSIAL),)
    for state in State:
        for findings in ((), found):
            result = GuardResult(state, findings, "m")
            assert result.safe is (state is State.JUDGED and not findings)


def test_every_state_has_its_name_in_two_languages() -> None:
    for kinds, names in (
        (State, STATE_NAMES),
        (Severity, SEVERITY_NAMES),
        (Reason, REASON_NAMES),
        (Circuit, CIRCUIT_NAMES),
    ):
        assert set(names) == set(kinds)


# --- mappings ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("family", FAMILIES)
def test_a_shipped_mapping_leads_to_risks_of_the_standard_or_says_that_it_does_not(family: str) -> None:
    mapping = load_mapping(family)
    for name, category in mapping.categories.items():
        assert category.risk in {*risks().ids, UNMAPPED}
        assert category.risk not in category.also
        finding = mapping.finding(name, Severity.UNSAFE, 0.5)
        assert finding.risk == (None if category.risk == UNMAPPED else category.risk)
        assert finding.as_dict()["risk"] == category.risk
        assert category.name.zh
        assert category.name.en
    assert mapping.source
    assert mapping.finding("of a later version", Severity.UNSAFE) == Finding(
        None, "of a later version", Severity.UNSAFE
    )


def test_every_category_of_the_models_is_mapped() -> None:
    assert set(load_mapping("llama_guard").categories) == {f"S{number}" for number in range(1, 15)}
    assert {"Violent", "Non-violent Illegal Acts", "Sexual Content or Sexual Acts", "PII", "Suicide & Self-Harm", "Unethical Acts",
            "Politically Sensitive Topics", "Copyright Violation", "Jailbreak"} <= set(load_mapping("qwen3guard").categories)  # fmt: skip
    assert len(load_mapping("shieldgemma").categories) == 4


GOOD = "family: qwen3guard\nsource: [x]\ncategories:\n  Violent: {risk: A.1.f, name: {zh: 甲, en: a}}\n"


@pytest.mark.parametrize(("text", "told"), [
    (GOOD.replace("A.1.f", "A.9.z"), "A.9.z"), (GOOD.replace("A.1.f", "A.1"), "A.1"), (GOOD.replace("risk: A.1.f, ", ""), "risk"),
    (GOOD.replace("qwen3guard", "aliyun"), "aliyun"), (GOOD + "  Violent: {}\n", "Violent"), (GOOD + "more: 1\n", "more"),
    (GOOD.replace("name:", "nam:"), "nam"), ("family: qwen3guard\nsource: []\ncategories: {}\n", "category"), ("- 1", "object"),
    (GOOD.replace("A.1.f,", "A.1.f, also: [unmapped],"), "unmapped"), ("a: [", "line"), (GOOD.replace("A.1.f", "!!python/name:os.system x"), "python"),
])  # fmt: skip
def test_a_wrong_mapping_is_told(text: str, told: str) -> None:
    with pytest.raises(MappingError, match=told) as error:
        parse_mapping(text, "qwen3guard", "own.yaml")
    assert "own.yaml" in error.value.title.zh


@pytest.mark.parametrize(
    ("family", "told"), [("shieldgemma", "guideline"), ("yes_no", "guideline"), ("aliyun", "levels")]
)
def test_a_mapping_that_would_ask_or_read_nothing_is_refused(family: str, told: str) -> None:
    """With no question to ask, every text would be judged by nobody and found safe."""
    with pytest.raises(MappingError, match=told):
        parse_mapping(GOOD.replace("qwen3guard", family), family, "own.yaml")


def test_a_mapping_of_another_family_is_refused() -> None:
    with pytest.raises(SettingsError, match="llama_guard"):
        Guard(parse_settings(BASE), mapping=load_mapping("llama_guard"))


def test_an_own_mapping_takes_the_place_of_the_shipped_one(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(GOOD.replace("A.1.f", UNMAPPED), "utf-8")
    mapping = load_mapping("qwen3guard", path)
    assert mapping.finding("Violent", Severity.UNSAFE).risk is None
    assert mapping.version != load_mapping("qwen3guard").version
    assert parse_mapping("# 注释\n" + path.read_text("utf-8"), "qwen3guard", "x").version == mapping.version
    path.write_bytes(b"\xff\xfe\x00")
    for wrong in (path, tmp_path / "none.yaml"):
        with pytest.raises(MappingError):
            load_mapping("qwen3guard", wrong)


# --- settings ----------------------------------------------------------------------------------------

BASE = {"family": "qwen3guard", "url": "https://guard.example/v1", "model": "m"}


@pytest.mark.parametrize(("change", "told"), [
    ({"famly": "x"}, "family"), ({"family": "other"}, "family"), ({"url": "guard.example"}, "http"), ({"url": "ftp://guard.example"}, "http"),
    ({"url": "https://u:p@guard.example/v1"}, "user"), ({"url": "https://guard.example/v1?key=1"}, "query"), ({"url": "http://guard.example/v1"}, "plain http"),
    ({"url": "https://guard.example:99999/v1"}, "http"), ({"url": "https://[::1"}, "http"), ({"url": "https://guard.example/\n"}, "http"),
    ({"model": ""}, "model"), ({"mode": "fast"}, "mode"), ({"concurrency": 0}, "concurrency"), ({"concurrency": "many"}, "concurrency"),
    ({"call_seconds": 0}, "call_seconds"), ({"call_seconds": -1}, "call_seconds"), ({"unsafe_from": 1.5}, "unsafe_from"), ({"unsafe_from": float("nan")}, "unsafe_from"),
    ({"window_characters": 10}, "window_characters"), ({"retries": 100}, "retries"), ({"plain_http": "yes please"}, "plain_http"),
    ({"family": "aliyun", "mode": "label"}, "aliyun"), ({"family": "aliyun", "window_characters": 3000}, "2000"), ({"family": "aliyun", "key_env": "A"}, "key_id_env"), ({"key_id_env": "A"}, "aliyun"),
])  # fmt: skip
def test_wrong_settings_are_told_with_what_to_do(change: dict[str, Any], told: str) -> None:
    with pytest.raises(SettingsError) as error:
        parse_settings({**BASE, **change})
    assert told in " ".join(error.value.lines())
    assert all(text.strip("：: ") for text in (*error.value.title, *error.value.remedy))


@pytest.mark.parametrize("missing", ["family", "url"])
def test_settings_without_their_heart_are_told(missing: str) -> None:
    with pytest.raises(SettingsError, match=missing):
        parse_settings({key: value for key, value in BASE.items() if key != missing})


@pytest.mark.parametrize("data", [None, [], "x", 3])
def test_settings_that_are_no_mapping_are_told(data: Any) -> None:
    with pytest.raises(SettingsError):
        parse_settings(data)


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "localhost"])
def test_plain_http_stays_on_this_machine_unless_it_is_allowed(host: str) -> None:
    assert parse_settings({**BASE, "url": f"http://{host}:8000/v1"})
    assert parse_settings({**BASE, "url": "http://guard.example/v1", "plain_http": True})


def test_a_file_of_settings_is_read_and_its_paths_are_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "guard.yaml"
    (tmp_path / "own.yaml").write_text(GOOD, "utf-8")
    path.write_text(
        "family: qwen3guard\nurl: https://guard.example/v1\nmodel: m\nmode: scores\nmapping: own.yaml\ncall_seconds: 2\n",
        "utf-8",
    )
    read = load_settings(path)
    assert (read.mode, read.call_seconds, read.mapping) == ("scores", 2.0, str(tmp_path / "own.yaml"))
    assert list(Guard(read).mapping.categories) == ["Violent"]
    for text in ("a: [", "family: x\nfamily: y\n", "family: {a: b}\nurl: x\n"):
        path.write_text(text, "utf-8")
        with pytest.raises(SettingsError):
            load_settings(path)
    with pytest.raises(SettingsError):
        load_settings(tmp_path / "none.yaml")


def test_a_key_that_is_named_but_not_there_is_told() -> None:
    given = parse_settings({**BASE, "key_env": "GUARD_KEY"})
    assert secret(given, "key_env", {"GUARD_KEY": " sk-1 "}) == "sk-1"
    assert secret(given, "key_id_env", {}) == ""
    for wrong in ("", "  ", "a\nb", "密钥"):
        with pytest.raises(SettingsError, match="GUARD_KEY"):
            secret(given, "key_env", {"GUARD_KEY": wrong})


@pytest.mark.parametrize("more", [{"categories": ("none",)}, {"mapping": "/nowhere.yaml"}])
def test_settings_that_do_not_fit_the_mapping_are_told(more: dict[str, Any]) -> None:
    with pytest.raises(HeguiError):
        Guard(parse_settings({**BASE, "family": "shieldgemma", **more}))


def test_the_guide_explains_every_setting() -> None:
    guide = (ROOT / "docs/howto/guard-models.md").read_text("utf-8")
    rows = [line for line in guide.partition("## 设置")[2].splitlines() if line.startswith("| `")]
    for item in fields(GuardSettings):
        doc = item.metadata["doc"]
        [row] = [row for row in rows if row.startswith(f"| `{item.name}` |")]
        assert doc.zh in row
        assert doc.en in row
    assert len(rows) == len(fields(GuardSettings))


# --- the signature -----------------------------------------------------------------------------------


def test_the_signature_is_that_of_the_vendors_example() -> None:
    """help.aliyun.com/zh/sdk/product-overview/v3-request-structure-and-signature, the fixed example."""
    signer = Acs3(
        host="ecs.cn-shanghai.aliyuncs.com", key_id="YourAccessKeyId", secret="YourAccessKeySecret", action="RunInstances",
        version="2014-05-26", clock=lambda: datetime(2023, 10, 26, 10, 22, 32, tzinfo=UTC), nonce=lambda: "3156853299f313e23d1673dc12e1703d",
    )  # fmt: skip
    query = "ImageId=win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd&RegionId=cn-shanghai"
    assert signer.signed("/", query, b"")["Authorization"] == (
        "ACS3-HMAC-SHA256 Credential=YourAccessKeyId,SignedHeaders=host;x-acs-action;x-acs-content-sha256;x-acs-date;"
        "x-acs-signature-nonce;x-acs-version,Signature=06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0"
    )
    assert "YourAccessKeySecret" not in repr(signer)
    assert signer("/", b"a")["x-acs-content-sha256"] != signer("/", b"b")["x-acs-content-sha256"]
