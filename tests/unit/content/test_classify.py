"""The classifier: trained on an operator's labels, scoring the same whatever hides the words, refusing what is damaged."""

from __future__ import annotations

import itertools
import json
import pickle
import random
import unicodedata
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st

from hegui.general.content import folding
from hegui.general.content.classify import (
    Labels,
    LabelsError,
    Model,
    ModelError,
    Record,
    features,
    fit,
    measure,
    obscure,
)
from hegui.general.content.classify.commands import train as command
from hegui.general.content.classify.model import pack
from hegui.general.content.classify.training import Options, Outcome, train

ONE, TWO = "合规样例词甲子", "示例标记词乙丑"
COMMON = [chr(code) for code in range(0x4E00, 0x4E00 + 300)]


def sentence(draw: random.Random, size: int = 0) -> str:
    return "".join(draw.choices(COMMON, k=size or draw.randint(12, 50)))


def corpus(count: int = 400, seed: int = 1, source: str = "") -> list[Record]:
    """Return texts of which a quarter holds a marker of A.2.a and a quarter one of A.4.a."""
    draw, found = random.Random(seed), []
    for number in range(count):
        text, kind = sentence(draw), number % 4
        marker = {1: ONE, 2: TWO}.get(kind, "")
        at = draw.randint(0, len(text))
        risks = frozenset({{1: "A.2.a", 2: "A.4.a"}[kind]}) if marker else frozenset[str]()
        found.append(Record(text[:at] + marker + text[at:], risks, source or f"s{draw.randint(0, 2)}"))
    return found


def labels(records: list[Record]) -> Labels:
    return Labels(sorted(records, key=lambda item: (item.text, item.source)), ())


@pytest.fixture(scope="module")
def outcome() -> Outcome:
    return train(labels(corpus()), Options())


@pytest.fixture(scope="module")
def model(outcome: Outcome) -> Model:
    return Model.unpack(outcome.model)


# --- features ------------------------------------------------------------------------------------------

TEXTS = st.text(
    st.one_of(
        st.sampled_from([*COMMON[:9], " ", "，", "\u200b", "A", "ａ", "①", "𠀀", "😀", "\ud800"]), st.characters()
    ),
    max_size=80,
)


@settings(max_examples=40, deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=5), st.sampled_from([18, 19, 20]))
def test_many_texts_at_once_are_learnt_and_scored_as_each_alone(texts: list[str], bits: int) -> None:
    weights = np.random.default_rng(bits).normal(size=1 << bits).astype(np.float32)
    many = [text * 30 for text in texts]
    together = features.places(many, bits)
    made = features.rows(together)
    for number, text in enumerate(many):
        alone = features.places([text], bits)
        assert together.best(weights)[number] == pytest.approx(alone.best(weights)[0], abs=1e-4)
        one = features.rows(alone)
        chosen = made.take(np.arange(len(many)) == number)
        assert chosen.columns.tolist() == one.columns.tolist()
        assert chosen.values.tolist() == one.values.tolist()
        runs = [len(part) for part in np.split(one.values, one.starts[1:-1])]
        assert all(0 < run <= features.UNIT * features.ORDERS for run in runs)


@pytest.mark.parametrize("size", [1, 50, 126, 127, 600])
def test_a_score_is_the_sum_of_runs_of_one_to_four_over_the_root_of_their_number(size: int) -> None:
    text = sentence(random.Random(size), size)
    columns = features.rows(features.places([text], 18))
    signs = "\x02" + text + "\x03" * features.ORDERS
    runs = {signs[at : at + order] for at in range(size + 2) for order in range(1, features.ORDERS + 1)}
    assert len(runs) * 0.95 <= len(np.unique(columns.columns)) <= len(runs)
    weights = np.ones(1 << 18, np.float32)
    places = min(size + 2, features.STRETCH)
    assert features.places([text], 18).best(weights)[0] == pytest.approx((features.ORDERS * places) ** 0.5, rel=1e-5)


@settings(max_examples=200, deadline=None)
@given(TEXTS)
def test_what_counts_are_the_letters_and_numbers_of_the_folded_text(text: str) -> None:
    high = 0x20000  # rare characters and what no standard has named yet: kept, for nothing is known of them
    kinds = {ch: unicodedata.category(ch) for ch in folding.folded(text)}
    kept = [ch for ch in folding.folded(text) if kinds[ch][0] in "LN" or kinds[ch] == "Mc" or ord(ch) >= high]
    thinned = [ch for at, ch in enumerate(kept) if at < 2 or not ch == kept[at - 1] == kept[at - 2]]
    found = features.codes(text)[1 : -features.ORDERS].tolist()
    assert found == [ord(ch) for ch in thinned]
    assert len(features.origins(text)) == len(found)


