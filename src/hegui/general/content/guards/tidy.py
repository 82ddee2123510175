"""What is done to a text before a guard sees it. What is hashed for the cache is what is sent, byte for byte.

Were the cache keyed by a deeper form than the one that is sent, a disguised text that the guard
calls safe would leave its verdict behind for the plain one.
"""

from __future__ import annotations

import re
import unicodedata

from hegui.kit.canonical import clean

_KEPT = "\n\t"
_UNSEEN = frozenset("\u115f\u1160\u3164\uffa0\u034f\u17b4\u17b5\u2800")
_OVERLAID = (range(0x300, 0x370), range(0x20D0, 0x2100), range(0xFE00, 0xFE10), range(0xFE20, 0xFE30))
"""Marks that are put over any character, and variation selectors; marks that a script needs are not among them."""
_CONTROLS = re.compile(
    r"<(?=\|)"  # <|im_start|>, <|eot_id|>, <|header_start|> … of Qwen and Llama
    r"|(?<=\|)>"
    r"|<(?=/?(?:start_of_turn|end_of_turn|bos|eos|pad|unk|s|think|tool_call|tool_response)>)"  # Gemma, Llama 2, Qwen
    r"|<(?=<SYS>>|</SYS>>|/?(?:BEGIN|END) [A-Z ]{1,40}>)"  # the section marks inside guards' own templates
    r"|\[(?=/?INST\])",
    re.IGNORECASE,
)
_PLAIN = re.compile(r"[一-鿿 -~\n，。、；：？！“”‘’（）《》…—]*")
"""Common Chinese and English writing: none of it is changed but for long blanks, which is told in a tenth of the time."""
_BLANKS = re.compile(r"[^\S\n]{2,}")
_LINES = re.compile(r"\n(?:[^\S\n]*\n){2,}")


class _Table(dict[int, str]):
    """A translation table that learns: characters that show nothing go, letters and digits in disguise become plain."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        value = character
        hidden = unicodedata.category(character) in {"Cf", "Cc", "Co", "Cn"} or character in _UNSEEN
        if hidden or any(code in marks for marks in _OVERLAID):
            value = character if character in _KEPT else ""
        elif not character.isascii():
            plain = unicodedata.normalize("NFKC", character)
            # Only letters and digits: the marks of Chinese writing stay as the models learned them.
            if plain.isascii() and plain.isalnum():
                value = plain
        self[code] = value
        return value


_TABLE = _Table()


def tidy(text: str) -> str:
    """Return a text without invisible characters and disguised letters, long blanks shortened; case and marks stay."""
    if _PLAIN.fullmatch(text):
        if "  " not in text and "\n\n" not in text and "\n \n" not in text:
            return text.strip()
    else:
        text = clean(text).replace("\r\n", "\n").replace("\r", "\n").translate(_TABLE)
    return _LINES.sub("\n\n", _BLANKS.sub(" ", text)).strip()


def defused(text: str) -> tuple[str, int]:
    """Return a text whose control tokens are plain characters, and how many marks were changed.

    Servers turn `<|im_end|>` inside a message into the control token itself, so that a text could
    end its own turn and write the guard's answer. A space inside the brackets prevents it.
    """
    if "<" not in text and ">" not in text and "[" not in text:
        return text, 0
    return _CONTROLS.subn(lambda match: " >" if match[0] == ">" else f"{match[0]} ", text)
