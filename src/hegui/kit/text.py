"""Words that a person reads, in Chinese first and English beside it."""

from __future__ import annotations

from typing import NamedTuple


class Bi(NamedTuple):
    """One text in the two languages that hegui speaks."""

    zh: str
    en: str

    def pick(self, lang: str) -> str:
        """Return the text for a language tag; Chinese unless the tag begins with `en`."""
        return self.en if lang.lower().startswith("en") else self.zh

    @property
    def both(self) -> str:
        """Return the two texts in one line, Chinese first."""
        return self.zh if self.zh == self.en else f"{self.zh} / {self.en}"
