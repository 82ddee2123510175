"""The register: every instrument in force on a day, and each obligation by its id."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

import msgspec
import yaml

from hegui.kit import clock
from hegui.kit.errors import InputError
from hegui.kit.text import Bi
from hegui.law.models import Article, Instrument, Number, Obligation, load_yaml

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
            raise _unknown(citation, list(self._obligations)) from None

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


def _unknown(citation: str, known: list[str]) -> UnknownCitationError:
    import difflib  # noqa: PLC0415 - only on the way to an error

    near = difflib.get_close_matches(citation, known, n=3)
    return UnknownCitationError(
        Bi(f"法规数据中没有 {citation}", f"the law data has no {citation}"),
        Bi(
            f"相近的有 {'、'.join(near)}" if near else "用 hegui law list 查看",
            f"near it: {', '.join(near)}" if near else "see `hegui law list`",
        ),
    )


def _files(root: Traversable) -> Iterator[Traversable]:
    for folder in sorted(root.iterdir(), key=lambda item: item.name):
        if folder.is_dir():
            yield from sorted((f for f in folder.iterdir() if f.name.endswith(".yaml")), key=lambda item: item.name)


def parse_instrument(text: str, name: str) -> Instrument:
    """Read one instrument; raise InputError that names the file and the field."""
    try:
        return msgspec.convert(load_yaml(text), Instrument, strict=True)
    except (yaml.YAMLError, msgspec.ValidationError) as error:
        raise InputError(
            Bi(f"法规数据 {name} 有误：{error}", f"law data {name} is malformed: {error}"),
            Bi("按 docs/law-data.md 的格式改正", "correct it to the shape in docs/law-data.md"),
        ) from None


@cache
def _all() -> tuple[tuple[Instrument, ...], str]:
    loaded, digest = [], hashlib.sha256()
    for file in _files(files("hegui.law") / "instruments"):
        text = file.read_text("utf-8")
        digest.update(text.encode())
        loaded.append(parse_instrument(text, file.name))
    return tuple(loaded), digest.hexdigest()[:16]


@cache
def _on(day: date) -> Register:
    instruments, version = _all()
    return Register(day, tuple(item for item in instruments if item.covers(day)), version)


def register(on: date | None = None) -> Register:
    """Return the register as it stands on a day in China; today by default."""
    return _on(on or clock.today())


def law_version() -> str:
    """Return the digest that names the shipped law data in each verdict and record."""
    return _all()[1]
