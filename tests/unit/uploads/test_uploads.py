"""Uploads over HTTP: judged as Labelling Measures 6 has it, the platform's fields added, nothing lowered, all of it kept."""

from __future__ import annotations

import asyncio
import json
import random
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx2
import psycopg
import pytest

from hegui.kit import clock, ids
from hegui.kit.settings import Settings
from hegui.service.labels import files
from hegui.service.labels.schema import Kind, Label
from hegui.service.uploads import acts, judging
from hegui.service.uploads.desk import Desk as UploadDesk
from hegui.service.uploads.parts import Begin, parts
from hegui.service.uploads.shelf import Shelf, Slip, suffix_of
from hegui.store import unit_of_work
from hegui.store.unit import driver_url
from tests.application import House
from tests.unit.labels.pictures import CODE, LABEL, OTHER, saved
from tests.unit.releases.test_grants import code
from tests.upstream import Json

PLAIN = saved("PNG")


def labelled(folder: Path, kind: Kind = Kind.IS, data: bytes = PLAIN) -> bytes:
    (folder / "a.png").write_bytes(data)
    files.write(folder / "a.png", folder / "b.png", Label.first(CODE, LABEL.produce_id, kind=kind))
    return (folder / "b.png").read_bytes()


def send(house: House, data: bytes, **query: str) -> Json:
    made = house.application("forum").post("/uploads", content=data, params=query)
    assert made.status_code == 200, made.text
    found: Json = made.json()
    return found


def fetched(house: House, upload: Json) -> bytes:
    made = house.application("forum").http.get(upload["propagated"]["file"].removeprefix("/v1"))
    assert made.status_code == 200
    return made.content


def digest(data: bytes) -> str:
    return sha256(data).hexdigest()


# --- judging -----------------------------------------------------------------------------------------


def test_a_labelled_upload_is_generated_and_goes_on_with_the_platforms_fields(house: House, tmp_path: Path) -> None:
    data = labelled(tmp_path)
    told = send(house, data, name="照片.png", user="张三")
    assert (told["verdict"], told["judgement"], told["clause"]) == ("present", "is", "LAB-6.1")
    assert told["notice"] == {"zh": "本内容由人工智能生成合成", "en": "This content is AI-generated or synthetic"}
    assert told["sha256"] == digest(data)
    assert told["reminder"] is None
    after = fetched(house, told)
    assert told["propagated"]["sha256"] == digest(after)
    label = files.inspect_bytes(after, "x.png").label
    assert label is not None
    assert label.as_dict() == told["propagated"]["label"]
    assert label == Label.first(CODE, LABEL.produce_id).propagated(OTHER, told["id"])
    (row,) = house.desk.sql("SELECT row_to_json(u)::text FROM upload_file u WHERE id = %s", told["id"])
    ledger = house.desk.entries("upload.judged")[-1]
    assert "张三" not in row[0] + ledger
    assert "照片" not in row[0] + ledger
    assert CODE not in ledger
    entry = json.loads(ledger)
    assert (entry["before"], entry["after"], entry["judgement"]) == (digest(data), digest(after), "is")


@pytest.mark.parametrize("kind", [Kind.POSSIBLY, Kind.SUSPECTED])
def test_a_label_is_never_lowered_or_raised(house: House, tmp_path: Path, kind: Kind) -> None:
    told = send(house, labelled(tmp_path, kind), declared="true", traces="true")
    assert told["propagated"]["label"]["Label"] == kind.value
    assert told["judgement"] == {"2": "possibly", "3": "suspected"}[kind.value]


@pytest.mark.parametrize(
    ("query", "judgement", "clause", "label"),
    [({"declared": "true"}, "possibly", "LAB-6.2", "2"), ({"traces": "1"}, "suspected", "LAB-6.3", "3"),
     ({"declared": "true", "traces": "true"}, "possibly", "LAB-6.2", "2"), ({"declared": "false", "traces": "true"}, "suspected", "LAB-6.3", "3")],
)  # fmt: skip
def test_without_a_label_the_declaration_counts_then_the_traces(
    house: House, query: dict[str, str], judgement: str, clause: str, label: str
) -> None:
    told = send(house, PLAIN, **query)
    assert (told["verdict"], told["judgement"], told["clause"]) == ("absent", judgement, clause)
    found = files.inspect_bytes(fetched(house, told), "x.png").label
    assert found is not None
    assert (found.label, found.content_propagator, found.propagate_id) == (label, OTHER, told["id"])


