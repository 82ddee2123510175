"""Write the lexicon of ordinary words from jieba's dictionary; run when a release is made, never later.

pip download --no-deps --no-binary :all: jieba==0.42.1
python scripts/lexicon.py jieba-0.42.1.tar.gz [--check]

The same source gives the same bytes; `--check` only compares. What is kept, and what is not:

- Words of Chinese characters alone, of 1 to 6 characters, seen three times and more: longer words are
  made of shorter ones, and the rarest entries are mostly noise.
- Not the tags nr, nrfg, nrt (persons), nt (organisations), nz (other proper names: parties and events
  among them): hegui ships no list of those, and a name is read well enough as its parts. But those
  tags also hold thousands of ordinary words (明白, 文明, 和平, 普通), and without them their neighbours
  are read wrongly. Such a word of two characters stays when at least two entries that are no proper
  names begin or end with it (文明: 文明史, 精神文明), which names of persons do not do.
- Place names (ns) stay: they show where words end, and are no list of anything but places.
"""

from __future__ import annotations

import math
import sys
import tarfile
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Final

from hegui.general.content.lexicon.trie import COSTLIEST, SCALE, decode, encode

SOURCE: Final = "jieba-0.42.1/jieba/dict.txt"
DIGEST: Final = "055ca12f62674fafed09427f176506079bc135638a14e23e25be909131928db2"
"""SHA-256 of jieba-0.42.1.tar.gz on the Python package index."""
OUT: Final = Path(__file__).parents[1] / "src/hegui/general/content/lexicon/words.bin"
NAMES: Final = frozenset({"nr", "nrfg", "nrt", "nt", "nz"})
PLACE: Final = "ns"
LONGEST: Final = 6
SEEN: Final = 3
PAIR: Final = 2
ORDINARY: Final = 2
HAN: Final = range(0x3400, 0xA000)


def entries(archive: Path) -> Iterator[tuple[str, int, str]]:
    """Read `(word, frequency, tag)` from the archive, whose digest must be the pinned one."""
    if sha256(archive.read_bytes()).hexdigest() != DIGEST:
        sys.exit(f"{archive} is not the pinned archive")
    with tarfile.open(archive) as tar:
        member = tar.extractfile(SOURCE)
        assert member is not None
        for line in member.read().decode().splitlines():
            word, frequency, tag = line.split(" ")
            yield word, int(frequency), tag


def kept(archive: Path) -> dict[str, int]:
    """Return the words that are kept with their frequencies."""
    found: dict[str, int] = {}
    names: dict[str, int] = {}
    seams: Counter[str] = Counter()
    for word, frequency, tag in entries(archive):
        if frequency < SEEN or len(word) > LONGEST or any(ord(sign) not in HAN for sign in word):
            continue
        if tag in NAMES and len(word) > 1:
            names[word] = frequency
        else:
            found[word] = max(frequency, found.get(word, 0))
            if len(word) > PAIR and tag != PLACE:
                seams.update((word[:PAIR], word[-PAIR:]))
    return found | {word: names[word] for word in names if len(word) == PAIR and seams[word] >= ORDINARY}


def lexicon(archive: Path) -> bytes:
    """Return the lexicon's file."""
    frequencies = kept(archive)
    total = sum(frequencies.values())

    def cost(frequency: int) -> int:
        return min(COSTLIEST, round(-math.log(frequency / total) * SCALE))

    return encode({word: cost(frequency) for word, frequency in frequencies.items()}, cost(1))


def main() -> None:
    """Write the file, or compare it."""
    parser = ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("archive", type=Path)
    parser.add_argument("--check", action="store_true")
    given = parser.parse_args()
    data = lexicon(given.archive)
    if not given.check:
        OUT.write_bytes(data)
    elif OUT.read_bytes() != data:
        sys.exit(f"{OUT.name} is not what the archive gives")
    print(f"{OUT.name}: {decode(data).words} words, {len(data)} bytes, sha256 {sha256(data).hexdigest()}")


if __name__ == "__main__":
    main()
