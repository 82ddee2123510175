"""The register: every instrument in force on a day, and each obligation by its id."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from hegui.kit import clock
from hegui.kit.errors import InputError
from hegui.kit.text import Bi
from hegui.law.models import Article, Instrument, Number, Obligation, read_data

MEASURES = "IM"
"""Short name of the Interim Measures, whose articles are the floor plan."""


class UnknownCitationError(InputError):
    """A citation names nothing in the register."""


@dataclass(frozen=True)
class Register:
    """The instruments in force on one day."""

    on: date
    instruments: tuple[Instrument, ...]
    version: str
    _obligations: dict[str, tuple[Instrument, Article, Obligation]] = field(default_factory=dict, compare=False)

    def __post_init__(self) -> None:
        for instrument in self.instruments:
            for article in instrument.articles:
                for obligation in article.obligations:
                    if obligation.id in self._obligations:
                        raise _twice(obligation.id, self._obligations[obligation.id][0], instrument)
                    self._obligations[obligation.id] = (instrument, article, obligation)

    def instrument(self, short: str) -> Instrument:
        """Return one instrument by its short name; raise UnknownCitationError."""
        for instrument in self.instruments:
            if instrument.id == short:
                return instrument
        raise _unknown(short, [item.id for item in self.instruments])

    def obligation(self, citation: str) -> Obligation:
        """Return one obligation by its id, such as `IM-14.1`; raise UnknownCitationError."""
        return self.place(citation)[2]

    def place(self, citation: str) -> tuple[Instrument, Article, Obligation]:
        """Return an obligation with the article and instrument that hold it."""
        try:
            return self._obligations[citation]
        except KeyError:
            articles = (f"{item.id}-{article.number}" for item in self.instruments for article in item.articles)
            raise _unknown(citation, list(dict.fromkeys((*articles, *self._obligations)))) from None

    def article(self, citation: str) -> tuple[Instrument, Article]:
        """Return an article by `IM-14`, or the article that holds the obligation `IM-14.1`."""
        short, _, rest = citation.partition("-")
        if citation not in self._obligations:
            for instrument in self.instruments:
                if instrument.id == short:
                    for article in instrument.articles:
                        if str(article.number) == rest:
                            return instrument, article
        instrument, article, _ = self.place(citation)
        return instrument, article

    def has(self, citation: str) -> bool:
        """Say whether an obligation of this id is in force on the register's day."""
        return citation in self._obligations

    def number(self, citation: str, name: str) -> Number:
        """Return a number of the law by the obligation that fixes it and the number's name."""
        obligation = self.obligation(citation)
        for number in obligation.numbers:
            if number.name == name:
                return number
        raise _unknown(f"{citation} {name}", [item.name for item in obligation.numbers])

    def whole(self, citation: str, name: str) -> int:
        """Return a number of the law as a whole number."""
        return int(self.number(citation, name).value)

    def obligations(self) -> Iterator[tuple[Instrument, Article, Obligation]]:
        """Yield every obligation with its place, in the order of the files."""
        yield from self._obligations.values()

    @property
    def measures(self) -> Instrument:
        """Return the Interim Measures."""
        return self.instrument(MEASURES)


def _twice(citation: str, first: Instrument, second: Instrument) -> InputError:
    places = " / ".join(f"{item.id} ({item.in_force})" for item in (first, second))
    return InputError(
        Bi(f"法规数据中 {citation} 出现两次：{places}", f"the law data has {citation} twice: {places}"),
        Bi("给其中一个换一个编号", "give one of them another id"),
    )


def _unknown(citation: str, known: list[str]) -> UnknownCitationError:
    import difflib  # noqa: PLC0415 - only on the way to an error

    wanted = citation.strip().casefold().rpartition(" ")[2]
    if wanted.startswith("gm-"):  # a common short name of the Measures
        wanted = f"{MEASURES.casefold()}-{wanted[3:]}"
    names = {item.casefold(): item for item in reversed(known)}
    near = [names[item] for item in difflib.get_close_matches(wanted, names, n=3)]
    return UnknownCitationError(
        Bi(f"法规数据中没有 {citation}", f"the law data has no {citation}"),
        Bi(
            f"相近的有 {'、'.join(near)}" if near else "用 hegui law list 查看",
            f"near it: {', '.join(near)}" if near else "see `hegui law list`",
        ),
    )


def _files(root: Traversable) -> Iterator[tuple[str, Traversable]]:
    for folder in sorted(root.iterdir(), key=lambda item: item.name):
        if folder.is_dir():
            for file in sorted(folder.iterdir(), key=lambda item: item.name):
                if file.name.endswith(".yaml"):
                    yield f"instruments/{folder.name}/{file.name}", file


def parse_instrument(text: str, name: str) -> Instrument:
    """Read one instrument; raise InputError that names the file and the field."""
    return read_data(text, name, Instrument)


def in_force(versions: Iterable[Instrument], on: date) -> tuple[Instrument, ...]:
    """Return what is law on a day: of each instrument the version begun last, unless that one is repealed by then.

    An older version never comes back when the one that replaced it is repealed.
    """
    newest: dict[str, Instrument] = {}
    for item in versions:
        if item.in_force <= on and (item.id not in newest or newest[item.id].in_force < item.in_force):
            newest[item.id] = item
    return tuple(item for item in newest.values() if item.covers(on))


@cache
def _all() -> tuple[tuple[Instrument, ...], str]:
    loaded, digest = [], hashlib.sha256()
    for name, file in _files(files("hegui.law") / "instruments"):
        text = file.read_text("utf-8")
        digest.update(text.encode())
        loaded.append(parse_instrument(text, name))
    return tuple(loaded), digest.hexdigest()[:16]


@cache
def _on(day: date) -> Register:
    instruments, version = _all()
    return Register(day, in_force(instruments, day), version)


def register(on: date | None = None) -> Register:
    """Return the register as it stands on a day in China; today by default."""
    return _on(on or clock.today())


def law_version() -> str:
    """Return the digest that names the shipped law data in each verdict and record."""
    return _all()[1]