def test_an_upload_of_which_nothing_is_known_asks_for_a_declaration(house: House) -> None:
    told = send(house, PLAIN)
    assert (told["judgement"], told["notice"], told["propagated"]["form"]) == ("nothing", None, "none")
    assert "声明" in told["reminder"]["zh"]
    assert send(house, PLAIN, declared="false")["reminder"] is None
    assert code(house.application("forum").get(f"/uploads/{told['id']}/file"), 410) == "no_file"


def test_a_declaration_afterwards_makes_the_notice_and_the_label(house: House) -> None:
    application, told = house.application("forum"), send(house, PLAIN)
    later = application.post(f"/uploads/{told['id']}/declare", {"declared": True, "user": "u9"}).json()
    assert (later["judgement"], later["clause"], later["reminder"]) == ("possibly", "LAB-6.2", None)
    found = files.inspect_bytes(fetched(house, later), "x.png").label
    assert found is not None
    assert found.label == "2"
    assert code(application.post(f"/uploads/{told['id']}/declare", {"declared": False}), 409) == "declared_already"
    assert code(application.post(f"/uploads/{told['id']}/declare", {"declared": "yes"}), 400) == "invalid_field"
    assert json.loads(house.desk.entries("upload.declared")[-1])["declared"] is True


def test_that_the_notice_is_shown_is_kept_once_and_only_where_one_is_due(house: House, tmp_path: Path) -> None:
    application, told = house.application("forum"), send(house, labelled(tmp_path))
    shown = application.post(f"/uploads/{told['id']}/shown").json()["shown_at"]
    assert shown
    assert application.post(f"/uploads/{told['id']}/shown").json()["shown_at"] == shown
    assert len([one for one in house.desk.entries("upload.shown") if told["id"] in one]) == 1
    assert code(application.post(f"/uploads/{send(house, PLAIN)['id']}/shown"), 409) == "no_notice"


def test_what_can_not_be_parsed_is_undetermined_and_never_without_a_label(house: House) -> None:
    told = send(house, PLAIN[:-40], name="broken.png")
    assert (told["verdict"], told["judgement"], told["notice"]) == ("unreadable", "undetermined", None)
    assert told["reminder"]
    declared = send(house, PLAIN[:-40], name="broken.png", declared="true")
    assert declared["judgement"] == "possibly"
    assert (declared["propagated"]["form"], declared["propagated"]["label"]) == ("none", None)
    assert "原样保留" in declared["propagated"]["problem"]


def test_a_text_without_a_place_for_a_label_gets_it_beside(house: House) -> None:
    told = send(house, "一段没有位置可写的文字。".encode(), name="a.txt", declared="true")
    assert (told["container"], told["propagated"]["form"]) == ("text", "sidecar")
    beside = told["propagated"]["sidecar"]
    assert (beside["sha256"], beside["AIGC"]["Label"], beside["AIGC"]["PropagateID"]) == (
        told["sha256"],
        "2",
        told["id"],
    )


def test_a_label_in_a_text_without_another_place_is_passed_on_beside_it(house: House) -> None:
    data = json.dumps({"AIGC": LABEL.as_dict(), "text": "一段文字"}).encode()
    told = send(house, data, name="a.json")
    assert (told["verdict"], told["judgement"], told["propagated"]["form"]) == ("present", "is", "sidecar")
    beside = told["propagated"]["sidecar"]
    assert beside == {"AIGC": LABEL.propagated(OTHER, told["id"]).as_dict(), "sha256": digest(data)}


def test_two_labels_are_left_as_they_are(house: House, tmp_path: Path) -> None:
    once = labelled(tmp_path)
    chunk = b"AIGC\0" + LABEL.as_json().encode()
    import struct
    import zlib

    extra = struct.pack(">I", len(chunk)) + b"tEXt" + chunk + struct.pack(">I", zlib.crc32(b"tEXt" + chunk))
    told = send(house, once[:33] + extra + once[33:])
    assert (told["verdict"], told["judgement"]) == ("multiple", "is")
    assert told["propagated"]["form"] == "none"


