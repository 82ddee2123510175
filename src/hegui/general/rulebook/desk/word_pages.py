"""Pages of words and set answers: lists with search, forms, and the buttons of two people."""

from __future__ import annotations

from collections.abc import Callable

from hegui.general.content.folds import FOLD_NAMES, Fold
from hegui.general.content.policy import ACTION_NAMES, LANE_NAMES, WORD_LANES, Action, Lane
from hegui.general.content.rows import COLUMNS, NO_FOLD, WIDEST, word_rules
from hegui.general.rulebook import acts, answers, queries, sources, standing
from hegui.general.rulebook.models import KINDS, STATES, SetAnswerRow, State, WordChange
from hegui.general.rulebook.rules import kept_rules
from hegui.kit import clock, ids
from hegui.kit.errors import InputError
from hegui.kit.pages import Page, Redirect, Route, View, Visit
from hegui.kit.text import Bi
from hegui.law import risks
from hegui.people import Act, Role, permits

_TYPED = (
    "word", "risk", "match", "exceptions", "near", "within", "action", "since", "until", "source", "why", "rule", "phrase",
)  # fmt: skip
_ACTIONS = tuple(action for action in Action if action not in {Action.REPLACE, Action.ANSWER})


def _common(visit: Visit) -> dict[str, object]:
    role = Role(visit.person.role)
    return {
        "names": queries.names(visit.session),
        "states": STATES,
        "kinds": KINDS,
        "now": clock.now(),
        "me": visit.person.id,
        "may_write": permits(role, Act.WRITE_RULES),
        "may_approve": permits(role, Act.APPROVE_RULES),
        "risk_names": {risk: risks().name(risk).bi for risk in risks().ids},
    }


# --- words ---------------------------------------------------------------------------------------------


def _wanted(visit: Visit) -> queries.Wanted:
    wanted = queries.Wanted(
        **{key: visit.query.get(key, "").strip().replace("\0", "") for key in ("text", "risk", "state", "before")}
    )
    unknown = wanted.state not in {"", *State} or wanted.risk not in {"", *risks().ids}
    if unknown or (wanted.before and not ids.is_id(wanted.before)):
        raise InputError(Bi("筛选条件有误", "that filter is wrong"), Bi("从列表中选择", "choose from the lists"))
    return wanted


def list_words(visit: Visit) -> Page:
    """Show the changes of the words, and words of the operator's file when something is looked for."""
    wanted = _wanted(visit)
    rows = queries.words(visit.session, wanted)
    library = sources.library(visit.shared.settings)
    in_file = queries.file_words(library, wanted) if wanted.state == "" and not wanted.before else []
    gone = queries.reading(visit.session, library).book.gone
    return Page(
        "rulebook/words.html",
        Bi("词", "Words"),
        {
            **_common(visit),
            "wanted": wanted,
            "rows": rows,
            "upon": standing.told_upon(rows, library),
            "rules_of": {row.id: kept_rules(row.rules).as_dict() for row in rows},
            "more": len(rows) == queries.PAGE,
            "in_file": in_file,
            "gone": gone,
        },
    )


def word_form(visit: Visit, error: InputError | None = None) -> Page:
    """Show the form of a word, an exception or a removal; after a mistake with what was typed."""
    given = visit.form if error is not None else visit.query
    typed = {key: given.get(key, "") for key in _TYPED}
    lanes = {lane for lane in WORD_LANES if given.get(f"lane_{lane}")}
    folds = {fold for fold in (*Fold, NO_FOLD) if given.get(f"fold_{fold}")}
    kind = given.get("kind", "word")
    values = {
        **_common(visit),
        "typed": typed,
        "lanes": lanes,
        "folds": folds,
        "fold_names": {**FOLD_NAMES, NO_FOLD: Bi("一概不还原，只找原样", "none at all: as it is written alone")},
        "kind": kind if kind in KINDS else "word",
        "lane_names": {lane: LANE_NAMES[lane] for lane in Lane if lane in WORD_LANES},
        "actions": {action: ACTION_NAMES[action] for action in _ACTIONS},
        "widest": WIDEST,
        "error": error,
    }
    return Page("rulebook/word.html", Bi("提议", "Propose"), values, 400 if error else 200)


def propose(visit: Visit) -> Page | Redirect:
    """Propose a word, an exception or a removal."""
    form, library = visit.form, sources.library(visit.shared.settings)
    kind, rule, why = (form.get(key, "").strip() for key in ("kind", "rule", "why"))
    try:
        if kind == "exception":
            acts.propose_exception(visit.session, visit.person, rule, form.get("phrase", ""), library, why=why)
        elif kind == "removal":
            acts.propose_removal(visit.session, visit.person, rule, library, why)
        else:
            cells = {name: form.get(name, "") for name in COLUMNS if name not in {"lanes", "folds", "approver"}}
            cells["folds"] = "|".join(fold for fold in (*Fold, NO_FOLD) if form.get(f"fold_{fold}"))
            cells["lanes"] = "|".join(lane for lane in Lane if lane in WORD_LANES and form.get(f"lane_{lane}"))
            word = form.get("word", "").strip()
            rules = word_rules(word, cells)
            acts.propose_word(visit.session, visit.person, word, form.get("risk", ""), rules, why=why, library=library)
    except InputError as error:
        return word_form(visit, error)
    return Redirect("/rulebook/words?state=proposed")


