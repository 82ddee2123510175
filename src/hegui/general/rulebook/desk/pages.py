"""Pages of the rulebook: the overview, versions of the policy, replay, the library's audit; words and answers beside."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass

from hegui.evidence.entries import make_salt
from hegui.general.content.audit import RESULT_NAMES, requirements
from hegui.general.content.cases import case
from hegui.general.content.checks import Checker
from hegui.general.content.policy import ACTION_NAMES, Action, Audience, Policy, Side, described
from hegui.general.content.replay import Replay
from hegui.general.content.texts import Text, lines
from hegui.general.rulebook import policies, queries, sources
from hegui.general.rulebook.desk import word_pages
from hegui.general.rulebook.models import KINDS, POLICY_STATES, STATES, PolicyState, PolicyVersion
from hegui.general.rulebook.rules import Difference, body_without_answers, differences, said, without_answers
from hegui.kit import clock
from hegui.kit.errors import InputError
from hegui.kit.pages import Page, Redirect, Route, View, Visit
from hegui.kit.text import Bi
from hegui.law import register, risks
from hegui.people import Act, Role, permits

_POLICY_FORM = 1024 * 1024
_REPLAY_FORM = 4 * 1024 * 1024
_MOST_CHANGED = 200
_SNIPPET = 80
FILE = "file"
"""Stands for the operator's policy file alone, where a version could stand."""


def may(visit: Visit, act: Act) -> bool:
    """Say whether the visitor's role permits an act."""
    return permits(Role(visit.person.role), act)


def overview(visit: Visit) -> Page:
    """Show what is in force, what is tried, what waits."""
    settings = visit.shared.settings
    library = sources.library(settings)
    reading = queries.reading(visit.session, library)
    versions = queries.versions(visit.session)
    return Page(
        "rulebook/overview.html",
        Bi("规则簿", "Rulebook"),
        {
            "versions": versions,
            "live": next((row for row in versions if row.state == PolicyState.LIVE), None),
            "shadow": next((row for row in versions if row.state == PolicyState.SHADOW), None),
            "drafts": [row for row in versions if row.state == PolicyState.DRAFT],
            "policy_states": POLICY_STATES,
            "base": sources.policy(settings).version,
            "library": library.edited(reading.book.words, reading.book.gone),
            "reading": reading,
            "waiting": queries.waiting(visit.session),
            "answers_waiting": queries.waiting_answers(visit.session),
            "counts": queries.counts(visit.session),
            "states": STATES,
            "kinds": KINDS,
            "names": queries.names(visit.session),
            "may_read": may(visit, Act.READ_CONTENT),
            "may_write": may(visit, Act.WRITE_RULES),
        },
    )


# --- versions of the policy ----------------------------------------------------------------------------


def _version(visit: Visit, number: str) -> PolicyVersion:
    found = visit.session.get(PolicyVersion, int(number)) if number.isdecimal() and len(number) < 9 else None  # noqa: PLR2004 - digits of an integer
    if not isinstance(found, PolicyVersion):
        raise InputError(
            Bi(f"没有第 {number} 版策略", f"there is no version {number} of the policy"),
            Bi("返回规则簿", "go back to the rulebook"),
        )
    return found


def _policy(visit: Visit, version: PolicyVersion | None) -> Policy:
    base = sources.policy(visit.shared.settings)
    return base if version is None else policies.read_body(version.body, base)


@dataclass(frozen=True)
class _Compared:
    """What differs, or why it can not be told."""

    rows: tuple[Difference, ...] = ()
    error: InputError | None = None


def _compared(visit: Visit, before: PolicyVersion | None, after: PolicyVersion) -> _Compared:
    try:
        told = [described(_policy(visit, version)) for version in (before, after)]
    except InputError as error:  # the operator's file can have changed under a version
        return _Compared(error=error)
    if not may(visit, Act.READ_CONTENT):
        salt = make_salt()
        told = [without_answers(one, salt) for one in told]
    return _Compared(differences(*told))


