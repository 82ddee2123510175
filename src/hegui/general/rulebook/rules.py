"""What decides without looking anywhere: words as they are kept, what differs between two policies, what is still gone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from hashlib import sha256
from typing import Any, NamedTuple

import yaml

from hegui.evidence.entries import commit_to
from hegui.general.content import folding
from hegui.general.content.folds import Fold
from hegui.general.content.index import Word
from hegui.general.content.library import Library, LibraryError
from hegui.general.content.personal import KIND_NAMES, Kind
from hegui.general.content.policy import ACTION_NAMES, LANE_NAMES, UNMAPPED, URGENCY_NAMES, Action, Lane, Side
from hegui.general.content.rows import COLUMNS, NO_FOLD, PLAIN, WordRules, longest, word_rules
from hegui.kit.canonical import canonical
from hegui.kit.errors import InputError
from hegui.kit.text import Bi
from hegui.kit.yaml import YAMLError, read_yaml
from hegui.law import risks

URGENT = timedelta(hours=24)
"""How long what one person put in force alone stays in force."""
LONGEST_POLICY = 100_000
"""Most characters of a version of the policy."""
LONGEST_REASON = 2_000
LONGEST_ANSWER = 10_000


# --- words -------------------------------------------------------------------------------------------


def cells_of(rules: WordRules) -> dict[str, str]:
    """Return what is said of a word as cells of a file, from which `word_rules` reads the same again."""
    said = rules.as_dict()
    return {
        name: "|".join(said[name]) or NO_FOLD if isinstance(said[name], list) else str(said[name])
        for name in COLUMNS
        if name in said
    }


def kept_rules(said: Mapping[str, Any]) -> WordRules:
    """Return what was said of a word from `WordRules.as_dict`, as it was kept; it was checked when it was proposed."""
    return WordRules(
        match=said.get("match", ""),
        lanes=frozenset(map(Lane, said["lanes"])) if "lanes" in said else None,
        folds=frozenset(map(Fold, said["folds"])) if "folds" in said else None,
        exceptions=tuple(said.get("exceptions", ())),
        near=tuple(said.get("near", ())),
        within=said.get("within", 0),
        action=Action(said["action"]) if "action" in said else None,
        since=date.fromisoformat(said["since"]) if "since" in said else None,
        until=date.fromisoformat(said["until"]) if "until" in said else None,
        source=said.get("source", ""),
        approver=said.get("approver", ""),
    )


def checked_word(text: str, risk: str, rules: WordRules) -> tuple[str, str, WordRules]:
    """Return a word, its risk's id and its rules, fit for a library; raise LibraryError."""
    word, found = text.strip(), risks().find(risk)
    if found is None:
        raise LibraryError(
            Bi(f"未知风险 {risk!r}", f"unknown risk {risk!r}"),
            Bi("写作 A.1.a 至 A.5.b 或其中文名", "write A.1.a to A.5.b, or the Chinese name"),
        )
    if not folding.folded(word) or len(word) > longest(rules) or not word.isprintable():
        raise LibraryError(
            Bi(
                f"词为空、超过 {longest(rules)} 字或含不可见字符",
                f"the word is empty, over {longest(rules)} characters or not printable",
            ),
            Bi("改正后重新提交", "correct it and send it again"),
        )
    return word, found, word_rules(word, cells_of(rules))


def with_exception(word: str, rules: WordRules, phrase: str) -> WordRules:
    """Return a word's rules with one exception more; raise LibraryError for a phrase that can not be one."""
    phrase = phrase.strip()
    if not phrase or phrase in rules.exceptions:
        raise LibraryError(
            Bi("例外为空，或该词已有这一例外", "the exception is empty, or the word has it already"),
            Bi("写一个含有该词的更长词语", "write a longer phrase with the word in it"),
        )
    return word_rules(word, cells_of(replace(rules, exceptions=(*rules.exceptions, phrase))))


def same_rules(one: WordRules, other: WordRules) -> bool:
    """Say whether two say the same of a word, whoever said it."""
    return replace(one, source="", approver="") == replace(other, source="", approver="")


