"""Write the lexicon of ordinary words from jieba's dictionary; run when a release is made, never later.

In a folder of its own (that one is FOLDER):

    pip download --no-deps --no-binary :all: jieba==0.42.1
    pip download --no-deps pypinyin==0.55.0
    npm pack cldr-localenames-full@46.0.0 cldr-annotations-full@46.0.0
    git clone https://github.com/thunlp/THUOCL
    git clone https://github.com/omwn/omw-data
    git clone https://github.com/drkameleon/complete-hsk-vocabulary
    python scripts/lexicon.py FOLDER [--check]

The same sources give the same bytes; `--check` only compares. Frequencies are jieba's. What is kept, and what is not:

- Words of Chinese characters alone, of 1 to 8 characters, seen twice and more, those of one and two
  characters three times: longer words are made of shorter ones, and the rarest entries are mostly noise.
- Of the tags nr, nrfg, nrt (persons), nt (organisations), nz (other proper names: parties and events
  among them) only what is an ordinary word all the same, for jieba gives them to thousands (二氧化碳, 白皮书, 富丽堂皇, 文明),
  and without those their pieces are read as words: a word of two characters that at least two entries
  which are no proper names begin or end with (文明: 文明史, 精神文明), which names of persons do not do; a word in one of the
  lists of things, places and idioms of THUOCL or of pypinyin, in the Chinese Open Wordnet (but for its persons), among
  CLDR's words for signs, or among those that learners of Chinese are asked for; an nz of three and more that ends like an
  ordinary word; an nr of three that is an ordinary word with a character that makes words (贡献者, 德国人), unless it
  begins like the names of persons do.
  Never one that THUOCL lists as a person, nor one of three and more that ends like a party, an army or an event: hegui
  ships no list of those.
- Place names (ns) and CLDR's names of countries and languages: they show where words end, and are no list of anything else.

From nrt the file takes one thing more, no name but the characters that foreign names are written with, and how
often: a row of those that is no word (夏洛克, 汉密尔顿) is read as one name.
"""

from __future__ import annotations

import json
import math
import sys
import tarfile
import zipfile
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Final

from hegui.general.content.lexicon.trie import COSTLIEST, SCALE, decode, encode

OUT: Final = Path(__file__).parents[1] / "src/hegui/general/content/lexicon/words.bin"
DIGESTS: Final = {
    "jieba-0.42.1.tar.gz": "055ca12f62674fafed09427f176506079bc135638a14e23e25be909131928db2",
    "pypinyin-0.55.0-py2.py3-none-any.whl": "d53b1e8ad2cdb815fb2cb604ed3123372f5a28c6f447571244aca36fc62a286f",
    "cldr-localenames-full-46.0.0.tgz": "1ef4a933d23100f13322d4825df700162d360afa20ae0b156c99bf04b6f2aeae",
    "cldr-annotations-full-46.0.0.tgz": "6dcf09ef928a3e1e84194e61a7dd4f76d9221eb21246dcf3d8accda6436befc2",
    "omw-data/wns/cow/wn-data-cmn.tab": "379fd2e41d3e1395f9f27cf23a39c6181849ffb4020c14a07ed2a4d4dd651122",
    "complete-hsk-vocabulary/complete.min.json": "d1cffe460990a60ab615965d3ad71736d5364c7abf1d83e4656b4cdc353f1568",
}
"""SHA-256 of the files as the registries and the commits have them."""
LISTS: Final = ("IT", "animal", "caijing", "car", "chengyu", "diming", "food", "medical")
PERSONS: Final = "lishimingren"
THUOCL: Final = "a07db6628ec3d668f19f47e76cdf1cbd65ab33bd4f7efb680e840c71ce5412ce"
"""SHA-256 of the lists and of that of persons, one after the other."""
SOMEBODY: Final = range(10806000, 11409000)
"""Where WordNet 3.0 numbers persons who lived or are told of, and no words for persons."""
NAMES: Final = frozenset({"nr", "nrfg", "nrt", "nt", "nz"})
PERSON: Final = "nr"
ABROAD: Final = "nrt"
OTHER: Final = "nz"
PLACE: Final = "ns"
LONGEST: Final = 8
SEEN: Final = 3
SEEN_LONG: Final = 2
PAIR: Final = 2
ORDINARY: Final = 2
PRODUCTIVE: Final = 100
"""A character that so many ordinary words of three characters end with makes words: 器, 书, 性."""
SURNAME: Final = 40
"""A character is a surname when so many persons of THUOCL's list, of two or three characters, begin with it."""
STEM: Final = 20
MAKING: Final = 60
"""An nr of three characters is no name when its first two are a word seen so often, and so many words end with its third."""
EVENTS: Final = ("党", "军", "革命", "运动", "事件", "战争", "战役", "起义", "政变", "惨案", "会战", "会议", "全会")
SPELT: Final = 4
"""A character spells foreign names when it stands in them so often."""
HAN: Final = range(0x3400, 0xA000)