def one_version(visit: Visit) -> Page:
    """Show one version of the policy: what it changes, who and why, and what can be done with it."""
    version = _version(visit, visit.path["number"])
    wanted = visit.query.get("against", "")
    live = policies.live(visit.session)
    if not wanted:
        wanted = str(live.number) if live is not None and live is not version else FILE
    before = None if wanted == FILE else _version(visit, wanted)
    others = [row for row in queries.versions(visit.session) if row is not version]
    return Page(
        "rulebook/version.html",
        Bi(f"策略第 {version.number} 版", f"Policy version {version.number}"),
        {
            "version": version,
            "body": version.body if may(visit, Act.READ_CONTENT) else body_without_answers(version.body, make_salt()),
            "may_read": may(visit, Act.READ_CONTENT),
            "states": POLICY_STATES,
            "compared": _compared(visit, before, version),
            "against": wanted,
            "others": others,
            "said": said,
            "names": queries.names(visit.session),
            "own": version.author == visit.person.id,
            "may_write": may(visit, Act.WRITE_RULES),
            "may_approve": may(visit, Act.APPROVE_RULES),
        },
    )


def write_form(visit: Visit, error: InputError | None = None) -> Page:
    """Show the form of a new version, with the live one's YAML or an earlier one's; after a mistake what was typed."""
    chosen = visit.query.get("from", "")
    source = _version(visit, chosen) if chosen else policies.live(visit.session)
    typed = {"body": source.body if source else "", "why": ""}
    if error is not None:
        typed = {key: visit.form.get(key, "") for key in typed}
    values = {"typed": typed, "error": error, "source": source}
    return Page("rulebook/write.html", Bi("新策略", "A new policy"), values, 400 if error else 200)


def write(visit: Visit) -> Page | Redirect:
    """Write a version as a draft."""
    base = sources.policy(visit.shared.settings)
    try:
        version = policies.write_policy(
            visit.session, visit.person, visit.form.get("body", ""), visit.form.get("why", ""), base
        )
    except InputError as error:
        return write_form(visit, error)
    return Redirect(f"/rulebook/policies/{version.number}")


def _on_version(act: Callable[[Visit, PolicyVersion], None]) -> View:
    def view(visit: Visit) -> Redirect:
        version = _version(visit, visit.path["number"])
        act(visit, version)
        return Redirect(f"/rulebook/policies/{version.number}")

    return view


def _shadow(visit: Visit, version: PolicyVersion) -> None:
    policies.begin_shadow(visit.session, visit.person, version, sources.policy(visit.shared.settings))


def _live(visit: Visit, version: PolicyVersion) -> None:
    base = sources.policy(visit.shared.settings)
    policies.put_in_force(visit.session, visit.person, version, base, visit.form.get("why", ""))


def _withdraw(visit: Visit, version: PolicyVersion) -> None:
    policies.withdraw_policy(visit.session, visit.person, version, visit.form.get("why", ""))


# --- replay --------------------------------------------------------------------------------------------


def replay_form(visit: Visit, outcome: Replay | None = None, error: InputError | None = None) -> Page:
    """Show the form by which a version is tried over texts; nothing of them is kept."""
    versions = queries.versions(visit.session)
    typed = {key: visit.form.get(key, "") for key in ("texts", "number", "side", "audience", "service")}
    typed["number"] = typed["number"] or visit.query.get("number", "")
    return Page(
        "rulebook/replay.html",
        Bi("重放", "Replay"),
        {
            "versions": versions,
            "states": POLICY_STATES,
            "typed": typed,
            "outcome": outcome,
            "snippets": _snippets(visit, outcome) if outcome is not None else {},
            "actions": ACTION_NAMES,
            "every_action": tuple(Action),
            "audiences": {
                Audience.GENERAL.value: Bi("公众", "the public"),
                Audience.MINORS.value: Bi("未成年人", "minors"),
            },
            "risk_names": {risk: risks().name(risk).bi for risk in risks().ids},
            "error": error,
        },
        400 if error else 200,
    )


def replay(visit: Visit) -> Page:
    """Run the live policy and another version over texts that were pasted or sent as a file."""
    try:
        return replay_form(visit, _replayed(visit))
    except InputError as error:
        return replay_form(visit, error=error)