def digest_of(*parts: object) -> str:
    """Return the digest by which equal things are found again; it stays in the database, since short ones can be guessed from it."""
    return sha256(canonical(list(parts))).hexdigest()


def commitment(salt: str, *parts: object) -> str:
    """Return what the ledger says of what it does not show: base64 of SHA-256(salt || canonical JSON of the parts).

    Who is shown the salt and the parts can prove that they are what was meant; without the salt nothing can be guessed.
    """
    return commit_to(salt, canonical(list(parts)))


class Gone(NamedTuple):
    """A rule that was taken back, and the word that it was then with what was said of it."""

    rule: str
    word: str
    risk: str
    rules: WordRules = PLAIN

    @property
    def of_file(self) -> bool:
        """Say whether it is a row of the operator's file."""
        return self.rule.startswith("keyword:")


def gone_of(rule: str, word: str, risk: str, rules: WordRules, phrase: str | None) -> Gone:
    """Return what a change takes back, from what it says itself; `phrase` is the exception that it adds, if any."""
    kept = tuple(one for one in rules.exceptions if one != phrase)
    return Gone(rule, word, risk, replace(rules, exceptions=kept))


def meant(gone: Iterable[Gone], library: Library) -> dict[Gone, frozenset[str]]:
    """Return for each change upon the operator's file the rules of that file that it means now; empty where none is left.

    A change is bound to the word, as words are compared, with its risk and what was said of it: a row's number names
    another word once the file has changed. Where no row says the same of the word any more, its own
    row is meant if that still has the word, or else every row with the word and the risk.
    """
    listed = {item: (folding.folded(item.word), item.risk) for item in gone if item.of_file}
    rows: dict[tuple[str, str], list[Word]] = {key: [] for key in listed.values()}
    if rows:
        for word in library.listed:
            if not word.edit and (word.folded, word.risk) in rows:
                rows[word.folded, word.risk].append(word)
    return {item: frozenset(_meant(item, rows[key])) for item, key in listed.items()}


def _meant(item: Gone, words: list[Word]) -> Iterator[str]:
    own = [word.rules for word in words if word.rule == item.rule]
    for said in (item.rules, *own):
        if found := [word.rule for word in words if same_rules(word.rules, said)]:
            return iter(found)
    return iter([word.rule for word in words])


def settled(gone: Iterable[Gone], library: Library) -> frozenset[str]:
    """Return the rules that are gone in a library as it is now; see `meant`."""
    listed = list(gone)
    added = frozenset(item.rule for item in listed if not item.of_file)
    return added.union(*meant(listed, library).values())


# --- reasons -----------------------------------------------------------------------------------------


def reason(text: str, what: Bi) -> str:
    """Return a reason without spaces around it; raise InputError when there is none."""
    found = text.strip()
    if not found or len(found) > LONGEST_REASON:
        raise InputError(
            Bi(
                f"{what.zh}须写明理由（至多 {LONGEST_REASON} 字）",
                f"{what.en} needs a reason of at most {LONGEST_REASON} characters",
            ),
            Bi("写明理由后重新提交", "give the reason and send it again"),
        )
    return found


# --- what differs between two policies -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that two policies say otherwise: of which risk or kind, what, and how."""

    subject: str
    name: Bi
    what: Bi
    before: str
    after: str

    def as_dict(self) -> dict[str, str]:
        """Return the difference for machines."""
        return {"subject": self.subject, "what": self.what.en, "before": self.before, "after": self.after}

    def line(self) -> str:
        """Return the difference for a person at a terminal."""
        return f"{self.subject}  {self.what.both}: {self.before or '—'} → {self.after or '—'}"


_SIDES = {Side.INPUT: Bi("输入", "input"), Side.OUTPUT: Bi("输出", "output")}
_PLAIN = Bi("—", "—")


_Told = tuple[tuple[str, str], Bi, str]
"""Of what and which question; the question in words; the answer as text."""


