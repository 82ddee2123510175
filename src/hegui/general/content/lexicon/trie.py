"""The lexicon's file: a double-array trie of words, each with its cost, in flat arrays.

A cost is `-ln(probability) * SCALE` in one byte, so that the likeliest reading of a text is the one
of least cost, in whole numbers: equal on every machine. A step from a state by a character is
`slot = base[state] + code`, and it is there when `check[slot] == code`; no two states share a base.

    magic 8 bytes, SHA-256 of all that follows (32), then five little-endian 32-bit numbers:
    characters, slots, longest word, cost of a character that is no word by itself, words;
    then the characters (UTF-16), base (32 bits a slot), check (16), cost (8, 0 for no word), and
    for each character its cost in a foreign name that is spelt by sound (8, 0 where it spells none)
"""

from __future__ import annotations

import struct
import sys
from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

import numpy as np

from hegui.kit.errors import InputError
from hegui.kit.text import Bi

MAGIC: Final = b"HGLEX\x00\x00\x02"
SCALE: Final = 12
"""Units of cost in one natural logarithm: a step is 8 % of a frequency."""
COSTLIEST: Final = 255
_HEAD: Final = struct.Struct("<8s32s5I")
_COUNTS: Final = struct.Struct("<5I")
_BLOCK: Final = 4096
_BMP: Final = 0xFFFF


class LexiconError(InputError):
    """A lexicon file can not be used."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(
            Bi(f"词典文件不能用：{zh}", f"the lexicon file can not be used: {en}"),
            Bi(
                "重新安装 hegui，或用 scripts/lexicon.py 重新生成",
                "install hegui again, or build it with scripts/lexicon.py",
            ),
        )


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Words with their costs; `codes` numbers the characters, and a root child's state is its code."""

    codes: dict[str, int] = field(repr=False)
    base: array[int] = field(repr=False)
    check: array[int] = field(repr=False)
    cost: bytes = field(repr=False)
    spelt: bytes = field(repr=False)
    """By code, and one beyond the last, the cost of a character in a foreign name spelt by sound (夏洛克); 0 for none."""
    longest: int
    """Characters of the longest word."""
    unknown: int
    """The cost of a character that is no word by itself."""
    words: int
    version: str
    """The first 16 hexadecimal digits of the file's digest, for records."""

    def get(self, word: str) -> int | None:
        """Return a word's cost, or None when it is not in the lexicon."""
        state = 0
        for character in word:
            code = self.codes.get(character)
            if code is None:
                return None
            slot = self.base[state] + code
            if self.check[slot] != code:
                return None
            state = slot
        return self.cost[state] or None

    def __contains__(self, word: str) -> bool:
        return self.get(word) is not None

    def items(self) -> Iterator[tuple[str, int]]:
        """Walk all words with their costs, in the order of their characters' codes."""
        characters = ["", *self.codes]
        steps: dict[int, list[int]] = {}
        for slot, code in enumerate(self.check):
            if code:
                steps.setdefault(slot - code, []).append(slot)
        stack = [("", 0)]
        while stack:
            word, state = stack.pop()
            if self.cost[state]:
                yield word, self.cost[state]
            stack.extend(
                (word + characters[self.check[slot]], slot) for slot in reversed(steps.get(self.base[state], ()))
            )


def decode(data: bytes) -> Lexicon:
    """Read a lexicon from a file's bytes, in a few milliseconds; raise LexiconError."""
    if len(data) < _HEAD.size:
        raise LexiconError("文件太短", "it is too short")
    magic, digest, characters, slots, longest, unknown, words = _HEAD.unpack_from(data)
    if magic != MAGIC:
        raise LexiconError("不是本版本的词典", "it is no lexicon of this version")
    view = memoryview(data)
    if sha256(view[len(MAGIC) + len(digest) :]).digest() != digest:
        raise LexiconError("摘要不符，文件已损坏", "its digest differs: it is damaged")
    at = _HEAD.size
    codes = {character: code for code, character in enumerate(data[at : at + 2 * characters].decode("utf-16-le"), 1)}
    base, check = array("I"), array("H")
    at += 2 * characters
    base.frombytes(view[at : at + 4 * slots])
    at += 4 * slots
    check.frombytes(view[at : at + 2 * slots])
    if sys.byteorder == "big":
        base.byteswap()
        check.byteswap()
    at += 2 * slots
    spelt = b"\0" + data[at + slots :] + b"\0"
    return Lexicon(codes, base, check, data[at : at + slots], spelt, longest, unknown, words, digest.hex()[:16])


