"""The stream window: text is held back until it is checked, and only what could still become a hit.

Feeding a text in any pieces releases the same text and gives the same verdicts. What is held is
the longest end of the text that is a proper prefix of a keyword, or the beginning of a number or
address that policy masks; both sets are closed under taking prefixes, so what is held never
starts earlier when more text comes. Where a hit overlaps what could become another, its beginning
leaves alone, starred where policy masks it, so that hits that overlap in a chain hold nothing more.
See docs/streaming.md.
"""

from __future__ import annotations

from collections.abc import Container

from hegui.general.content import folding, latin
from hegui.general.content.around import REACH_BEFORE, context_of, left_of
from hegui.general.content.checks import Checker, Verdict, mask_span, merge_stars
from hegui.general.content.clauses import ended
from hegui.general.content.index import Index, is_latin
from hegui.general.content.near import Nearby
from hegui.general.content.parts import LONGEST
from hegui.general.content.personal import ANY_LONG
from hegui.general.content.policy import BLOCKING, NOTED, Action, Side
from hegui.general.content.skeleton import LONG_RUN, SEPARATOR, Places, Skeleton, plain, skeleton
from hegui.general.content.verdicts import clear_of, is_rest

_SHORT = 64
_SHORTEST = 6
"""No number that is looked for by its digits alone has fewer characters."""
_FEW = 16
"""Characters, up to which a text is looked at one by one in less time than all in one go."""
_LONGEST_PIECE = 128
"""A longer piece is taken in such, as the one that holds a blocking hit is replayed sign by sign."""
_NOT_ASCII = "\x80"
_HAN = ("\u4e00", "\u9fff")