@settings(max_examples=40, deadline=None)
@given(TEXTS)
def test_hidden_words_have_the_features_of_plain_ones(text: str) -> None:
    plain = features.codes(text).tolist()
    for _, hide in obscure.WAYS.values():
        assert features.codes(hide(text)).tolist() == plain


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 3000))
def test_stretches_leave_nothing_out(size: int) -> None:
    begins = features.stretches(size).tolist()
    assert begins[0] == 0
    assert begins[-1] + min(size, features.STRETCH) == size
    assert all(0 < after - before <= features.STRIDE for before, after in itertools.pairwise(begins))


def test_drawn_out_characters_are_the_same_text() -> None:
    assert features.codes("好好好好看看看").tolist() == features.codes("好好看看").tolist()
    assert features.codes("好看").tolist() != features.codes("好好看").tolist()


# --- what a model says -----------------------------------------------------------------------------------


def test_it_finds_what_it_was_taught_in_texts_that_it_never_saw(model: Model) -> None:
    for record in corpus(80, seed=2):
        assert {item.risk for item in model.findings(record.text)} == record.risks


def test_a_score_is_a_probability_and_says_its_lane_and_version(model: Model) -> None:
    found = model.findings(f"前文{ONE}后文")
    assert [(item.risk, item.lane, item.rule) for item in found] == [("A.2.a", "model", f"model:{model.version}")]
    assert model.thresholds["A.2.a"] <= found[0].score <= 1
    assert set(model.scores("")) == {"A.2.a", "A.4.a"}
    assert all(0 <= score < 0.5 for text in ("", " ，\u200b", "😀" * 9) for score in model.scores(text).values())


@pytest.mark.parametrize("way", obscure.WAYS)
def test_hiding_a_word_does_not_change_its_score(model: Model, way: str) -> None:
    text = corpus(2, seed=3)[1].text
    assert model.scores(obscure.WAYS[way][1](text)) == model.scores(text)


@pytest.mark.parametrize("size", [600, 5_000, 70_000])
@pytest.mark.parametrize("place", [0.0, 0.31, 0.5, 0.999, 1.0])
def test_one_bad_sentence_in_a_long_text_is_found_and_located(model: Model, size: int, place: float) -> None:
    draw = random.Random(size)
    bad = corpus(2, seed=5)[1].text
    padding = "，".join(sentence(draw) for _ in range(size // 30))
    at = int(len(padding) * place)
    found = model.findings(padding[:at] + bad + padding[at:])
    assert [item.risk for item in found] == ["A.2.a"]
    assert found[0].start < at + len(bad)
    assert found[0].end > at
    assert found[0].end - found[0].start <= 2 * features.STRETCH


@pytest.mark.parametrize("size", [8_190, 8_192, 8_193, 8_290, 8_318, 16_000, 16_510, 70_000])
def test_a_long_text_scored_in_pieces_scores_as_a_whole(model: Model, size: int) -> None:
    text = sentence(random.Random(size), size)
    whole = features.codes(text)
    assert model.stretches(text) == pytest.approx(model._scored(whole), abs=1e-4)  # noqa: SLF001 - the two ways side by side


def test_the_version_is_the_digest_of_the_file(outcome: Outcome, model: Model) -> None:
    assert outcome.model[-32:] == sha256(outcome.model[:-32]).digest()
    assert model.version == outcome.version == outcome.model[-32:].hex()[:16]


def test_the_file_says_what_it_was_made_from(model: Model) -> None:
    trained = model.header.trained
    assert trained.digest == labels(corpus()).digest
    assert trained.texts == {"A.2.a": 100, "A.4.a": 100, "benign": 200}
    assert not model.folded_otherwise
    assert trained.law


# --- the same again -----------------------------------------------------------------------------------


def test_the_same_labels_and_seed_give_the_same_bytes_and_another_seed_others(outcome: Outcome) -> None:
    assert train(labels(corpus()[::-1]), Options()).model == outcome.model
    assert train(labels(corpus()), Options(seed=1)).version != outcome.version


# --- files that are refused ------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_a_file_with_any_byte_changed_or_missing_is_refused(outcome: Outcome, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(outcome.model) - 1))
    flipped = bytearray(outcome.model)
    flipped[at] ^= data.draw(st.integers(1, 255))
    for damaged in (bytes(flipped), outcome.model[:at]):
        with pytest.raises(ModelError):
            Model.unpack(damaged)


def _changed(model: Model, **changes: Any) -> bytes:
    header = msgspec.structs.replace(model.header, **changes)
    return pack(header, np.zeros((1 << header.features.bits, len(header.heads)), np.int8))


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("features", {"scheme": 99}), ("features", {"orders": 3}), ("features", {"stretch": 64}), ("features", {"bits": 12}),
        ("features", {"bits": 40}), ("head", {"risk": "A.9.z"}), ("head", {"risk": "A.4.a"}), ("", {"format": 2}), ("", {"heads": ()}),
    ],
)  # fmt: skip
def test_a_model_of_other_parameters_is_refused(model: Model, part: str, change: dict[str, Any]) -> None:
    if part == "features":
        body = msgspec.structs.replace(model.header.features, **change)
        data = pack(msgspec.structs.replace(model.header, features=body), np.zeros((16, 2), np.int8))
    elif part == "head":
        first = msgspec.structs.replace(model.header.heads[0], **change)
        data = _changed(model, heads=(first, *model.header.heads[1:]))
    else:
        data = _changed(model, **change)
    with pytest.raises(ModelError):
        Model.unpack(data)


