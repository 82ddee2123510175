"""Words that count only together: all of them within so many characters of each other.

The find is the word that comes last: until then nothing was said that is asked to be found, and
text that streams has left already. So a text gives the same finds in any pieces.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hegui.general.content.rows import WIDEST

if TYPE_CHECKING:
    from hegui.general.content.index import Word


_UNDECIDED = 100
"""Characters, at least, within which a part that stands later can be known before one that stands earlier."""


class Nearby:
    """Where the parts of such words stood last; one for a text, or for a stream from its beginning to its end."""

    __slots__ = ("_places", "passed")

    def __init__(self) -> None:
        self._places: dict[tuple[str, int], list[tuple[int, int]]] = {}
        """Ends and starts of each part."""
        self.passed = 0
        """Characters of a stream that came before the text that is looked at."""

    def copy(self) -> Nearby:
        """Return one that knows the same, as far as it can still matter."""
        other = Nearby()
        other.passed = self.passed
        least = self.passed - WIDEST - _UNDECIDED
        for part, places in self._places.items():
            if max(places)[0] >= least:
                other._places[part] = list(places)
        return other

    def complete(self, word: Word, part: int, start: int, end: int) -> bool:
        """Note that a part of a word stands at `start` to `end`; say whether all others stand near before it.

        Parts are noted in the order of their ends; noting one again changes nothing.
        """
        start, end = start + self.passed, end + self.passed
        first = end - word.rules.within
        mark = (end, start)
        places = self._places.setdefault((word.rule, part), [])
        if mark not in places:
            places[:] = [place for place in places if place[1] >= first - _UNDECIDED] + [mark]
        others = (other for other in range(len(word.rules.near) + 1) if other != part)
        return first <= start and all(
            any(first <= place[1] and place < mark for place in self._places.get((word.rule, other), ()))
            for other in others
        )
