"""Labels as many writers leave them, in every container: what is said of each file, and what writing over it does.

A private field is no label, a file that can not be parsed is never without one, and a label in an odd place is
read there and said to be there. A new label takes its place, or is refused; never are there two.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from hegui.kit.errors import HeguiError
from hegui.service.labels import files
from hegui.service.labels.files import NotVerifiedError, Verdict
from tests.unit.labels import wild_pictures, wild_sounds, wild_texts
from tests.unit.labels.test_files import CODE, LABEL, OTHER
from tests.unit.labels.wild import Case

CASES = (*wild_pictures.CASES, *wild_sounds.CASES, *wild_texts.CASES)


def title(item: Case) -> str:
    return f"{item.name.rpartition('.')[2]} {item.what}"


@pytest.mark.parametrize("item", CASES, ids=title)
def test_what_is_said_of_a_file_is_what_a_careful_person_says(item: Case) -> None:
    found = files.inspect_bytes(item.data, item.name)
    assert (found.verdict, frozenset(found.deviations)) == (item.verdict, item.deviations)
    assert (found.problem is not None) is (item.verdict is Verdict.UNREADABLE)


@pytest.mark.parametrize("item", CASES, ids=title)
def test_a_new_label_takes_the_place_of_an_old_one_or_is_refused(tmp_path: Path, item: Case) -> None:
    path, target = tmp_path / item.name, tmp_path / f"out-{item.name}"
    path.write_bytes(item.data)
    try:
        found = files.write(path, target, LABEL)
    except NotVerifiedError:
        pytest.fail("what can not be written is refused before it is written")
    except HeguiError:
        assert not target.exists()
        return
    assert (found.verdict, found.label, found.deviations) == (Verdict.PRESENT, LABEL, ())
    assert len(files.inspect(target).readings) == 1
    passed = files.propagate(target, target, OTHER, "passed-on").label
    assert passed == LABEL.propagated(OTHER, "passed-on")
    if item.verdict is not Verdict.ABSENT and found.container != "pdf":  # examples stay, and revisions of a PDF
        assert target.read_bytes().count(CODE.encode()) <= 1, "nothing is left of the old one"


def test_every_kind_of_file_is_among_them() -> None:
    kinds = {files.inspect_bytes(item.data, item.name).container for item in CASES if item.verdict is Verdict.PRESENT}
    assert kinds == {
        "png", "jpeg", "webp", "gif", "tiff", "heif", "xmp", "mp4", "matroska", "flv", "avi", "wav", "mp3", "flac", "ogg", "ooxml", "pdf",
        "markdown", "html", "json", "jsonl", "text",
    }  # fmt: skip