def test_a_number_that_is_none_is_refused(model: Model) -> None:
    good = _changed(model)[:-32]
    Model.unpack(good + sha256(good).digest())
    for number in (b"null", b"1e999"):
        threshold = b'"threshold":' + json.dumps(model.header.heads[0].threshold).encode()
        bad = good.replace(threshold, b'"threshold":' + number)
        bad = bad[:8] + (int.from_bytes(bad[8:12], "little") + len(bad) - len(good)).to_bytes(4, "little") + bad[12:]
        with pytest.raises(ModelError):
            Model.unpack(bad + sha256(bad).digest())


class Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (Path("exploded"),))


def test_nothing_in_a_file_is_ever_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "model.hgm"
    path.write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(ModelError, match="no model of hegui"):
        Model.load(path)
    assert not (tmp_path / "exploded").exists()


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"none\.hgm"):
        Model.load(tmp_path / "none.hgm")


# --- figures that do not flatter --------------------------------------------------------------------------


def test_copies_on_both_sides_would_flatter_and_do_not() -> None:
    draw, records = random.Random(7), []
    for number in range(120):
        text, risks = sentence(draw, 40), frozenset({"A.2.a"} if number % 2 else ())
        records += [Record(text + tail, risks, "s") for tail in ("", "乙", "丙丁", "戊")]
    found = train(labels(records), Options(trials=False)).report
    assert found["groups"] == {"groups": 120, "largest": 4}
    assert found["test"]["any"]["auc"] < 0.8


def test_a_source_that_was_never_seen_shows_its_false_positives() -> None:
    marked = [
        Record(f"{record.text}{ONE}", frozenset(), "takeaway") for record in corpus(120, seed=11) if not record.risks
    ]
    found = train(labels([*corpus(), *marked]), Options()).report
    rows = {row["source"]: row for row in found["sources"]}
    assert rows["takeaway"]["unseen"]["false_positives"]["share"] > 0.9
    assert rows["s0"]["unseen"]["false_positives"]["share"] < 0.1
    assert rows["s0"]["held_out"] == "all"


def test_with_one_source_nothing_can_be_held_out_and_the_report_says_so() -> None:
    found = train(labels(corpus(source="only")), Options()).report
    assert [(row["held_out"], row["unseen"]) for row in found["sources"]] == [("nothing", None)]


def test_where_all_harm_is_in_one_source_only_its_benign_texts_are_held_out() -> None:
    calm = [Record(sentence(random.Random(seed)), frozenset(), "calm") for seed in range(60)]
    found = train(labels([*corpus(source="mixed"), *calm]), Options()).report
    assert {row["source"]: row["held_out"] for row in found["sources"]} == {"mixed": "benign", "calm": "all"}