def _replayed(visit: Visit) -> Replay:
    form, settings = visit.form, visit.shared.settings
    try:
        side, audience = Side(form.get("side", "input")), Audience(form.get("audience") or "general")
    except ValueError:
        raise InputError(
            Bi("未知的方向或受众", "unknown side or audience"), Bi("从列表中选择", "choose from the list")
        ) from None
    service = form.get("service", "").strip()
    base = sources.policy(settings)
    after = _policy(visit, _version(visit, form.get("number", "")))
    before = queries.live_policy(visit.session, base)
    library = queries.library_in_force(visit.session, sources.library(settings))
    made = [Checker(library, policy.resolved(service, audience)) for policy in (before, after)]
    outcome = Replay(made[0], made[1], _MOST_CHANGED)
    outcome.run((case(text) for text in _texts(visit) if not text.blank), side)
    return outcome


def _texts(visit: Visit) -> list[Text]:
    """Return the texts that were given, one a line, or of a `.jsonl` file; raise InputError for none."""
    pasted, file, name = (visit.form.get(key, "") for key in ("texts", "file", "file.filename"))
    if "\ufffd" in file:
        raise InputError(
            Bi("文件不是 UTF-8 文本", "the file is not UTF-8 text"), Bi("另存为 UTF-8", "save it as UTF-8")
        )
    found = list(lines(io.BytesIO(pasted.encode()), "粘贴 pasted")) if pasted.strip() else []
    if file.strip():
        as_json = name.lower().endswith((".jsonl", ".ndjson"))
        found += lines(io.BytesIO(file.removeprefix("\ufeff").encode()), name, as_json=as_json)
    if not found:
        raise InputError(
            Bi("没有给出文本", "no texts were given"),
            Bi("粘贴文本（每行一条）或选择文件", "paste texts, one a line, or choose a file"),
        )
    return found


def _snippets(visit: Visit, outcome: Replay) -> dict[tuple[str, int], str]:
    """Return the beginnings of the texts on which the two differ, or that are not as expected."""
    wanted = {(item.source, item.line) for item in outcome.changed}
    wanted |= {(item.source, item.line) for item in outcome.failures}
    return {
        (text.source, text.line): text.text[:_SNIPPET] for text in _texts(visit) if (text.source, text.line) in wanted
    }


# --- the library's audit -------------------------------------------------------------------------------


def audit(visit: Visit) -> Page:
    """Show the library with what people did to it, held against the standard."""
    settings = visit.shared.settings
    base = sources.library(settings)
    book = queries.reading(visit.session, base).book
    library = base.edited(book.words, book.gone)
    renewed = queries.renewed(visit.session, clock.today(), sources.file_renewal(settings))
    values = {
        "rows": requirements(library, register(), renewed),
        "results": RESULT_NAMES,
        "library": library,
        "renewed": renewed,
        "added": len(book.words),
        "gone": len(book.gone),
    }
    return Page("rulebook/library.html", Bi("关键词库核对", "The keyword library's audit"), values)


ROUTES = (
    Route("/rulebook", Act.READ_BOARD, overview, menu=Bi("规则簿", "Rulebook")),
    Route("/rulebook/policies/new", Act.WRITE_RULES, write_form),
    Route("/rulebook/policies/new", Act.WRITE_RULES, write, methods=("POST",), most=_POLICY_FORM),
    Route("/rulebook/policies/{number}", Act.READ_BOARD, one_version),
    Route("/rulebook/policies/{number}/shadow", Act.WRITE_RULES, _on_version(_shadow), methods=("POST",)),
    Route("/rulebook/policies/{number}/live", Act.APPROVE_RULES, _on_version(_live), methods=("POST",)),
    Route("/rulebook/policies/{number}/withdraw", Act.WRITE_RULES, _on_version(_withdraw), methods=("POST",)),
    Route("/rulebook/replay", Act.WRITE_RULES, replay_form),
    Route("/rulebook/replay", Act.WRITE_RULES, replay, methods=("POST",), most=_REPLAY_FORM),
    Route("/rulebook/library", Act.READ_BOARD, audit),
    *word_pages.ROUTES,
)