# --- sending -----------------------------------------------------------------------------------------


def test_many_files_in_one_form_each_get_their_answer(house: House, tmp_path: Path) -> None:
    data = labelled(tmp_path)
    big = b"x" * ((1 << 20) + 1)
    before = len(list((house.settings.data / "uploads").iterdir()))
    made = house.application("forum").http.post("/labelling/uploads", **form(
        ("key", None, b"k-1"), ("file", "a.png", data), ("file", "big.bin", big), ("declared", None, b"true"), ("file", "b.png", PLAIN),
        ("file", "empty.png", b""),
    ))  # fmt: skip
    found = made.json()["data"]
    assert [one.get("judgement", one.get("code")) for one in found] == [
        "is",
        "upload_too_large",
        "possibly",
        "possibly",
    ]
    assert [one["key"] for one in found] == ["k-1", None, None, None]
    assert found[3]["verdict"] == "unreadable"
    assert len(list((house.settings.data / "uploads").iterdir())) == before + 3, "what was not taken leaves nothing"
    # Sent again, what has a key is known, and is not judged a second time.
    again = house.application("forum").http.post(
        "/labelling/uploads", **form(("key", None, b"k-1"), ("file", "a.png", data))
    )
    assert again.json()["data"] == [found[0]]


def form(*fields: tuple[str, str | None, bytes]) -> dict[str, Any]:
    """Return a form in parts as a browser sends it."""
    body = b""
    for name, file, data in fields:
        named = f'; filename="{file}"' if file is not None else ""
        body += f'--b0und\r\nContent-Disposition: form-data; name="{name}"{named}\r\n\r\n'.encode() + data + b"\r\n"
    return {"content": body + b"--b0und--\r\n", "headers": {"content-type": "multipart/form-data; boundary=b0und"}}


def test_a_form_that_breaks_off_keeps_what_was_whole(house: House) -> None:
    whole = form(("file", "a.png", PLAIN), ("file", "b.png", PLAIN))
    cut = {**whole, "content": whole["content"][:-60]}
    found = house.application("forum").http.post("/labelling/uploads", **cut).json()["data"]
    assert found[0]["judgement"] == "nothing"
    assert (found[1]["object"], found[1]["code"]) == ("error", "invalid_form")


def test_a_large_file_comes_in_pieces_and_goes_on_where_it_broke_off(house: House, tmp_path: Path) -> None:
    application, data = house.application("forum"), labelled(tmp_path, data=saved("PNG", optimize=True))
    begun = application.post("/uploads", params={"size": str(len(data)), "name": "film.png", "key": "film-7"})
    assert begun.status_code == 201
    number = begun.json()["id"]
    half = len(data) // 2

    def patch(at: int, piece: bytes) -> httpx2.Response:
        return application.http.patch(f"/labelling/uploads/{number}", content=piece, headers={"upload-offset": str(at)})

    assert patch(0, data[:half]).json() == {**begun.json(), "received": half}
    assert application.get(f"/uploads/{number}").json()["received"] == half
    assert code(patch(0, data), 409) == "wrong_offset"
    assert code(patch(half, data), 413) == "upload_too_large"
    done = patch(half, data[half:])
    assert done.status_code == 200
    assert (done.json()["judgement"], done.json()["key"]) == ("is", "film-7")
    assert application.get(f"/uploads/{number}").json() == done.json()
    # A key that was judged before answers at once.
    again = {"size": str(len(data)), "key": "film-7"}
    assert application.post("/uploads", params=again).json() == done.json()
    assert code(application.post("/uploads", params={**again, "size": "9"}), 409) == "key_taken"
    # Nothing is added to what was judged.
    assert code(patch(len(data), b"x"), 409) == "not_in_pieces"
    assert application.get(f"/uploads/{number}").json() == done.json()
    assert (
        code(application.http.patch(f"/labelling/uploads/{number}", content=b"x", headers={}), 400) == "invalid_offset"
    )