def test_the_report_shows_what_normalising_saves(outcome: Outcome) -> None:
    rows = {row["way"]: row for row in outcome.report["hidden"]}
    plain = rows["as_written"]["normalised"]["recall"]["share"]
    for way in obscure.WAYS:
        assert rows[way]["normalised"]["recall"]["share"] == plain > 0.9
    assert rows["zero_width"]["as_written"]["recall"]["share"] < 0.5


def test_the_learning_curve_rises(outcome: Outcome) -> None:
    curve = outcome.report["learning_curve"]
    assert [row["labels"] for row in curve] == [10, 30, 100, "all"]
    assert curve[-1]["macro_f1"] >= curve[0]["macro_f1"]


def test_texts_that_oppose_discrimination_are_measured_apart_and_learnt_by_half() -> None:
    harsh = [Record(f"{record.text}歧视骂人看不起", record.risks | {"A.2.a"}, "s") for record in corpus(200, seed=13)]
    records = labels([*harsh, *corpus(200, seed=17, source="s")])
    learnt, plain = (train(records, Options(opposing=on, trials=False)).report["opposing"] for on in (True, False))
    assert learnt["learnt_half_in_training"]
    assert not plain["learnt_half_in_training"]
    assert learnt["measured_half"]["hits"] <= plain["measured_half"]["hits"]


def test_too_few_labels_are_told_and_a_rare_risk_is_left_out_aloud() -> None:
    with pytest.raises(LabelsError, match="too few labels"):
        train(labels(corpus(30)), Options())
    rare = [Record(f"另一种样例{chr(0x6000 + number)}", frozenset({"A.2.e"}), "s") for number in range(5)]
    found = train(labels([*corpus(200), *rare]), Options(trials=False)).report
    assert found["left_out"] == {"A.2.e": 5}
    assert found["texts"] == 200


# --- numbers ----------------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 30), min_size=1, max_size=60), st.floats(0.001, 0.5), st.booleans())
def test_a_threshold_keeps_the_rate_that_was_asked_for_and_wastes_nothing(
    scores: list[int], target: float, heavy: bool
) -> None:
    benign = np.array(scores) / 31
    weight = np.where(np.arange(len(benign)) % 3 == 0, 5.0, 1.0) if heavy else np.ones(len(benign))
    limit = measure.threshold(benign, weight, target)
    assert weight[benign >= limit].sum() <= target * weight.sum() * (1 + 1e-6)
    lower = benign[benign < limit].max(initial=-1)
    assert lower == -1 or weight[benign >= lower].sum() > target * weight.sum()


def test_every_source_counts_the_same_towards_the_target() -> None:
    calm = [
        Record(f"{record.text}{'；'.join(COMMON[:3])}", frozenset(), "big")
        for record in corpus(1200, seed=19)
        if not record.risks
    ]
    near = [
        Record(f"{record.text}{ONE[:4]}", frozenset(), "small") for record in corpus(400, seed=23) if not record.risks
    ]
    found = train(labels([*corpus(source="mixed"), *calm, *near]), Options(target_fpr=0.05)).report
    rows = {row["source"]: row["seen"]["false_positives"]["share"] for row in found["sources"]}
    assert rows["small"] <= 0.15
    assert found["test"]["any"]["recall"]["share"] > 0.8


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=2, max_size=40))
def test_auc_is_the_chance_that_a_positive_scores_higher(pairs: list[tuple[int, bool]]) -> None:
    high, low = ([score for score, side in pairs if side is wanted] for wanted in (True, False))
    found = measure.auc(np.array([float(score) for score, _ in pairs]), np.array([side for _, side in pairs]))
    if not high or not low:
        assert found is None
    else:
        wins = sum((one > two) + (one == two) / 2 for one in high for two in low)
        assert found == pytest.approx(wins / len(high) / len(low), abs=1e-5)


@pytest.mark.parametrize(
    ("hits", "of", "low", "high"), [(0, 100, 0, 0.0370), (1, 100, 0.0018, 0.0545), (50, 100, 0.4038, 0.5962), (0, 0, 0, 1)]
)  # fmt: skip
def test_intervals_are_wilsons(hits: int, of: int, low: float, high: float) -> None:
    assert measure.interval(hits, of) == pytest.approx((low, high), abs=5e-5)


def test_calibration_gives_back_the_share_that_fitting_took_away() -> None:
    draw = np.random.default_rng(5)
    logits = draw.normal(0, 3, 4000)
    positive = draw.random(4000) < 1 / (1 + np.exp(-(0.5 * logits - 2)))
    slope, offset = fit.calibrate(logits, positive)
    assert slope == pytest.approx(0.5, abs=0.1)
    assert offset == pytest.approx(-2, abs=0.2)
    assert fit.calibrate(logits, np.zeros(4000, np.bool_)) == (1, 0)