def _side(side: Side, name: Bi, told: Mapping[str, Any]) -> Iterator[_Told]:
    """Yield what a description says of one side."""
    action = Bi(f"{name.zh}动作", f"action on {name.en}")
    for key in ("risks", "personal"):
        yield from (((item, f"{side}.{key}"), action, value) for item, value in told[key].items())
    most = Bi(f"{name.zh}上限", f"most on {name.en}")
    yield from (((lane, f"{side}.cap"), most, value) for lane, value in told["caps"].items())
    for risk, lanes in told["lanes"].items():
        yield (risk, f"{side}.lanes"), Bi(f"{name.zh}通道", f"lanes of {name.en}"), ", ".join(lanes)
    undone = Bi(f"{name.zh}还原", f"folds of {name.en}")
    yield from (((risk, f"{side}.folds"), undone, ", ".join(folds)) for risk, folds in told.get("folds", {}).items())
    for lane, values in told["thresholds"].items():
        what = Bi(f"{name.zh}阈值（{lane}）", f"threshold of {name.en} ({lane})")
        yield from (((risk, f"{side}.threshold.{lane}"), what, str(value)) for risk, value in values.items())


def _described(body: Mapping[str, Any]) -> Iterator[_Told]:
    """Yield everything that a description says."""
    for side, name in _SIDES.items():
        yield from _side(side, name, body[side])
    for key, what in (("answers", Bi("代答", "set answer")), ("urgency", Bi("紧急程度", "urgency"))):
        yield from (((risk, key), what, value) for risk, value in body[key].items())
    for key, what in (
        ("services", Bi("对该服务", "for this service")),
        ("audiences", Bi("对该受众", "for this audience")),
    ):
        for name_of, sections in body.get(key, {}).items():
            yield (name_of, key), what, yaml.safe_dump(sections, allow_unicode=True, sort_keys=True).strip()


def without_answers(told: Any, salt: str) -> Any:  # noqa: ANN401 - plain data of any shape
    """Return what a policy says with a mark in the place of each set answer, for who may not read them.

    The same answer has the same mark under one salt, so that two policies still compare; no mark tells an answer.
    """
    if isinstance(told, Mapping):
        return {
            key: _marks(value, salt) if key == "answers" else without_answers(value, salt) for key, value in told.items()
        }  # fmt: skip
    return [without_answers(item, salt) for item in told] if isinstance(told, list) else told


def _marks(answers: Any, salt: str) -> Any:  # noqa: ANN401 - whatever stands there
    if not isinstance(answers, Mapping):
        return "（代答 set answers）"
    return {risk: f"（代答 set answer {commitment(salt, str(said))[:6]}）" for risk, said in answers.items()}


def body_without_answers(body: str, salt: str) -> str:
    """Return a policy's YAML with marks for its set answers and without its remarks; empty where it can not be read."""
    try:
        told = read_yaml(body)
    except YAMLError:
        return ""
    return "" if told is None else yaml.safe_dump(without_answers(told, salt), allow_unicode=True, sort_keys=False)


def _order() -> dict[str, int]:
    return {subject: place for place, subject in enumerate((*risks().ids, UNMAPPED, *Kind, *Lane))}


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Difference, ...]:
    """Return what two descriptions (`policy.described`) say otherwise, risk by risk, then kinds, lanes and scopes."""
    old = {key: (what, said) for key, what, said in _described(before)}
    new = {key: (what, said) for key, what, said in _described(after)}
    found = []
    for key in dict.fromkeys((*old, *new)):
        one, other = old.get(key, (_PLAIN, ""))[1], new.get(key, (_PLAIN, ""))[1]
        if one != other:
            what = (new.get(key) or old[key])[0]
            found.append(Difference(key[0], subject_name(key[0]), what, one, other))
    order = _order()
    return tuple(sorted(found, key=lambda item: order.get(item.subject, len(order))))


def subject_name(subject: str) -> Bi:
    """Return the name of a risk, a kind of personal information or a lane; what has none is its own name."""
    if subject in risks().ids:
        return risks().name(subject).bi
    names: dict[str, Bi] = {kind.value: name for kind, name in KIND_NAMES.items()}
    return names.get(subject) or LANE_NAMES.get(subject) or Bi(subject, subject)


def said(value: str) -> Bi:
    """Return an action or an urgency in words; anything else as it is."""
    return ACTION_NAMES.get(value) or URGENCY_NAMES.get(value) or Bi(value, value)
