"""Labels as real writers write them: what is said of each, the page that shows it, and the real files behind it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from hegui.service.labels import files, signatures
from hegui.service.labels.files import Verdict
from hegui.service.labels.schema import Deviation
from hegui.service.labels.signatures import Dialect
from tests.unit.labels import layouts
from tests.unit.labels.layouts import LAYOUTS, PAGE, Layout
from tests.unit.labels.test_files import chunk, png

SAMPLES = Path(__file__).resolve().parents[4] / "shared" / "labelling-samples"
NEEDED = pytest.mark.skipif(not SAMPLES.is_dir(), reason="needs ../shared/labelling-samples")
MISSING = {Deviation.MISSING_FIELD}
# By the samples' README.
WANTED: dict[str, tuple[Verdict, set[Deviation]]] = {
    "two-codes.md": (Verdict.PRESENT, {Deviation.CHARACTERS}),
    "escaped.md": (Verdict.MALFORMED, {Deviation.DAMAGED_FRONT_MATTER, Deviation.NOT_JSON}),
    "signed.md": (Verdict.PRESENT, set()), "opaque.md": (Verdict.PRESENT, set()),
    "attribute.jpg": (Verdict.PRESENT, {*MISSING, Deviation.XMP_ATTRIBUTE, Deviation.PRODUCER_CODE}),
    "alphabetical.png": (Verdict.PRESENT, {*MISSING, Deviation.PRODUCER_CODE}),
    "no-propagator.mp4": (Verdict.PRESENT, {Deviation.FIRST_WRITE_EQUALITY}),
    "comment.jpg": (Verdict.PRESENT, {Deviation.FIRST_WRITE_EQUALITY, Deviation.PRODUCER_CODE}),
    "answer.json": (Verdict.PRESENT, {Deviation.PRODUCER_CODE, Deviation.PROPAGATOR_CODE}),
    "private.json": (Verdict.ABSENT, set()),
}  # fmt: skip


def test_the_page_says_what_the_program_says() -> None:
    assert PAGE.read_text("utf-8") == layouts.page(), "run python scripts/labels-verify.py"


@pytest.mark.parametrize("item", LAYOUTS, ids=lambda item: item.name)
def test_the_verdict_of_each_layout(item: Layout) -> None:
    found = files.inspect_bytes(item.build(), item.name)
    assert (found.verdict, set(found.deviations)) == WANTED[item.name]
    code, said = layouts.verified(item.name, item.build())
    assert code == int(found.verdict is not Verdict.PRESENT or bool(found.deviations))
    assert ("不合规" in said) is bool(code)


def real(item: Layout) -> bytes:
    """Return the real writer's label in a file of its kind."""
    data = (SAMPLES / item.sample).read_bytes()
    if item.key:
        return layouts.in_comment(json.loads(data)[item.key])
    into: dict[str, Callable[[bytes], bytes]] = {
        "attribute.jpg": layouts.in_xmp,
        "alphabetical.png": lambda raw: png(chunk(raw[:4], raw[4:].rstrip(b"\n"))),
        "no-propagator.mp4": lambda raw: layouts.in_film(raw.decode()),
    }
    return into[item.name](data) if item.name in into else data


@NEEDED
@pytest.mark.parametrize("item", LAYOUTS, ids=lambda item: item.sample)
def test_real_files_get_the_verdicts_of_the_layouts_that_follow_them(item: Layout) -> None:
    found = files.inspect_bytes(real(item), item.name)
    assert (found.verdict, set(found.deviations)) == WANTED[item.name]
    ours = files.inspect_bytes(item.build(), item.name)
    assert [one.place for one in found.readings] == [one.place for one in ours.readings]
    assert [one.given for one in found.readings] == [one.given for one in ours.readings]
    if found.label is not None:
        assert found.label.label == "1"


@NEEDED
def test_every_sample_of_the_folder_is_looked_at() -> None:
    listed = {path.name for path in SAMPLES.iterdir()} - {"README.md"}
    assert listed == {item.sample for item in LAYOUTS}


@NEEDED
def test_the_real_signed_file_verifies_and_its_second_slot_can_not_be_told() -> None:
    found = files.inspect(SAMPLES / "stepfun_md_1.md").label
    assert found is not None
    first, second = signatures.check(found)
    assert (first.slot, first.scheme, first.valid, first.dialect, first.pinned) == (
        "ReservedCode1", "SM3withSM2", True, Dialect.DIGEST, False,
    )  # fmt: skip
    assert (second.slot, second.valid) == ("ReservedCode2", None)
    pinned = signatures.check(found, frozenset({first.key}))
    assert pinned[0].pinned
    said = layouts.verified("signed.md", (SAMPLES / "stepfun_md_1.md").read_bytes())[1]
    assert "只证明未被改动，不证明是谁" in said
    assert "it proves integrity only" in said


@NEEDED
@pytest.mark.parametrize(
    ("key", "deviations"),
    [
        ("validJson", {Deviation.FIRST_WRITE_EQUALITY, Deviation.PRODUCER_CODE}),
        ("wrapped", {Deviation.FIRST_WRITE_EQUALITY, Deviation.PRODUCER_CODE}),
        ("missingField", {Deviation.MISSING_FIELD, Deviation.PRODUCER_CODE}),
    ],
)
def test_payloads_of_a_public_checkers_corpus(key: str, deviations: set[Deviation]) -> None:
    payload = json.loads((SAMPLES / "aigctotal_corpus_payloads.json").read_text("utf-8"))[key]
    found = files.inspect_bytes(layouts.in_comment(payload), "a.jpg")
    assert (found.verdict, set(found.deviations)) == (Verdict.PRESENT, deviations)