def test_a_fit_goes_down_to_where_little_pulls_it_further() -> None:
    records = corpus(200)
    made = features.rows(features.places([record.text for record in records], 18))
    positive = np.array([bool(record.risks) for record in records])
    design = fit.Design(made, 18)
    balance = np.where(positive, 0.5 / positive.mean(), 0.5 / (1 - positive.mean()))

    def pull(weights: np.ndarray[Any, np.dtype[np.float64]], intercept: float) -> float:
        residual = balance * (0.5 * (1 + np.tanh(0.5 * (design.dot(weights) + intercept))) - positive)
        return float(np.linalg.norm(np.append(design.back(residual) + weights / fit.STRENGTH, residual.sum())))

    found = fit.fit(design, positive, np.ones(len(records)))
    assert pull(found.weights[design.active], found.intercept) < 0.02 * pull(np.zeros(len(design.active)), 0.0)


def test_weighing_a_text_twice_is_giving_it_twice() -> None:
    records = corpus(60)
    texts, marks = [record.text for record in records], np.array([bool(record.risks) for record in records])
    once = fit.Design(features.rows(features.places(texts, 18)), 18)
    twice = fit.Design(features.rows(features.places([*texts, *texts[:20]], 18)), 18)
    heavy = fit.fit(once, marks, np.where(np.arange(60) < 20, 2.0, 1.0))
    many = fit.fit(twice, np.append(marks, marks[:20]), np.ones(80))
    # The weights are scaled to a mean of one, so the penalty weighs a little differently.
    assert np.corrcoef(heavy.weights, many.weights)[0, 1] > 0.99


# --- the command --------------------------------------------------------------------------------------------


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(command, [str(item) for item in arguments])


def written(folder: Path, records: list[Record]) -> Path:
    path = folder / "labels.jsonl"
    rows = [{"text": item.text, "label": sorted(item.risks) or "benign", "source": item.source} for item in records]
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), "utf-8")
    return path


def test_the_command_writes_a_model_and_a_report_and_says_so(tmp_path: Path) -> None:
    path, out = written(tmp_path, corpus()), tmp_path / "own.hgm"
    done = run(path, "--out", out, "--target-fpr", "0.05", "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["sha256"] == sha256(out.read_bytes()).hexdigest()
    assert Model.load(out).version == told["version"]
    assert told["report"]["target_fpr"] == 0.05
    assert Model.load(out).header.trained.files[0].sha256 == sha256(path.read_bytes()).hexdigest()
    page = Path(told["report_file"]).read_text("utf-8")
    assert all(word in page for word in (told["version"], "留出", "held out", "A.2.a 民族歧视内容", "Learning curve"))
    assert "1/7" in done.stderr
    again = run(path, "--out", out)
    assert again.exit_code == 0
    assert "too few to be sure of 1.00%" in again.stdout


def test_a_label_of_one_means_the_risk_that_is_named(tmp_path: Path) -> None:
    path, out = tmp_path / "labels.csv", tmp_path / "own.hgm"
    path.write_text("text,label\n" + "\n".join(f"{item.text},{int(bool(item.risks))}" for item in corpus(200)), "utf-8")
    assert run(path, "--out", out, "--risk", "A.2.e").exit_code == 0
    assert Model.load(out).risks == ("A.2.e",)
    assert run(path, "--out", out).exit_code == 0
    assert Model.load(out).risks == ("unmapped",)
    assert run(path, "--out", out, "--risk", "A.9.z").exit_code == 2


@pytest.mark.parametrize("wrong", ["labels", "folder"])
def test_an_error_leaves_the_old_model_as_it_is(tmp_path: Path, wrong: str) -> None:
    path, out = tmp_path / "labels.csv", tmp_path / "own.hgm"
    out.write_bytes(b"old")
    path.write_text("text,label\n样例,A.9.z\n", "utf-8")
    done = run(path, "--out", out if wrong == "labels" else tmp_path / "none" / "own.hgm", "--json")
    assert done.exit_code == 2
    assert "error_zh" in json.loads(done.stdout)
    assert out.read_bytes() == b"old"
    assert sorted(item.name for item in tmp_path.iterdir()) == ["labels.csv", "own.hgm"]