def _on_word(act: Callable[[Visit, WordChange], None]) -> View:
    def view(visit: Visit) -> Redirect:
        row = visit.session.get(WordChange, visit.path["id"])
        if row is None:
            raise InputError(Bi("没有这一条", "there is no such change"), Bi("返回列表", "go back to the list"))
        act(visit, row)
        return Redirect("/rulebook/words")

    return view


def _approve(visit: Visit, row: WordChange) -> None:
    acts.approve(visit.session, visit.person, row, sources.library(visit.shared.settings))


def _urgent(visit: Visit, row: WordChange) -> None:
    library = sources.library(visit.shared.settings)
    acts.put_in_force_alone(visit.session, visit.person, row, library, visit.form.get("why", ""))


def _refuse(visit: Visit, row: WordChange) -> None:
    acts.refuse(visit.session, visit.person, row, visit.form.get("why", ""))


def _take_back(visit: Visit, row: WordChange) -> None:
    acts.take_back(visit.session, visit.person, row, visit.form.get("why", ""))


# --- set answers ---------------------------------------------------------------------------------------


def list_answers(visit: Visit, error: InputError | None = None) -> Page:
    """Show the set answers with the form of a new one; after a mistake with what was typed."""
    state, text = (visit.query.get(key, "").strip().replace("\0", "") for key in ("state", "text"))
    if state not in {"", *State}:
        raise InputError(Bi("筛选条件有误", "that filter is wrong"), Bi("从列表中选择", "choose from the lists"))
    values = {
        **_common(visit),
        "rows": queries.answers(visit.session, state, text),
        "state": state,
        "text": text,
        "typed": {key: visit.form.get(key, "") for key in ("question", "answer", "risk", "why")},
        "error": error,
    }
    return Page("rulebook/answers.html", Bi("代答库", "Set answers"), values, 400 if error else 200)


def propose_answer(visit: Visit) -> Page | Redirect:
    """Propose a set answer."""
    question, answer, risk, why = (visit.form.get(key, "") for key in ("question", "answer", "risk", "why"))
    try:
        answers.propose_answer(visit.session, visit.person, question, answer, risk, why=why)
    except InputError as error:
        return list_answers(visit, error)
    return Redirect("/rulebook/answers")


def _on_answer(act: Callable[[Visit, SetAnswerRow], None]) -> View:
    def view(visit: Visit) -> Redirect:
        row = visit.session.get(SetAnswerRow, visit.path["id"])
        if row is None:
            raise InputError(Bi("没有这一代答", "there is no such set answer"), Bi("返回列表", "go back to the list"))
        act(visit, row)
        return Redirect("/rulebook/answers")

    return view


def _approve_answer(visit: Visit, row: SetAnswerRow) -> None:
    answers.approve_answer(visit.session, visit.person, row)


def _refuse_answer(visit: Visit, row: SetAnswerRow) -> None:
    answers.refuse_answer(visit.session, visit.person, row, visit.form.get("why", ""))


def _withdraw_answer(visit: Visit, row: SetAnswerRow) -> None:
    answers.withdraw_answer(visit.session, visit.person, row, visit.form.get("why", ""))


_WORD, _ANSWER = "/rulebook/words/{id}", "/rulebook/answers/{id}"
_ANSWER_FORM = 256 * 1024

ROUTES = (
    Route("/rulebook/words", Act.READ_CONTENT, list_words),
    Route("/rulebook/words/new", Act.WRITE_RULES, word_form),
    Route("/rulebook/words/new", Act.WRITE_RULES, propose, methods=("POST",)),
    Route(f"{_WORD}/approve", Act.APPROVE_RULES, _on_word(_approve), methods=("POST",)),
    Route(f"{_WORD}/urgent", Act.APPROVE_RULES, _on_word(_urgent), methods=("POST",)),
    Route(f"{_WORD}/refuse", Act.APPROVE_RULES, _on_word(_refuse), methods=("POST",)),
    Route(f"{_WORD}/take-back", Act.WRITE_RULES, _on_word(_take_back), methods=("POST",)),
    Route("/rulebook/answers", Act.READ_CONTENT, list_answers),
    Route("/rulebook/answers", Act.WRITE_RULES, propose_answer, methods=("POST",), most=_ANSWER_FORM),
    Route(f"{_ANSWER}/approve", Act.APPROVE_RULES, _on_answer(_approve_answer), methods=("POST",)),
    Route(f"{_ANSWER}/refuse", Act.APPROVE_RULES, _on_answer(_refuse_answer), methods=("POST",)),
    Route(f"{_ANSWER}/take-back", Act.WRITE_RULES, _on_answer(_withdraw_answer), methods=("POST",)),
)