@pytest.mark.parametrize(
    ("query", "status", "wanted"),
    [({"size": "-1"}, 400, "invalid_field"), ({"size": "9" * 16}, 400, "invalid_field"), ({"size": "2000000"}, 413, "upload_too_large"),
     ({"declared": "maybe"}, 400, "invalid_field"), ({"key": "k" * 201}, 400, "invalid_field"), ({"key": "a\x00b"}, 400, "invalid_field")],
    ids=str,
)  # fmt: skip
def test_an_upload_that_is_asked_for_wrongly_is_told_so(
    house: House, query: dict[str, str], status: int, wanted: str
) -> None:
    assert code(house.application("forum").post("/uploads", content=PLAIN, params=query), status) == wanted


def test_uploads_of_others_are_not_there(house: House) -> None:
    told, stranger = send(house, PLAIN, declared="true"), house.application("stranger")
    for path in (
        f"/uploads/{told['id']}",
        f"/uploads/{told['id']}/file",
        "/uploads/x",
        "/uploads/a/b/c",
        f"/uploads/{ids.uuid7()}",
    ):
        assert code(stranger.get(path), 404) == "not_found"
    assert code(stranger.post(f"/uploads/{told['id']}/shown"), 404) == "not_found"
    assert code(stranger.post(f"/uploads/{told['id']}/declare", {"declared": True}), 404) == "not_found"


def test_an_upload_that_was_sent_whole_takes_no_more_bytes(house: House) -> None:
    application, told = house.application("forum"), send(house, PLAIN)
    later = application.http.patch(
        f"/labelling/uploads/{told['id']}", content=b"more", headers={"upload-offset": str(len(PLAIN))}
    )
    assert code(later, 409) == "not_in_pieces"
    declared = application.post(f"/uploads/{told['id']}/declare", {"declared": True}).json()
    assert (declared["sha256"], declared["size"]) == (digest(PLAIN), len(PLAIN))


def test_another_file_under_the_key_of_one_is_not_passed_as_that_one(house: House) -> None:
    told = send(house, PLAIN, key="one-name")
    assert send(house, PLAIN, key="one-name") == told
    other = house.application("forum").post("/uploads", content=PLAIN + b"x", params={"key": "one-name"})
    assert code(other, 409) == "key_taken"


def test_a_key_that_was_taken_while_pieces_came_is_told(house: House) -> None:
    application = house.application("forum")
    begun = application.post("/uploads", params={"size": "4", "key": "raced"}).json()
    send(house, PLAIN, key="raced")
    last = application.http.patch(f"/labelling/uploads/{begun['id']}", content=b"four", headers={"upload-offset": "0"})
    assert code(last, 409) == "key_taken"


def test_the_space_of_all_uploads_bounds_what_is_announced_and_what_comes(tmp_path: Path) -> None:
    shelf, size = Shelf(tmp_path, 2 << 20, 5 << 20), 2 << 20
    for _ in range(2):
        shelf.open(ids.uuid7(), Slip("forum", size=size))
    with pytest.raises(Exception, match="used up"):
        shelf.open(ids.uuid7(), Slip("forum", size=size))
    assert shelf.used() < 5 << 20
    whole, slip = ids.uuid7(), Slip("forum")
    shelf.open(whole, slip)
    shelf.append(whole, slip, 0, b"x" * (1 << 19))
    with pytest.raises(Exception, match="used up"):
        shelf.append(whole, slip, 1 << 19, b"x" * (1 << 20))
    assert shelf.received(whole, slip) == 1 << 19


def test_uploads_that_wait_for_the_database_do_not_hold_up_chats(house: House) -> None:
    with ThreadPoolExecutor(40) as pool, psycopg.connect(driver_url(house.desk.store.url)) as connection:
        connection.execute("LOCK TABLE upload_file IN ACCESS EXCLUSIVE MODE")
        number, application = ids.uuid7(), house.application("forum")
        waiting = [pool.submit(application.get, f"/uploads/{number}") for _ in range(40)]
        time.sleep(1)  # they have come
        made = application.openai.chat.completions.create(
            model="echo", messages=[{"role": "user", "content": "长文" * 15_000}], timeout=20
        )
        assert made.choices
        assert not any(one.done() for one in waiting)
        connection.rollback()
        assert {one.result().status_code for one in waiting} == {404}


