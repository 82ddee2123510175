"""The stream window: text is held back until it is checked, and only what could still become a hit.

Feeding a text in any pieces releases the same text and gives the same verdicts. What is held is
the longest end of the text that is a proper prefix of a keyword, or the beginning of a number or
address that policy masks; both sets are closed under taking prefixes, so what is held never
starts earlier when more text comes. See docs/streaming.md.
"""

from __future__ import annotations

from hegui.general.content import folding
from hegui.general.content.checks import Checker, Span, Verdict, mask_span, merge_stars, place
from hegui.general.content.library import is_latin
from hegui.general.content.personal import ANY_LONG
from hegui.general.content.policy import BLOCKING, Action, Side

_SHORT = 64
_SHORTEST = 10
"""No number that is looked for has fewer characters than one more than this."""
_NOT_ASCII = "\x80"


class Window:
    """One channel of a stream (a choice's content, its reasoning, one tool call's arguments …)."""

    __slots__ = (
        "_before", "_checker", "_ends", "_find", "_held", "_longest", "_passed", "_prefixes", "_reach", "_runs", "_side",
        "_tail", "blocked", "released", "stopped", "verdicts",
    )  # fmt: skip

    def __init__(self, checker: Checker, side: Side = Side.OUTPUT) -> None:
        self._checker = checker
        self._side = side
        self._find = checker.library.matcher.find
        self._prefixes = checker.library.prefixes
        self._longest = checker.library.longest
        self._tail = checker.tails[side]
        self._ends = checker.ends[side]
        self._reach = checker.reach[side]
        self._runs = folding.Runs()
        self._held = ""
        self._before = ""
        self._passed = 0
        self.verdicts: list[Verdict] = []
        self.blocked = False
        self.released: list[str] = []
        self.stopped = ""

    @property
    def held(self) -> str:
        """Return the text that waits."""
        return self._held

    def feed(self, piece: str) -> str:
        """Take a piece and return the text that may leave now; nothing more leaves once blocked."""
        if self.blocked or not piece:
            return ""
        # The common case in few steps: every character folds to one, nothing hits. The rest is `_step`.
        text = self._held + piece
        folded = folding.simple(text) if len(text) <= _SHORT else None
        if folded is None:
            return self._step(self._runs.cut(piece), final=False)
        self._runs.length = 0
        before = self._before
        joined = before + folded
        if self._find(joined):
            return self._step(piece, final=False)
        if self._tail is not None and (self._ends is None or (len(joined) > _SHORTEST and ANY_LONG.search(joined))):
            return self._step(piece, final=False)
        cut = self._hold(joined) - len(before)
        if cut <= 0:
            self._held = text
            return ""
        last = folded[cut - 1]
        # Only ASCII matters as context: word edges, and what stands before a number or an address.
        self._before = last if last < _NOT_ASCII else ""
        self._held = text[cut:]
        self._passed += cut
        out = text[:cut]
        self.released.append(out)
        return out

    def whole(self, text: str) -> str:
        """Take a text that is whole and return what may leave; the same as `feed` and `finish`, in one pass."""
        if not text or self._held or self._passed:
            return self.feed(text) + self.finish()
        text = self._runs.cut(text)
        fold = folding.fold(text)
        spans = self._checker.words(fold.text, self._side, start=0, final=True)
        found = self._checker.personal(fold.text, self._side)
        if any(span.verdict.action is not Action.PASS for span in (*spans, *found)):
            self._runs.length = 0
            return self.feed(text) + self.finish()
        return self._release(text, fold, spans + found, len(fold.text))

    def finish(self) -> str:
        """Say that no more comes; return the rest, and note what policy lets pass but records."""
        out = self._step("", final=True) if self._held and not self.blocked else ""
        self._note_passed_kinds()
        return out

    def _step(self, piece: str, *, final: bool) -> str:
        text = self._held + piece
        fold = folding.fold(text)
        joined = self._before + fold.text
        hold = len(joined) if final else self._hold(joined)
        spans = self._spans(joined, hold, final=final)
        if not spans:
            return self._release(text, fold, spans, hold - len(self._before))
        blocking = [span for span in spans if span.verdict.action in BLOCKING]
        if not blocking:
            return self._release(text, fold, spans, _clear(spans, hold) - len(self._before))
        if len(piece) > 1:
            return self._one_by_one(piece)
        return self._block(text, fold, spans, min(hold, *(span.start for span in blocking)))

    def _spans(self, joined: str, hold: int, *, final: bool) -> list[Span]:
        context = len(self._before)
        spans = self._checker.words(joined, self._side, start=context, final=final)
        if self._tail is not None:
            # What starts at or after `hold` may still grow, and is looked at again with more text.
            spans += [
                span
                for span in self._checker.personal(joined, self._side, start=context)
                if span.start < hold and span.verdict.action is not Action.PASS
            ]
        return spans

    def _hold(self, joined: str) -> int:
        """Return where the part begins that could still become a hit."""
        size, context = len(joined), len(self._before)
        prefixes = self._prefixes
        held = size
        for start in range(max(context, size - self._longest), size):
            if joined[start:] in prefixes:
                if start and joined[start] < _NOT_ASCII and is_latin(joined[start]) and is_latin(joined[start - 1]):
                    continue
                held = start
                break
        tail, ends = self._tail, self._ends
        if tail is not None and (ends is None or joined[-1:] in ends):
            match = tail.search(joined, max(context, size - self._reach))
            if match:
                held = min(held, match.start())
        return held

    def _release(self, text: str, fold: folding.Folded, spans: list[Span], limit: int) -> str:
        """Let the folded characters before `limit` go, masked, and keep the rest."""
        context = len(self._before)
        if limit >= len(fold.text):
            cut = len(text)
        else:
            while limit > 0 and fold.origin(limit - 1) == fold.origin(limit):
                limit -= 1
            cut = fold.origin(limit)
        out = text[:cut]
        for span in spans:
            if span.end - context > limit:
                continue
            verdict = place(Span(span.verdict, span.start - context, span.end - context), fold)
            self.verdicts.append(verdict.moved(self._passed))
            if verdict.action is Action.MASK:
                starred = mask_span(verdict, text[verdict.start : verdict.end])
                out = out[: verdict.start] + merge_stars(out[verdict.start : verdict.end], starred) + out[verdict.end :]
        if limit > 0:
            last = fold.text[limit - 1]
            self._before = last if last < _NOT_ASCII else ""
        self._held = text[cut:]
        self._passed += cut
        if out:
            self.released.append(out)
        return out

    def _block(self, text: str, fold: folding.Folded, spans: list[Span], limit: int) -> str:
        """Let what stands before the hit go, note the verdicts, and close the window."""
        context, passed = len(self._before), self._passed
        limit = max(_clear(spans, limit), context)
        out = self._release(text, fold, [span for span in spans if span.end <= limit], limit - context)
        for span in spans:
            if span.verdict.action in BLOCKING:
                placed = place(Span(span.verdict, span.start - context, span.end - context), fold)
                self.verdicts.append(placed.moved(passed))
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
        """Note kinds that policy lets pass; they are looked for once, in all that was released."""
        kinds = self._checker.policy.side(self._side).personal.values()
        if Action.PASS not in kinds or not self.released:
            return
        fold = folding.fold("".join(self.released))
        for span in self._checker.personal(fold.text, self._side):
            if span.verdict.action is Action.PASS:
                self.verdicts.append(place(span, fold))


def _clear(spans: list[Span], limit: int) -> int:
    """Return the greatest place up to `limit` that lies inside no hit."""
    while True:
        inside = [span.start for span in spans if span.start < limit < span.end]
        if not inside:
            return limit
        limit = min(inside)
