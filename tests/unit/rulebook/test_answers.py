"""Set answers: two people, one answer to a question however it is written, and none of the words in the ledger."""

from __future__ import annotations

import asyncio

import psycopg
import pytest

from hegui.general.content.book import Answers, Book
from hegui.general.rulebook import answers
from hegui.general.rulebook.events import AnswerLive, AnswerWithdrawn
from hegui.general.rulebook.models import SetAnswerRow
from hegui.general.rulebook.reading import read_book, read_book_async
from hegui.general.rulebook.rules import LONGEST_ANSWER
from hegui.kit.errors import InputError, NotAllowedError
from hegui.store.unit import driver_url
from tests.unit.people.desk import Desk
from tests.unit.rulebook.conftest import ADMIN, ONE, REVIEWER, TWO, acting

QUESTION, ANSWER = "标记问题是什么？", "以标记答案为准。"


def propose(desk: Desk, by: str = REVIEWER, question: str = QUESTION, answer: str = ANSWER, risk: str = "A.1.a") -> str:
    with acting(desk, by) as (session, person):
        return answers.propose_answer(session, person, question, answer, risk, why="常问").id


def do(desk: Desk, by: str, act: str, number: str) -> None:
    with acting(desk, by) as (session, person):
        row = session.get(SetAnswerRow, number)
        assert row is not None
        if act == "approve":
            answers.approve_answer(session, person, row)
        else:
            {"refuse": answers.refuse_answer, "withdraw": answers.withdraw_answer}[act](session, person, row, "不妥")


def book(desk: Desk) -> Book:
    with psycopg.connect(driver_url(desk.store.url), autocommit=True) as connection:
        return read_book(connection).book


def test_an_answer_is_given_once_another_person_has_approved_it(desk: Desk, heard: list[object]) -> None:
    number = propose(desk, ONE)
    with pytest.raises(NotAllowedError, match="提出人"):
        do(desk, ONE, "approve", number)
    assert book(desk).answers == ()
    do(desk, TWO, "approve", number)
    found = Answers(book(desk).answers).find("标记 问题,是什么")
    assert found is not None
    assert (found.id, found.answer, found.risk) == (number, ANSWER, "A.1.a")
    do(desk, ONE, "withdraw", number)
    assert book(desk).answers == ()
    assert heard == [AnswerLive(number, "A.1.a"), AnswerWithdrawn(number, "A.1.a")]


def test_a_new_answer_takes_the_place_of_the_old_one_to_the_same_question(desk: Desk) -> None:
    old, new = propose(desk), propose(desk, question="标记 问题是什么", answer="另一个答案")
    do(desk, ONE, "approve", old)
    do(desk, ONE, "approve", new)
    assert [(item.id, item.answer) for item in book(desk).answers] == [(new, "另一个答案")]
    assert desk.sql("SELECT state FROM rulebook_answer WHERE id = %s", old) == [("withdrawn",)]


def test_refusals_permits_and_doubles(desk: Desk) -> None:
    number = propose(desk)
    with pytest.raises(InputError, match="已提议"):
        propose(desk)
    for act in ("approve", "refuse"):
        with pytest.raises(NotAllowedError):
            do(desk, REVIEWER, act, number)
    with pytest.raises(NotAllowedError):
        propose(desk, ADMIN)
    do(desk, ONE, "refuse", number)
    for act in ("approve", "refuse", "withdraw"):
        with pytest.raises(InputError):
            do(desk, TWO, act, number)


@pytest.mark.parametrize(
    ("question", "answer", "risk"),
    [("", "答", ""), ("？！", "答", ""), ("问", " ", ""), ("问", "答", "A.9"), ("问" * (LONGEST_ANSWER + 1), "答", "")],
)
def test_what_is_no_set_answer_is_refused(desk: Desk, question: str, answer: str, risk: str) -> None:
    with pytest.raises(InputError):
        propose(desk, question=question, answer=answer, risk=risk)
    assert desk.sql("SELECT count(*) FROM rulebook_answer") == [(0,)]


def test_a_long_question_is_kept_and_found(desk: Desk) -> None:
    number = propose(desk, question="标记甲乙丙" * (LONGEST_ANSWER // 5), risk="")
    do(desk, ONE, "approve", number)
    assert Answers(book(desk).answers).find("标记甲乙丙" * (LONGEST_ANSWER // 5)) is not None


def test_the_ledger_has_no_word_of_it(desk: Desk) -> None:
    number = propose(desk)
    do(desk, ONE, "approve", number)
    kept = desk.sql("SELECT payload FROM evidence_entry WHERE kind LIKE 'answer.%%' AND payload LIKE %s", f"%{number}%")
    assert len(kept) == 2
    assert "标记" not in str(kept)


def test_the_asynchronous_reading_is_the_same(desk: Desk) -> None:
    do(desk, ONE, "approve", propose(desk))

    async def read() -> Book:
        async with await psycopg.AsyncConnection.connect(driver_url(desk.store.url), autocommit=True) as connection:
            return (await read_book_async(connection)).book

    assert asyncio.run(read()) == book(desk) != Book()