def test_a_full_disk_is_told_before_a_byte_is_taken(house: House) -> None:
    shelf = Shelf(house.settings.data, 1 << 20, 10)
    with pytest.raises(Exception, match="used up") as error:
        shelf.open(ids.uuid7(), Slip("forum"))
    assert getattr(error.value, "status", 0) == 507


def test_names_leave_nothing_but_a_plain_suffix() -> None:
    found = [
        suffix_of(name)
        for name in ("a.PNG", "../../etc/passwd", "x.tar.gz", "c:\\a b\\张三.Jpg", "a.p/n", "a.\0png", "", ".png")
    ]
    assert found == [".png", "", ".gz", ".jpg", "", "", "", ""]


def test_a_form_reads_the_same_in_whatever_pieces_it_comes() -> None:
    body = form(("name", None, b"v\r\n--b0un"), ("file", "文.png", b"\r\n\r\n-b0und\n"), ("e", "e.bin", b""))["content"]
    wanted = [["name", None, b"v\r\n--b0un"], ["file", "文.png", b"\r\n\r\n-b0und\n"], ["e", "e.bin", b""]]
    chance = random.Random(7)

    async def read(cuts: list[int]) -> list[Any]:
        async def pieces() -> Any:
            for one, other in zip([0, *cuts], [*cuts, len(body)], strict=True):
                yield body[one:other]

        found: list[Any] = []
        async for event in parts(pieces(), b"b0und"):
            if isinstance(event, Begin):
                found.append([event.name, event.file, b""])
            elif event is not None:
                found[-1][2] += event
        return found

    for _ in range(60):
        cuts = sorted(chance.sample(range(len(body)), chance.randint(0, 30)))
        assert asyncio.run(read(cuts)) == wanted
    assert asyncio.run(read(list(range(1, len(body))))) == wanted


# --- keeping -----------------------------------------------------------------------------------------


def test_files_go_after_hours_and_records_after_months(house: House) -> None:
    told = send(house, PLAIN, declared="true")
    shelf, (due,) = Shelf.of(house.settings), house.desk.sql("SELECT due FROM upload_file WHERE id = %s", told["id"])[0]
    assert (due.astimezone(clock.CHINA).date() - clock.today()).days >= 181
    assert shelf.clear(24) == 0
    assert shelf.clear(-1) > 0
    assert code(house.application("forum").get(f"/uploads/{told['id']}/file"), 410) == "no_file"
    late = house.application("forum").post(f"/uploads/{send(house, PLAIN)['id']}/shown")
    assert late.status_code == 409
    with unit_of_work(house.desk.store) as session:
        assert acts.erase_due(session, clock.now()) is None
        erased = acts.erase_due(session, clock.now() + timedelta(days=400))
    assert erased is not None
    assert json.loads(house.desk.entries("record.erased")[-1])["class"] == "upload"
    # What the ledger says of uploads goes with them.
    assert house.desk.sql("SELECT DISTINCT retention FROM evidence_entry WHERE kind LIKE 'upload.%%'") == [("log",)]
    assert house.desk.sql("SELECT count(*) FROM evidence_entry WHERE kind LIKE 'upload.%%' AND due IS NULL") == [(0,)]


def test_a_declaration_counts_after_the_file_has_gone(house: House) -> None:
    told = send(house, PLAIN)
    Shelf.of(house.settings).remove(told["id"])
    later = house.application("forum").post(f"/uploads/{told['id']}/declare", {"declared": True}).json()
    assert (later["declared"], later["judgement"], later["notice"]["zh"]) == (
        True,
        "possibly",
        "本内容可能由人工智能生成合成",
    )
    assert later["propagated"]["form"] == "none"


def test_without_a_platforms_code_uploads_are_judged_and_nothing_is_written(house: House, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(PLAIN)
    found = judging.judge(
        tmp_path / "a.png", tmp_path / "o.png", ids.uuid7(), judging.Told(declared=True), judging.Platform()
    )
    assert found.judgement == "possibly"
    assert found.passed.problem is not None
    assert not (tmp_path / "o.png").exists()
    assert UploadDesk(house.desk.store, house.desk.keyring, Settings(data=tmp_path)).shelf.used() == 0