def is_han(word: str) -> bool:
    """Say whether a word is of Chinese characters alone, and not too long."""
    return len(word) <= LONGEST and all(ord(sign) in HAN for sign in word)


@dataclass(frozen=True)
class Sources:
    """The files in the folder, each the pinned one."""

    folder: Path

    def _pinned(self, name: str) -> Path:
        path = self.folder / name
        if sha256(path.read_bytes()).hexdigest() != DIGESTS[name]:
            sys.exit(f"{path} is not the pinned file")
        return path

    @cached_property
    def entries(self) -> list[tuple[str, int, str]]:
        """Read `(word, frequency, tag)` of jieba's dictionary."""
        with tarfile.open(self._pinned("jieba-0.42.1.tar.gz")) as tar:
            member = tar.extractfile("jieba-0.42.1/jieba/dict.txt")
            assert member is not None
            found = (line.split(" ") for line in member.read().decode().splitlines())
            return [(word, int(frequency), tag) for word, frequency, tag in found]

    @cached_property
    def _thuocl(self) -> dict[str, frozenset[str]]:
        data = {name: (self.folder / f"THUOCL/data/THUOCL_{name}.txt").read_bytes() for name in (*LISTS, PERSONS)}
        if sha256(b"".join(data.values())).hexdigest() != THUOCL:
            sys.exit(f"{self.folder}/THUOCL is not the pinned commit")
        return {
            name: frozenset(line.split("\t")[0].strip() for line in text.decode("utf-8-sig").splitlines())
            for name, text in data.items()
        }

    @property
    def persons(self) -> frozenset[str]:
        """Return the persons whom THUOCL lists."""
        return self._thuocl[PERSONS]

    @cached_property
    def things(self) -> frozenset[str]:
        """Return the words that the lists of ordinary words hold."""
        with zipfile.ZipFile(self._pinned("pypinyin-0.55.0-py2.py3-none-any.whl")) as wheel:
            phrases = json.loads(wheel.read("pypinyin/phrases_dict.json"))
        return frozenset(phrases).union(
            self._wordnet, self._signs, self._learnt, *(self._thuocl[name] for name in LISTS)
        )

    @property
    def _wordnet(self) -> frozenset[str]:
        lines = self._pinned("omw-data/wns/cow/wn-data-cmn.tab").read_text("utf-8").splitlines()
        rows = (line.split("\t") for line in lines if not line.startswith("#"))
        return frozenset(
            word.replace("+", "")
            for synset, _, word in rows
            if not (synset[-1] == "n" and int(synset[:-2]) in SOMEBODY)
        )

    @property
    def _signs(self) -> frozenset[str]:
        with tarfile.open(self._pinned("cldr-annotations-full-46.0.0.tgz")) as tar:
            member = tar.extractfile("package/annotations/zh/annotations.json")
            assert member is not None
            signs = json.load(member)["annotations"]["annotations"].values()
        return frozenset(word for sign in signs for words in sign.values() for word in words)

    @property
    def _learnt(self) -> frozenset[str]:
        words = json.loads(self._pinned("complete-hsk-vocabulary/complete.min.json").read_bytes())
        return frozenset(word["s"] for word in words)

    @cached_property
    def surnames(self) -> frozenset[str]:
        """Return the characters that many names of persons begin with."""
        first = Counter(name[0] for name in self.persons if len(name) in (PAIR, PAIR + 1))
        return frozenset(sign for sign, times in first.items() if times >= SURNAME)

    def countries(self) -> Iterator[str]:
        """Return CLDR's names of countries and languages."""
        with tarfile.open(self._pinned("cldr-localenames-full-46.0.0.tgz")) as tar:
            for kind in ("territories", "languages"):
                member = tar.extractfile(f"package/main/zh/{kind}.json")
                assert member is not None
                names = json.load(member)["main"]["zh"]["localeDisplayNames"][kind].values()
                yield from (name for name in names if is_han(name))


