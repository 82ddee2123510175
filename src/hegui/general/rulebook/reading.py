"""What is in force, read in one statement and so at one moment, with plain SQL: for workers that know no session.

Whoever serves listens to `CHANNEL`, or watches `store_revision`; every act that changes the book moves
both in its transaction. What lapses does so by the clock alone: read again at `Reading.again`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import psycopg
from psycopg.rows import tuple_row

from hegui.general.content.book import Book, SetAnswer
from hegui.general.content.library import Library
from hegui.general.content.rows import Row
from hegui.general.rulebook.rules import Gone, gone_of, kept_rules, meant

CHANNEL = "hegui_rulebook"
"""The channel on which PostgreSQL says that the book changed (`LISTEN hegui_rulebook`)."""

_SQL = """
SELECT
 (SELECT body FROM rulebook_policy WHERE state = 'live'),
 (SELECT body FROM rulebook_policy WHERE state = 'shadow'),
 (SELECT coalesce(json_agg(json_build_array(w.id, w.kind, w.text, w.risk, w.rules, w.rule, w.phrase, a.name) ORDER BY w.id), '[]')
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
    words, gone = _words(changes, library)
    book = Book(
        policy=policy or "", shadow=shadow, words=words, gone=gone, answers=tuple(SetAnswer(*answer) for answer in answers)
    )  # fmt: skip
    return Reading(book, None if within is None else moment + within, within)


def _words(changes: list[list[Any]], library: Library | None) -> tuple[tuple[Row, ...], frozenset[str]]:
    """Return the words that changes add, and the rules that are gone.

    An exception keeps no word in force that the operator's file has no more.
    """
    rows: list[Row] = []
    gone: dict[str, Gone] = {}
    for edit, kind, text, risk, said, rule, phrase, approver in changes:
        rules = kept_rules({**said, "approver": approver or ""})
        if rule is not None:
            gone[edit] = gone_of(rule, text, risk, rules, phrase)
        if kind != "removal":
            rows.append(Row(0, text, risk, rules, edit))
    if library is None:
        return tuple(rows), frozenset(item.rule for item in gone.values())
    now = meant(gone.values(), library)
    added = frozenset(item.rule for item in gone.values() if not item.of_file)
    kept = tuple(row for row in rows if (at := _beneath(row.edit, gone)) is None or now[at])
    return kept, added.union(*now.values())


def _beneath(edit: str, gone: Mapping[str, Gone]) -> Gone | None:
    """Return the change upon the operator's file that a change stands upon in the end, or is; None for a word added here."""
    found = gone.get(edit)
    while found is not None and not found.of_file:
        found = gone.get(found.rule.removeprefix("word:"))
    return found
