"""What is in force, read in one statement and so at one moment, with plain SQL: for workers that know no session.

Whoever serves listens to `CHANNEL`, or watches `store_revision`; every act that changes the book moves
both in its transaction. What lapses does so by the clock alone: read again at `Reading.again`.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, NamedTuple

import psycopg
from psycopg.rows import tuple_row

from hegui.general.content.book import Book, SetAnswer
from hegui.general.content.library import Library
from hegui.general.content.rows import Row
from hegui.general.rulebook.rules import Gone, kept_rules, settled

CHANNEL = "hegui_rulebook"
"""The channel on which PostgreSQL says that the book changed (`LISTEN hegui_rulebook`)."""

_SQL = """
SELECT
 (SELECT body FROM rulebook_policy WHERE state = 'live'),
 (SELECT body FROM rulebook_policy WHERE state = 'shadow'),
 (SELECT coalesce(json_agg(json_build_array(w.id, w.kind, w.text, w.risk, w.rules, w.rule, a.name) ORDER BY w.id), '[]')
  FROM rulebook_word w LEFT JOIN people_account a ON a.id = w.approver
  WHERE w.state = 'live' AND (w.approver IS NOT NULL OR w.lapses_at > moment)),
 (SELECT coalesce(json_agg(json_build_array(id, question, answer, risk) ORDER BY id), '[]')
  FROM rulebook_answer WHERE state = 'live'),
 (SELECT min(lapses_at) - moment FROM rulebook_word
  WHERE state = 'live' AND approver IS NULL AND lapses_at > moment),
 moment
FROM (SELECT statement_timestamp() AS moment) AS present
"""


class Reading(NamedTuple):
    """The book of one moment, and the moment from which it is another one without anybody's act; None for never.

    `again` is by the database's clock; `within` is the same as a time to wait from the reading on.
    """

    book: Book
    again: datetime | None
    within: timedelta | None


def read_book(connection: psycopg.Connection[Any], library: Library | None = None) -> Reading:
    """Return what is in force now.

    `library` is the operator's file as it was loaded: with it, words of the file that were taken back
    are found again after its rows have moved; without it, rows are taken to be where they were.
    """
    with connection.cursor(row_factory=tuple_row) as cursor:
        return _reading(cursor.execute(_SQL).fetchone(), library)


async def read_book_async(connection: psycopg.AsyncConnection[Any], library: Library | None = None) -> Reading:
    """Return what is in force now, as `read_book` does."""
    async with connection.cursor(row_factory=tuple_row) as cursor:
        await cursor.execute(_SQL)
        return _reading(await cursor.fetchone(), library)


def _reading(found: tuple[Any, ...] | None, library: Library | None) -> Reading:
    if found is None:  # the statement has no FROM that could be empty
        raise psycopg.DataError("no row")
    policy, shadow, changes, answers, within, moment = found
    words: list[Row] = []
    gone: list[Gone] = []
    for edit, kind, text, risk, said, rule, approver in changes:
        if rule is not None:
            gone.append(Gone(rule, text, risk))
        if kind != "removal":
            words.append(Row(0, text, risk, kept_rules({**said, "approver": approver or ""}), edit))
    book = Book(
        policy=policy or "",
        shadow=shadow,
        words=tuple(words),
        gone=settled(gone, library) if library is not None else frozenset(item.rule for item in gone),
        answers=tuple(SetAnswer(*answer) for answer in answers),
    )
    return Reading(book, None if within is None else moment + within, within)
