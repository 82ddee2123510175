"""One base error: what happened, which clause asks for it, and what to do next."""

from __future__ import annotations

from hegui.kit.text import Bi


class HeguiError(Exception):
    """Something a person can act on; `title` says what, `remedy` says what to do next."""

    exit_code = 1

    def __init__(self, title: Bi, remedy: Bi, *, cite: str = "") -> None:
        super().__init__(title.both)
        self.title = title
        self.remedy = remedy
        self.cite = cite

    def lines(self) -> list[str]:
        """Return the message as lines for a terminal, Chinese first."""
        clause = [f"依据 / clause: {self.cite}"] if self.cite else []
        return [
            f"错误：{self.title.zh}",
            f"error: {self.title.en}",
            *clause,
            f"请：{self.remedy.zh}",
            f"do:   {self.remedy.en}",
        ]

    def as_dict(self) -> dict[str, str]:
        """Return the message for machines."""
        return {
            "error": self.title.en,
            "error_zh": self.title.zh,
            "remedy": self.remedy.en,
            "remedy_zh": self.remedy.zh,
            "cite": self.cite,
        }


class SettingsError(HeguiError):
    """A setting is unknown or malformed."""

    exit_code = 2


class InputError(HeguiError):
    """What a person or a file supplied can not be used as it is."""

    exit_code = 2


class NotAllowedError(HeguiError):
    """The account's role does not permit the act."""

    exit_code = 3


class StoreError(HeguiError):
    """The database or the disk can not keep what must be kept."""

    exit_code = 4


class BusyError(HeguiError):
    """Another process holds what this one needs."""

    exit_code = 5
