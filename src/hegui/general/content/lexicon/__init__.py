"""A lexicon of ordinary words, and whether a keyword hit is a word there or only a piece of others.

`Segmenter(load_lexicon()).whole(text, start, end)` is asked around hits alone, never for whole
texts. The words and their frequencies come from jieba's dictionary, chosen by the lists of THUOCL, of
pypinyin and of the HSK and the Chinese Open Wordnet, with names of countries and words for signs from CLDR (licences: see
NOTICE); `scripts/lexicon.py` writes the file when a release is made.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from hegui.general.content.lexicon.segmenter import Place, Segmenter, edges
from hegui.general.content.lexicon.trie import Lexicon, LexiconError, decode

__all__ = [
    "Lexicon", "LexiconError", "Place", "Segmenter", "decode", "edges", "load_lexicon",
]  # fmt: skip


@cache
def load_lexicon() -> Lexicon:
    """Return the lexicon that hegui ships, read once; raise LexiconError when its file is damaged."""
    try:
        data = (files(__name__) / "words.bin").read_bytes()
    except OSError as error:
        raise LexiconError(f"读不到 words.bin：{error.strerror}", f"words.bin: {error.strerror}") from None
    return decode(data)
