"""Words: two people, an urgent day that ends by itself, exceptions upon exceptions, and nothing of a word in the ledger."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Callable
from datetime import timedelta

import psycopg
import pytest

from hegui.general.content.checks import Checker
from hegui.general.content.library import Library, LibraryError, Row, compile_library
from hegui.general.content.policy import Action, Lane, Side, load_policy
from hegui.general.content.rows import WordRules
from hegui.general.rulebook import acts
from hegui.general.rulebook.events import RuleLive, RuleProposed, RuleRefused, RuleWithdrawn
from hegui.general.rulebook.models import State, WordChange
from hegui.general.rulebook.reading import CHANNEL, Reading, read_book
from hegui.general.rulebook.rules import Gone, settled
from hegui.kit import clock
from hegui.kit.errors import InputError, NotAllowedError
from hegui.store.unit import driver_url
from tests.unit.people.desk import Desk
from tests.unit.rulebook.conftest import ADMIN, AUDITOR, LIBRARY, ONE, REVIEWER, TWO, acting, again

POLICY = load_policy(None)


def propose(
    desk: Desk, by: str, word: str = "标记词丁", risk: str = "A.1.b", rules: WordRules | None = None
) -> WordChange:
    with acting(desk, by) as (session, person):
        return acts.propose_word(session, person, word, risk, rules or WordRules(), source="review:1", library=LIBRARY)


def except_(desk: Desk, by: str, rule: str, phrase: str) -> WordChange:
    with acting(desk, by) as (session, person):
        return acts.propose_exception(session, person, rule, phrase, LIBRARY)


def approve(desk: Desk, by: str, row: WordChange, library: Library = LIBRARY) -> None:
    with acting(desk, by) as (session, person):
        acts.approve(session, person, again(session, row), library)


def urgent(desk: Desk, by: str, row: WordChange) -> None:
    with acting(desk, by) as (session, person):
        acts.put_in_force_alone(session, person, again(session, row), LIBRARY, "正在扩散")


def refuse(desk: Desk, by: str, row: WordChange) -> None:
    with acting(desk, by) as (session, person):
        acts.refuse(session, person, again(session, row), "并非敏感")


def take_back(desk: Desk, by: str, row: WordChange) -> None:
    with acting(desk, by) as (session, person):
        acts.take_back(session, person, again(session, row), "误伤")


def read(desk: Desk, library: Library | None = LIBRARY) -> Reading:
    with psycopg.connect(driver_url(desk.store.url), autocommit=True) as connection:
        return read_book(connection, library)


def hits(desk: Desk, text: str) -> list[str]:
    """Check a text as a worker does, and return the rules that hit."""
    book = read(desk).book
    found = Checker(LIBRARY.edited(book.words, book.gone), POLICY).check(text, Side.INPUT)
    return [verdict.rule for verdict in found.verdicts]


def test_a_word_counts_once_another_person_has_approved_it(desk: Desk, heard: list[object]) -> None:
    row = propose(desk, REVIEWER)
    assert hits(desk, "这里有标记词丁。") == []
    approve(desk, ONE, row)
    assert hits(desk, "这里有标记词丁。") == [row.name]
    (kept,) = read(desk).book.words
    assert (kept.rules.source, kept.rules.approver, kept.edit, kept.risk) == ("review:1", ONE, row.id, "A.1.b")
    take_back(desk, ONE, row)
    assert hits(desk, "这里有标记词丁。") == []
    assert heard == [
        RuleProposed(row.id, "word", "A.1.b", "review:1"),
        RuleLive(row.id, "word", "A.1.b", "review:1", urgent=False),
        RuleWithdrawn(row.id, "word", "A.1.b", "review:1"),
    ]


def test_nobody_approves_their_own(desk: Desk) -> None:
    row = propose(desk, ONE)
    with pytest.raises(NotAllowedError, match="提出人不能批准"):
        approve(desk, ONE, row)
    with pytest.raises(NotAllowedError):
        refuse(desk, ONE, row)
    approve(desk, TWO, row)
    assert [word.word for word in read(desk).book.words] == ["标记词丁"]


@pytest.mark.parametrize("who", [ADMIN, AUDITOR])
def test_who_may_not_write_proposes_nothing(desk: Desk, who: str) -> None:
    with pytest.raises(NotAllowedError):
        propose(desk, who)
    with pytest.raises(NotAllowedError):
        except_(desk, who, "keyword:2", "标记词甲类")


def test_a_reviewer_proposes_and_takes_back_their_own_but_decides_nothing(desk: Desk) -> None:
    own, other = propose(desk, REVIEWER), propose(desk, ONE, "标记词戊")
    for act in (approve, urgent, refuse):
        with pytest.raises(NotAllowedError):
            act(desk, REVIEWER, other)
    with pytest.raises(NotAllowedError):
        take_back(desk, REVIEWER, other)
    take_back(desk, REVIEWER, own)
    with pytest.raises(InputError, match="既不在等待"):
        take_back(desk, REVIEWER, own)


def test_a_refusal_needs_a_reason_and_ends_it(desk: Desk, heard: list[object]) -> None:
    row = propose(desk, REVIEWER)
    with acting(desk, ONE) as (session, person), pytest.raises(InputError, match="理由"):
        acts.refuse(session, person, again(session, row), "  ")
    refuse(desk, ONE, row)
    assert isinstance(heard[-1], RuleRefused)
    with pytest.raises(InputError, match="不在等待批准"):
        approve(desk, TWO, row)
    assert read(desk).book.words == ()


def test_an_urgent_word_is_in_force_at_once_and_lapses_by_the_clock_alone(desk: Desk, heard: list[object]) -> None:
    row = propose(desk, ONE)
    urgent(desk, ONE, row)
    assert heard[-1] == RuleLive(row.id, "word", "A.1.b", "review:1", urgent=True)
    reading = read(desk)
    assert [word.edit for word in reading.book.words] == [row.id]
    assert reading.again is not None
    assert reading.within is not None
    assert timedelta(hours=23, minutes=59) < reading.within <= timedelta(hours=24)
    assert abs(reading.again - clock.now() - reading.within) < timedelta(seconds=5)
    with pytest.raises(NotAllowedError):
        approve(desk, ONE, row)
    desk.sql("UPDATE rulebook_word SET lapses_at = now() - interval '1 second'")
    after = read(desk)
    assert (after.book.words, after.again, after.within) == ((), None, None)
    with acting(desk, TWO) as (session, _):
        assert again(session, row).state_on(clock.now()) is State.LAPSED
    with pytest.raises(InputError, match="不在等待批准"):
        approve(desk, TWO, row)


def test_an_urgent_word_that_another_approves_stays(desk: Desk) -> None:
    row = propose(desk, REVIEWER)
    urgent(desk, ONE, row)
    with pytest.raises(NotAllowedError, match="提出人"):
        approve(desk, ONE, row)
    approve(desk, TWO, row)
    desk.sql("UPDATE rulebook_word SET lapses_at = now() - interval '1 second'")
    reading = read(desk)
    assert [word.rules.approver for word in reading.book.words] == [TWO]
    assert reading.again is None


def test_nobody_keeps_a_word_in_force_alone_day_after_day(desk: Desk) -> None:
    urgent(desk, ONE, propose(desk, ONE))
    desk.sql("UPDATE rulebook_word SET lapses_at = now() - interval '1 second'")
    second = propose(desk, ONE)
    with pytest.raises(InputError, match="未获他人批准"):
        urgent(desk, ONE, second)
    urgent(desk, TWO, second)
    assert len(read(desk).book.words) == 1


@pytest.mark.parametrize(
    ("word", "risk", "rules"),
    [
        ("", "A.1.a", WordRules()),
        ("　", "A.1.a", WordRules()),
        ("标" * 101, "A.1.a", WordRules()),
        ("标记\n词", "A.1.a", WordRules()),
        ("标记词己", "A.9.z", WordRules()),
        ("标记词己", "", WordRules()),
        ("标记词己", "A.1.a", WordRules(exceptions=("别的词",))),
        ("标记词己", "A.1.a", WordRules(near=("标记",))),
        ("标记词己", "A.1.a", WordRules(action=Action.ANSWER)),
    ],
)
def test_what_is_no_word_is_refused_and_nothing_is_kept(desk: Desk, word: str, risk: str, rules: WordRules) -> None:
    with pytest.raises(LibraryError):
        propose(desk, REVIEWER, word, risk, rules)
    assert desk.sql("SELECT count(*) FROM rulebook_word") == [(0,)]


def test_the_same_word_is_not_queued_twice(desk: Desk) -> None:
    row = propose(desk, REVIEWER, "标记词abc")
    with pytest.raises(InputError, match="已提议"):
        propose(desk, ONE, "标记词ＡBC ")
    propose(desk, ONE, "标记词abc", "A.1.c")
    propose(desk, ONE, "标记词abc", rules=WordRules(lanes=frozenset({Lane.EXACT})))
    approve(desk, ONE, row)
    with pytest.raises(InputError, match="已生效"):
        propose(desk, TWO, "标记词abc")
    with pytest.raises(InputError, match="词库里已有"):
        propose(desk, TWO, "标记词甲", "A.1.a")


def test_everything_said_of_a_word_comes_back_as_it_was(desk: Desk) -> None:
    rules = WordRules(
        lanes=frozenset({Lane.EXACT, Lane.PINYIN}), exceptions=("标记词庚类", "大标记词庚"), near=("甲乙", "丙丁"), within=30,
        action=Action.MASK, since=clock.today(), until=clock.today() + timedelta(days=3), source="s",
    )  # fmt: skip
    row = propose(desk, REVIEWER, "标记词庚", "A.1.d", rules)
    approve(desk, ONE, row)
    (kept,) = read(desk).book.words
    assert kept.rules == WordRules(
        **{**{name: getattr(rules, name) for name in WordRules.__slots__}, "source": "review:1", "approver": ONE}
    )


def test_an_exception_takes_the_words_place_with_what_was_said_of_it(desk: Desk) -> None:
    row = except_(desk, REVIEWER, "keyword:3", "大标记词乙")
    assert hits(desk, "大标记词乙") == ["keyword:3"]
    approve(desk, ONE, row)
    assert hits(desk, "大标记词乙") == []
    assert hits(desk, "标记词乙类") == []
    assert hits(desk, "标记词乙") == [row.name]
    take_back(desk, TWO, row)
    assert hits(desk, "大标记词乙") == ["keyword:3"]


def test_exceptions_that_waited_side_by_side_both_hold(desk: Desk) -> None:
    one = except_(desk, REVIEWER, "keyword:2", "标记词甲类")
    two = except_(desk, REVIEWER, "keyword:2", "大标记词甲")
    with pytest.raises(InputError, match="已提议"):
        except_(desk, ONE, "keyword:2", "标记词甲类")
    approve(desk, ONE, one)
    approve(desk, ONE, two)
    assert hits(desk, "标记词甲类") == hits(desk, "大标记词甲") == []
    assert hits(desk, "标记词甲") == [two.name]
    with pytest.raises(InputError, match="代替了它"):
        take_back(desk, ONE, one)
    take_back(desk, ONE, two)
    assert (hits(desk, "标记词甲类"), hits(desk, "大标记词甲")) == ([], [one.name])


def test_an_exception_is_not_approved_upon_what_only_one_person_put_in_force(desk: Desk) -> None:
    word = propose(desk, ONE)
    urgent(desk, ONE, word)
    on_it = except_(desk, REVIEWER, word.name, "大标记词丁")
    with pytest.raises(InputError, match="紧急改动尚未获批准"):
        approve(desk, TWO, on_it)
    approve(desk, TWO, word)
    approve(desk, TWO, on_it)
    assert (hits(desk, "大标记词丁"), hits(desk, "标记词丁")) == ([], [on_it.name])


@pytest.mark.parametrize(
    ("rule", "phrase"),
    [("keyword:2", "没有那个词"), ("keyword:2", ""), ("keyword:3", "标记词乙类"), ("keyword:99", "x标记词"), ("word:nothing", "标记词"),
     ("word:01890000-0000-7000-8000-000000000000", "标记词甲类"), ("", "标记词甲类")],
)  # fmt: skip
def test_what_is_no_exception_or_no_rule_is_refused(desk: Desk, rule: str, phrase: str) -> None:
    with pytest.raises(InputError):
        except_(desk, REVIEWER, rule, phrase)


def test_a_word_of_the_file_is_taken_back_and_comes_again(desk: Desk) -> None:
    with acting(desk, REVIEWER) as (session, person):
        row = acts.propose_removal(session, person, "keyword:4", LIBRARY, "误伤过多")
        with pytest.raises(InputError, match="已在提议"):
            acts.propose_removal(session, person, "keyword:4", LIBRARY, "误伤过多")
    assert hits(desk, "标记词丙") == ["keyword:4"]
    approve(desk, ONE, row)
    assert hits(desk, "标记词丙") == []
    with pytest.raises(InputError, match="已被撤回"):
        except_(desk, REVIEWER, "keyword:4", "大标记词丙")
    propose(desk, REVIEWER, "标记词丙", "A.2.c")
    take_back(desk, ONE, row)
    assert hits(desk, "标记词丙") == ["keyword:4"]


def test_what_was_taken_back_stays_so_when_the_file_moves_its_rows(desk: Desk) -> None:
    with acting(desk, REVIEWER) as (session, person):
        row = acts.propose_removal(session, person, "keyword:2", LIBRARY, "误伤过多")
    approve(desk, ONE, row)
    assert read(desk).book.gone == {"keyword:2", "keyword:5"}, "both rows that have the word"
    moved = compile_library([Row(2, "标记词丙", "A.2.c"), Row(3, "标记词甲", "A.1.a")], "moved.csv")
    assert read(desk, moved).book.gone == {"keyword:3"}, "not the word that stands in row 2 now"
    shorter = compile_library([Row(2, "标记词丙", "A.2.c")], "shorter.csv")
    assert read(desk, shorter).book.gone == frozenset()
    assert read(desk, None).book.gone == {"keyword:2"}


def test_a_word_that_the_file_has_with_rules_of_its_own_is_taken_back_row_by_row() -> None:
    near = WordRules(near=("标记",), within=9)
    rows = [Row(2, "标记词甲", "A.1.a"), Row(3, "标记词甲", "A.1.a", near), Row(4, "标记词甲", "A.1.b")]
    library = compile_library(rows, "made.csv")
    one, other = Gone("keyword:2", "标记词甲", "A.1.a"), Gone("keyword:3", "标记词甲", "A.1.a", near)
    assert settled([one], library) == {"keyword:2"}
    assert settled([other], library) == {"keyword:3"}
    assert settled([one, other], library) == {"keyword:2", "keyword:3"}
    moved = compile_library(
        [Row(2, "标记词乙", "A.1.a"), *(row._replace(row=row.row + 1) for row in rows)], "moved.csv"
    )
    assert settled([one], moved) == {"keyword:3"}, "the row with the same rules, not the one that has its number"
    assert settled([other], moved) == {"keyword:4"}
    assert settled([Gone("word:x", "标记词乙", "A.1.a")], library) == {"word:x"}


def test_two_officers_who_approve_at_the_same_moment_do_not_undo_each_other(desk: Desk) -> None:
    waiting = [except_(desk, REVIEWER, "keyword:2", phrase) for phrase in ("标记词甲类", "大标记词甲", "标记词甲等")]
    threads = [
        threading.Thread(target=approve, args=(desk, officer, row))
        for officer, row in zip((ONE, TWO, ONE), waiting, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert [hits(desk, text) for text in ("标记词甲类", "大标记词甲", "标记词甲等")] == [[], [], []]
    assert len(hits(desk, "标记词甲")) == 1


def test_a_proposal_upon_a_word_that_the_file_has_no_more_is_not_approved(desk: Desk) -> None:
    row = except_(desk, REVIEWER, "keyword:2", "标记词甲类")
    moved = compile_library([Row(2, "标记词丙", "A.2.c")], "moved.csv")
    with pytest.raises(InputError, match="已没有这个词"):
        approve(desk, ONE, row, moved)


def test_every_act_is_in_the_ledger_and_no_word_is(desk: Desk) -> None:
    before = len(desk.sql("SELECT id FROM evidence_entry WHERE kind LIKE 'rule.%%'"))
    row, second = propose(desk, REVIEWER, "标记词辛"), propose(desk, REVIEWER, "标记词壬")
    urgent(desk, ONE, row)
    approve(desk, TWO, row)
    refuse(desk, ONE, second)
    exception = except_(desk, REVIEWER, "keyword:2", "标记词甲类")
    approve(desk, ONE, exception)
    take_back(desk, ONE, exception)
    kept = desk.sql("SELECT kind, payload FROM evidence_entry WHERE kind LIKE 'rule.%%' ORDER BY id OFFSET %s", before)
    assert [kind for kind, _ in kept] == [
        "rule.proposed", "rule.proposed", "rule.urgent", "rule.approved", "rule.refused", "rule.proposed", "rule.approved",
        "rule.withdrawn",
    ]  # fmt: skip
    assert "标记词" not in "".join(payload for _, payload in kept)
    first = json.loads(kept[0][1])
    assert (first["rule"], first["risk"], first["does"]) == (row.id, "A.1.b", "word")
    with acting(desk, ONE) as (session, _):
        salts = {found.id: found.salt for found in (again(session, row), again(session, second))}
    said = {"source": "review:1"}
    assert first["commitment"] == committed(salts[row.id], [row.id, "标记词辛", None, said]), (
        "shown with its salt, a word is proved"
    )
    assert json.loads(kept[2][1])["why"] == committed(salts[row.id], [row.id, "正在扩散"])
    assert len(set(salts.values())) == 2
    everything = "".join(payload for _, payload in kept)
    assert not any(salt in everything for salt in salts.values())
    guesses: list[list[object]] = [[row.id, "标记词辛", None, said], [row.id, "正在扩散"]]
    for guess in guesses:
        plain = json.dumps(guess, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()
        assert hashlib.sha256(plain).hexdigest() not in everything, "without the salt nobody can guess a word"
        assert committed("", guess) not in everything


def committed(salt: str, parts: list[object]) -> str:
    """Return a commitment as anybody reckons it with nothing but a standard library."""
    plain = json.dumps(parts, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()
    return base64.b64encode(hashlib.sha256(salt.encode() + plain).digest()).decode()


def moved_by_one() -> Library:
    """Return the small library with a new word at its top, so that every other row has moved."""
    rows = [Row(word.row + 1, word.text, word.risk, word.rules) for word in LIBRARY.words]
    return compile_library([Row(2, "标记词新", "A.2.c"), *rows], "moved.csv")


def hits_in(desk: Desk, library: Library, text: str) -> list[str]:
    book = read(desk, library).book
    found = Checker(library.edited(book.words, book.gone), POLICY).check(text, Side.INPUT)
    return [verdict.rule for verdict in found.verdicts]


def test_a_second_exception_stands_upon_the_first_when_the_rows_have_moved(desk: Desk) -> None:
    first = except_(desk, REVIEWER, "keyword:2", "标记词甲类")
    approve(desk, ONE, first)
    moved = moved_by_one()
    with acting(desk, REVIEWER) as (session, person):
        second = acts.propose_exception(session, person, "keyword:3", "大标记词甲", moved)
        with pytest.raises(InputError, match="已提议"):
            acts.propose_exception(session, person, "keyword:6", "大标记词甲", moved)
    assert second.rule == first.name
    approve(desk, ONE, second, moved)
    for library in (LIBRARY, moved):
        assert [hits_in(desk, library, text) for text in ("标记词甲类", "大标记词甲", "标记词甲")] == [
            [],
            [],
            [second.name],
        ]


def test_a_proposal_waits_for_its_word_wherever_the_rows_go(desk: Desk) -> None:
    waiting = except_(desk, REVIEWER, "keyword:3", "大标记词乙")
    moved = moved_by_one()
    with acting(desk, ONE) as (session, person), pytest.raises(InputError, match="已提议"):
        acts.propose_exception(session, person, "keyword:4", "大标记词乙", moved)
    approve(desk, ONE, waiting, moved)
    assert (hits_in(desk, moved, "大标记词乙"), hits_in(desk, moved, "标记词乙")) == ([], [waiting.name])
    assert hits_in(desk, moved, "标记词丙") == ["keyword:5"], "the word beside it is as it was"


def test_what_was_taken_back_is_known_as_such_in_its_new_row(desk: Desk) -> None:
    with acting(desk, REVIEWER) as (session, person):
        row = acts.propose_removal(session, person, "keyword:4", LIBRARY, "误伤过多")
    moved = moved_by_one()
    with acting(desk, REVIEWER) as (session, person), pytest.raises(InputError, match="已在提议"):
        acts.propose_removal(session, person, "keyword:5", moved, "误伤过多")
    approve(desk, ONE, row, moved)
    with acting(desk, REVIEWER) as (session, person):
        with pytest.raises(InputError, match="已被撤回"):
            acts.propose_removal(session, person, "keyword:5", moved, "误伤过多")
        with pytest.raises(InputError, match="已被撤回"):
            acts.propose_exception(session, person, "keyword:5", "大标记词丙", moved)
        acts.propose_word(session, person, "标记词丙", "A.2.c", library=moved)
        with pytest.raises(InputError, match="词库里已有"):
            acts.propose_word(session, person, "标记词新", "A.2.c", library=moved)


def test_an_exception_keeps_no_word_in_force_that_the_file_has_no_more(desk: Desk) -> None:
    first = except_(desk, REVIEWER, "keyword:3", "大标记词乙")
    approve(desk, ONE, first)
    second = except_(desk, REVIEWER, "keyword:3", "老标记词乙")
    approve(desk, ONE, second)
    assert hits(desk, "标记词乙") == [second.name]
    without = compile_library([Row(2, "标记词甲", "A.1.a")], "without.csv")
    assert hits_in(desk, without, "标记词乙") == []
    other_risk = compile_library([Row(2, "标记词乙", "A.2.c")], "other.csv")
    assert hits_in(desk, other_risk, "大标记词乙") == ["keyword:2"]


def test_what_changes_the_book_is_told_to_the_workers_at_commit_and_what_does_not_is_not(desk: Desk) -> None:
    def told(act: Callable[[], object]) -> bool:
        before = desk.sql("SELECT coalesce(max(value), 0) FROM store_revision")[0][0]
        act()
        grown = bool(desk.sql("SELECT coalesce(max(value), 0) FROM store_revision")[0][0] > before)
        heard = bool(list(listening.notifies(timeout=0.3, stop_after=1)))
        assert heard is grown
        return heard

    with psycopg.connect(driver_url(desk.store.url), autocommit=True) as listening:
        listening.execute(f"LISTEN {CHANNEL}".encode())
        row = propose(desk, REVIEWER)
        assert told(lambda: approve(desk, ONE, row))
        assert told(lambda: take_back(desk, ONE, row))
        assert not told(lambda: refuse(desk, ONE, propose(desk, REVIEWER)))
        other = propose(desk, REVIEWER)
        assert told(lambda: urgent(desk, ONE, other))
        assert told(lambda: refuse(desk, TWO, other))