@dataclass
class Words:
    """Words with their frequencies: those of ordinary tags in `found`, others in `names` with their tags.

    `seams` counts the pairs of characters that longer words begin and end with, `ends` the last of three characters.
    """

    found: dict[str, int] = field(default_factory=dict)
    names: dict[str, tuple[int, str]] = field(default_factory=dict)
    seams: Counter[str] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)

    def add(self, word: str, frequency: int, tag: str) -> None:
        """Take one entry of the dictionary."""
        if tag in NAMES and len(word) > 1:
            self.names[word] = frequency, tag
        elif frequency >= (SEEN_LONG if len(word) > PAIR else SEEN):
            self.found[word] = max(frequency, self.found.get(word, 0))
            if len(word) > PAIR and tag != PLACE:
                self.seams.update((word[:PAIR], word[-PAIR:]))
                self.ends[word[-1]] += len(word) == PAIR + 1

    def is_ordinary(self, word: str, sources: Sources) -> bool:
        """Say whether one of the names is an ordinary word all the same."""
        frequency, tag = self.names[word]
        if len(word) == PAIR and frequency >= SEEN and self.seams[word] >= ORDINARY:
            return True
        if word in sources.persons or (len(word) > PAIR and word.endswith(EVENTS)):
            return False
        if word in sources.things:
            return True
        if len(word) == PAIR or frequency < SEEN:
            return False
        if tag == OTHER:
            return word[-PAIR:] in self.found or self.ends[word[-1]] >= PRODUCTIVE
        made = len(word) == PAIR + 1 and self.found.get(word[:PAIR], 0) >= STEM and self.ends[word[-1]] >= MAKING
        return tag == PERSON and made and word[0] not in sources.surnames


def kept(sources: Sources) -> dict[str, int]:
    """Return the words that are kept with their frequencies."""
    words = Words()
    for word, frequency, tag in sources.entries:
        if is_han(word):
            words.add(word, frequency, tag)
    found = words.found | {word: words.names[word][0] for word in words.names if words.is_ordinary(word, sources)}
    for word in sources.countries():
        found.setdefault(word, max(SEEN, words.names.get(word, (0, ""))[0]))
    return found


def spelling(sources: Sources) -> dict[str, int]:
    """Return how often each character stands in foreign names of three characters and more."""
    found = Counter[str]()
    for word, _, tag in sources.entries:
        if tag == ABROAD and len(word) > PAIR and is_han(word):
            found.update(word)
    return found


def lexicon(sources: Sources) -> bytes:
    """Return the lexicon's file."""
    frequencies, spelt = kept(sources), spelling(sources)
    words, signs = sum(frequencies.values()), sum(spelt.values())

    def cost(frequency: int, total: int) -> int:
        return min(COSTLIEST, round(-math.log(frequency / total) * SCALE))

    costs = {word: cost(frequency, words) for word, frequency in frequencies.items()}
    names = {sign: cost(times, signs) for sign, times in spelt.items() if times >= SPELT}
    return encode(costs, cost(1, words), names)


def main() -> None:
    """Write the file, or compare it."""
    parser = ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--check", action="store_true")
    given = parser.parse_args()
    data = lexicon(Sources(given.folder))
    if not given.check:
        OUT.write_bytes(data)
    elif OUT.read_bytes() != data:
        sys.exit(f"{OUT.name} is not what the sources give")
    print(f"{OUT.name}: {decode(data).words} words, {len(data)} bytes, sha256 {sha256(data).hexdigest()}")


if __name__ == "__main__":
    main()