@dataclass(slots=True)
class _Node:
    cost: int = 0
    children: dict[int, _Node] = field(default_factory=dict)
    base: int = 0


def encode(costs: Mapping[str, int], unknown: int, spelt: Mapping[str, int] | None = None) -> bytes:
    """Return a lexicon's file for words with costs from 1 to 255; the same words give the same bytes.

    `spelt` are the characters that foreign names are spelt with, and their costs; those of no word are left out.
    """
    used: dict[str, int] = {}
    for word in costs:
        for character in word:
            used[character] = used.get(character, 0) + 1
    # Frequent characters get small codes: the array packs closer.
    alphabet = sorted(used, key=lambda character: (-used[character], character))
    codes = {character: code for code, character in enumerate(alphabet, 1)}
    if not costs or len(codes) >= _BMP or max(map(ord, alphabet)) > _BMP:
        raise ValueError("a lexicon needs words, of characters of the basic plane")
    root = _Node()
    for word in sorted(costs):
        node = root
        for character in word:
            node = node.children.setdefault(codes[character], _Node())
        node.cost = costs[word]
    slots = _place(root, len(codes))
    base = np.full(slots, slots - len(codes) - 2, dtype="<u4")  # a leaf's base: nothing is there
    check = np.zeros(slots, dtype="<u2")
    cost = np.zeros(slots, dtype=np.uint8)
    base[0] = 0
    stack = [root]
    while stack:
        node = stack.pop()
        for code, child in node.children.items():
            slot = node.base + code
            check[slot], cost[slot] = code, child.cost
            if child.children:
                base[slot] = child.base
                stack.append(child)
    rest = _COUNTS.pack(len(codes), slots, max(map(len, costs)), unknown, len(costs))
    rest += "".join(alphabet).encode("utf-16-le") + base.tobytes() + check.tobytes() + cost.tobytes()
    rest += bytes((spelt or {}).get(character, 0) for character in alphabet)
    return MAGIC + sha256(rest).digest() + rest


def _inner(root: _Node) -> list[_Node]:
    found, stack = [], [root]
    while stack:
        node = stack.pop()
        if node.children:
            found.append(node)
            stack.extend(node.children[code] for code in sorted(node.children, reverse=True))
    return found


def _place(root: _Node, characters: int) -> int:
    """Give each inner node a base of its own whose slots are free; return the number of slots.

    Nodes with many children go first, into the lowest place that fits; the others fill the holes.
    """
    inner = _inner(root)
    room = sum(len(node.children) for node in inner) + 4 * characters + 4 * _BLOCK
    free = np.ones(room, dtype=np.bool_)
    unused = np.ones(room, dtype=np.bool_)
    unused[0] = free[0] = False
    free[list(root.children)] = False
    hints: dict[int, int] = {}
    last = characters
    for node in sorted(inner[1:], key=lambda node: -len(node.children)):
        wanted = sorted(node.children)
        at = hints.get(len(wanted), 0)
        while True:
            if at + _BLOCK + characters + 1 > len(free):
                free = np.concatenate([free, np.ones(room, dtype=np.bool_)])
                unused = np.concatenate([unused, np.ones(room, dtype=np.bool_)])
            fits = unused[at : at + _BLOCK].copy()
            for code in wanted:
                fits &= free[at + code : at + code + _BLOCK]
            first = int(fits.argmax())
            if fits[first]:
                break
            at += _BLOCK
        hints[len(wanted)] = at
        node.base = at + first
        unused[node.base] = False
        for code in wanted:
            free[node.base + code] = False
        last = max(last, node.base + wanted[-1])
    return last + characters + 3  # a leaf's steps, and the step by no character, end in what is free