class Window:
    """One channel of a stream (a choice's content, its reasoning, one tool call's arguments …)."""

    __slots__ = (
        "_before", "_by_clause", "_checker", "_either", "_ends", "_find", "_held", "_latin", "_literal", "_longest", "_nearby",
        "_ordinary", "_parts", "_passed", "_prefixes", "_reach", "_runs", "_said", "_side", "_starred", "_starts", "_tail", "_units", "_weak",
        "blocked", "released", "stopped", "verdicts",
    )  # fmt: skip

    def __init__(self, checker: Checker, side: Side = Side.OUTPUT) -> None:
        self._checker = checker
        self._side = side
        self._find = checker.library.bones.matcher.find
        self._prefixes = checker.library.bones.prefixes
        self._longest = checker.library.bones.longest
        self._latin = checker.library.latin if checker.library.latin.words else None
        self._parts = checker.library.in_parts
        self._literal = checker.library.literal if checker.library.literal.words else None
        self._either = checker.library.prefixes
        self._longest = max(self._longest, checker.library.literal.longest)
        checks = checker.sides[side]
        self._tail = checks.tail
        self._ends = checks.ends
        self._starts = checks.starts
        self._reach = checks.reach
        self._weak = checks.weak
        self._by_clause = checks.holds_weak
        self._units = checks.units
        self._ordinary = checker.library.ordinary.cut
        self._nearby = Nearby() if checker.library.widest else None
        self._runs = folding.Runs()
        self._held = ""
        self._before = ""
        self._passed = 0
        self._starred = 0
        """Where the last hit ends that is masked, in characters of the whole; text that comes to stand before it is starred."""
        self.verdicts: list[Verdict] = []
        self.blocked = False
        self.released: list[str] = []
        self._said: list[str] = []
        """What was released, before anything of it was masked."""
        self.stopped = ""

    @property
    def held(self) -> str:
        """Return the text that waits."""
        return self._held

    def feed(self, piece: str) -> str:
        """Take a piece and return the text that may leave now; nothing more leaves once blocked."""
        if self.blocked or not piece:
            return ""
        if len(piece) > _LONGEST_PIECE:
            return "".join(self.feed(piece[at : at + _LONGEST_PIECE]) for at in range(0, len(piece), _LONGEST_PIECE))
        # The common cases in few steps: nothing hits, and every character becomes one or is left out. The rest is `_step`.
        text = self._held + piece
        if len(text) > _SHORT or self._by_clause or self._starred > self._passed:
            return self._step(self._runs.cut(piece), final=False)
        cut = self._ordinary(text) if len(text) <= _FEW else None
        if cut is None:
            bones = plain(text)
            if bones is None:
                return self._step(self._runs.cut(piece), final=False)
            cut = self._cut(text, bones)
        elif self._tail is not None:
            cut = self._cut_number(text, text, cut)
        self._runs.length = 0
        return self._step(piece, final=False) if cut is None else self._let_out(text, cut)

    def _let_out(self, text: str, cut: int) -> str:
        """Let a text go up to a place, in which nothing was found."""
        if cut <= 0:
            self._held = text
            return ""
        # A little is kept as context: for word edges, and for what stands before a word, a number or an address.
        out = text[:cut]
        self._before = (self._before + out)[-REACH_BEFORE:]
        self._held = text[cut:]
        self._passed += cut
        self.released.append(out)
        self._said.append(out)
        return out

    def _cut(self, text: str, bones: str) -> int | None:
        """Return how much of a plain text may leave, or None where something hits or could be a number."""
        left_out = SEPARATOR in bones
        joined = bones.replace(SEPARATOR, "") if left_out else bones
        if self._find(joined) or (left_out and LONG_RUN in bones) or self._is_dressed(text, joined):
            return None
        cut = self._cut_words(text, bones, joined)
        return cut if cut is None or self._tail is None else self._cut_number(text, bones, cut)

    def _cut_words(self, text: str, bones: str, joined: str) -> int | None:
        """Return how much of a plain text in which nothing hits can not be in a word that comes yet; None where one hits."""
        begins = self._parts.begins
        if bones == text and not (begins and (bones[-1:] in begins or bones[1 - LONGEST :] in begins)):
            # Nothing was folded or left out: no word with a mark or a doubled character can be whole in it.
            return self._begun(bones, "", (), self._either)
        if len(joined) < len(bones):
            places = [at for at, sign in enumerate(bones) if sign != SEPARATOR]
            place = self._hold_bones(joined, bones, places)
            cut = places[place] if place < len(joined) else len(text)
        else:
            cut = self._hold_bones(joined)
        if self._literal is None:
            return cut
        # In such a text the folded form has the same places, so both can be looked at in one go.
        folded = folding.simple(text)
        before = self._before[-1:] if self._before[-1:] < _NOT_ASCII else ""
        if folded is None or self._literal.matcher.find(before + folded):
            return None
        return min(cut, self._hold_literal(before + folded, len(before), self._literal) - len(before))

    def _is_dressed(self, text: str, bones: str) -> bool:
        """Say whether a plain text holds Latin letters in another dress, where a word could be hidden in them."""
        return self._latin is not None and (latin.with_letters(text) != text or latin.once(bones) != bones)

    def _cut_number(self, text: str, bones: str, cut: int) -> int | None:
        """Return how much of that can not be in a number that comes yet; None where one could be whole in the text."""
        ends = self._ends
        if self._tail is None or ends is None or (len(text) >= _SHORTEST and ANY_LONG.search(bones)):
            return None
        if text[-1] not in ends and _HAN[0] <= text[-1] <= _HAN[1]:
            return cut
        folded = folding.simple(text)
        if folded is None or (len(text) >= _SHORTEST and ANY_LONG.search(folded)):
            return None
        if folded[-1] not in ends or self._starts.isdisjoint(folded):
            return cut
        before = folding.becomes(self._before[-1])[-1:] if self._before else ""
        joined = before + folded
        match = self._tail.search(joined, max(len(before), len(joined) - self._reach))
        return min(cut, match.start() - len(before)) if match else cut

    def whole(self, text: str) -> str:
        """Take a text that is whole and return what may leave; the same as `feed` and `finish`, in one pass."""
        if not text or self._held or self._passed:
            return self.feed(text) + self.finish()
        fold = folding.fold(text)
        if not fold.is_one_for_one:
            text = self._runs.cut(text)
            fold = folding.fold(text)
        bones = skeleton(text)
        found, _ = self._checker.words(text, self._side, bones=bones, fold=fold)
        found += self._checker.personal(fold, self._side)
        found += self._checker.weak(text, self._side, bones=bones)
        if any(verdict.action not in NOTED for verdict in found):
            self._runs.length = 0
            return self.feed(text) + self.finish()
        return self._release(text, found, len(text))

    def finish(self) -> str:
        """Say that no more comes; return the rest, and note what policy lets pass but records."""
        out = self._rest() if self._held and not self.blocked else ""
        self._note_passed_kinds()
        return out

    def _rest(self) -> str:
        """Return what was held, now that no more comes."""
        text = self._held
        quick = len(text) <= _FEW and not self._by_clause and self._starred <= self._passed
        if quick and self._ordinary(text) is not None and (not self._tail or self._cut_number(text, text, 0) == 0):
            return self._let_out(text, len(text))
        return self._step("", final=True)

    def _step(self, piece: str, *, final: bool) -> str:
        text = self._held + piece
        bones = skeleton(text)
        # What a piece tells of words that count together must not be known yet when it is replayed.
        nearby = self._nearby.copy() if self._nearby is not None and len(piece) > 1 else self._nearby
        if nearby is not None:
            nearby.passed = self._passed
        found, open_at = self._checker.words(
            text, self._side, bones=bones, before=self._before, final=final, nearby=nearby
        )
        hold = len(text) if final else min(open_at, self._hold(text, bones))
        if self._by_clause:
            hold, more = self._clauses(text, hold, final=final)
            found += more
        if self._tail is not None:
            # What starts at or after `hold` may still grow, and is looked at again with more text.
            found += [
                verdict
                for verdict in self._checker.personal(folding.fold(text), self._side, before=self._before)
                if verdict.start < hold and verdict.action not in NOTED
            ]
        blocking = [verdict for verdict in found if verdict.action in BLOCKING]
        if blocking and len(piece) > 1:
            return self._one_by_one(piece)
        self._nearby = nearby
        if not blocking:
            return self._release(text, found, self._limit(text, found, hold) if found else hold)
        return self._block(text, found, min(hold, *(verdict.start for verdict in blocking)))

    def _clauses(self, text: str, hold: int, *, final: bool) -> tuple[int, list[Verdict]]:
        """Return where to hold so that what waits begins with a clause, and the hits by sound in the clauses that ended."""
        last = len(text) if final else ended(text, self._units)
        found = self._checker.weak(text[:last], self._side)
        begins = [begin for begin, _ in self._units(text)]
        return max((place for place in (*begins, last) if place <= min(hold, last)), default=0), found

    def _limit(self, text: str, found: list[Verdict], hold: int) -> int:
        """Return how much may leave so that no number is cut, and what waits begins with a clause where that matters."""
        limit = clear_of(found, hold)
        while self._by_clause and limit < len(text):
            begin = max(begin for begin, _ in self._units(text) if begin <= limit)
            if begin == limit:
                break
            limit = clear_of(found, begin)
        return limit

    def _hold(self, text: str, bones: Skeleton) -> int:
        """Return where the part begins that could still become a hit."""
        place = self._hold_bones(bones.text, text, bones.origins)
        held = int(bones.origins[place]) if place < len(bones.text) else len(text)
        if self._parts.begins:
            held = min(held, self._hold_joined(text, bones))
        if self._latin is not None and latin.is_dressed(text, bones):
            held = min(held, self._hold_dressed(text, bones, self._latin))
        if self._literal is None and (self._tail is None or (self._ends is not None and not self._may_be_number(text))):
            return held
        fold = folding.fold(text)
        before = folding.becomes(self._before[-1])[-1:] if self._before else ""
        context = len(before)
        joined = before + fold.text
        if self._literal is not None:
            held = min(held, fold.origin(self._hold_literal(joined, context, self._literal) - context))
        if self._tail is not None and (self._ends is None or joined[-1:] in self._ends):
            match = self._tail.search(joined, max(context, len(joined) - self._reach))
            if match:
                held = min(held, fold.origin(match.start() - context))
        return held

    def _hold_joined(self, text: str, bones: Skeleton) -> int:
        """Return the same once characters written in parts are joined."""
        held, whole = len(text), bones.text
        for back in range(LONGEST):
            if back and whole[-back:] not in self._parts.begins:
                continue
            part = whole[: len(whole) - back]
            for reading in self._parts.readings(part, self._find(part), len(part)):
                origins = [int(bones.origins[start]) for start in reading.starts]
                place = self._hold_bones(reading.text, text, origins)
                held = min(held, origins[place]) if place < len(origins) else held
        return held

    def _hold_dressed(self, text: str, bones: Skeleton, index: Index) -> int:
        """Return the same for Latin words in another dress."""
        letters, before = latin.with_letters(text), latin.with_letters(self._before)
        bones = bones if letters == text else skeleton(letters)
        reading = latin.reading(bones, letters)
        size = len(reading.text)
        for start in range(max(0, size - index.longest), size):
            sizes = [reading.stops[at] - reading.starts[at] for at in range(start + 1, size)]
            if reading.text[start:] not in index.prefixes or max(sizes, default=0) > latin.MOST:
                continue
            for place in latin.starts(bones, letters, reading, start):
                at = int(bones.origins[place])
                if not (is_latin(reading.text[start]) and is_latin(left_of(letters, at, before))):
                    return at
        return len(text)

    def _may_be_number(self, text: str) -> bool:
        """Say whether a text ends in a character in which the tail of a number can end."""
        last, ends = text[-1:], self._ends
        if ends is None or last in ends:
            return True
        if not last or _HAN[0] <= last <= _HAN[1]:
            return False
        folded = folding.becomes(last)
        return not folded or folded[-1] in ends

    def _hold_bones(self, bones: str, text: str = "", origins: list[int] | Places | tuple[()] = ()) -> int:
        """Return where in the skeleton a word could have begun; its length when none could.

        What could be the first parts of a character may stand for it, so it and what is open before it stay.
        """
        place = self._begun(bones, text, origins, self._prefixes)
        begins = self._parts.begins
        for back in range(1, LONGEST if begins else 1):
            if bones[-back:] in begins:
                cut = max(len(bones) - back, 0)
                place = min(place, cut, self._begun(bones[:cut], text, origins, self._prefixes))
        return place

    def _begun(self, bones: str, text: str, origins: list[int] | Places | tuple[()], prefixes: Container[str]) -> int:
        size = len(bones)
        for start in range(max(0, size - self._longest), size):
            if bones[start:] in prefixes:
                if bones[start] < _NOT_ASCII and is_latin(bones[start]):
                    at = int(origins[start]) if text else start
                    if is_latin(left_of(text or bones, at, self._before)):
                        continue
                return start
        return size

    @staticmethod
    def _hold_literal(joined: str, context: int, index: Index) -> int:
        size = len(joined)
        for start in range(max(context, size - index.longest), size):
            if joined[start:] in index.prefixes:
                if start and is_latin(joined[start]) and is_latin(joined[start - 1]):
                    continue
                return start
        return size

    def _release(self, text: str, found: list[Verdict], limit: int) -> str:
        """Let the characters before `limit` go, masked, and keep the rest; the hits that begin there are noted now."""
        stars = max(min(self._starred - self._passed, limit), 0)
        out = "*" * stars + text[stars:limit]
        for verdict in found:
            if verdict.start >= limit:
                continue
            moved = verdict.moved(self._passed)
            if verdict.start or not any(is_rest(moved, one) for one in self.verdicts[-_FEW:]):
                self.verdicts.append(moved)
            if verdict.action is Action.MASK:
                end = min(verdict.end, limit)
                starred = mask_span(verdict, text[verdict.start : verdict.end])[: end - verdict.start]
                out = out[: verdict.start] + merge_stars(out[verdict.start : end], starred) + out[end:]
                self._starred = max(self._starred, moved.end)
        self._before = context_of(text, limit, self._before)
        self._held = text[limit:]
        self._passed += limit
        if out:
            self.released.append(out)
            self._said.append(text[:limit])
        return out

    def _block(self, text: str, found: list[Verdict], limit: int) -> str:
        """Let what stands before the hit go, note the verdicts, and close the window."""
        passed = self._passed
        limit = max(clear_of(found, limit), 0)
        out = self._release(text, found, limit)
        self.verdicts += [verdict.moved(passed) for verdict in found if verdict.action in BLOCKING]
        self.stopped, self._held = self._held, ""
        self.blocked = True
        return out

    def _one_by_one(self, piece: str) -> str:
        """Replay a piece that holds a blocking hit, so that the cut does not depend on the pieces."""
        out = []
        for character in piece:
            out.append(self._step(character, final=False))
            if self.blocked:
                break
        return "".join(out)

    def _note_passed_kinds(self) -> None:
        """Note what policy lets pass but records; it is looked for once, in all that left, as it was before it was masked."""
        text = "".join(self._said)
        if text and not NOTED.isdisjoint(self._checker.policy.side(self._side).personal.values()):
            fold = folding.fold(text)
            self.verdicts += [item for item in self._checker.personal(fold, self._side) if item.action in NOTED]
        if text and self._weak and not self._by_clause:
            self.verdicts += self._checker.weak(text, self._side)
