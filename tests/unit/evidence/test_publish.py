"""Checkpoints outside the database: whatever is down, slow or full, sealing goes on and nothing is lost."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hegui.evidence.notes import Checkpoint, Signer
from hegui.evidence.publish import Publisher, published_path
from hegui.kit.errors import StoreError
from tests.harness import wait_for
from tests.unit.store.disks import fill, small_disk

SIGNER = Signer("ledger.test/log", Ed25519PrivateKey.from_private_bytes(b"k" * 32))
NOTES = [SIGNER.sign(Checkpoint(SIGNER.name, size, b"r" * 32).text()) for size in range(9)]


class Webhook:
    """A real HTTP server that answers as it is told."""

    def __init__(self, port: int = 0) -> None:
        self.answers: list[int] = []
        self.got: list[tuple[str, str]] = []
        self.taken: list[str] = []
        self.hold = threading.Event()
        self.hold.set()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                outer.got.append((self.headers["Content-Type"], body))
                outer.hold.wait(20)
                status = outer.answers.pop(0) if outer.answers else 204
                if status == 0:
                    self.wfile.write(b"not HTTP at all\n")
                    self.close_connection = True
                    return
                if status < 300:
                    outer.taken.append(body)
                self.send_response(status)
                if status in {301, 302, 307}:
                    self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def do_GET(self) -> None:
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/checkpoints"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02})
        self.thread.start()

    def stop(self) -> None:
        self.hold.set()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    running = Webhook()
    yield running
    running.stop()


def publisher(data: Path, **places: str) -> Publisher:
    """Return one that spreads every checkpoint and tries again soon."""
    return Publisher(data, **places, every=0, retry=0.02)


def test_the_newest_is_in_the_data_directory_and_each_in_its_history(tmp_path: Path) -> None:
    made = publisher(tmp_path)
    for note in NOTES[:3]:
        made.publish(note)
        assert published_path(tmp_path).read_text("utf-8") == note
    history = (tmp_path / "ledger" / "history").read_text("utf-8")
    assert history == "".join(note + "\n" for note in NOTES[:3])
    assert made.failure == ""


def test_an_older_checkpoint_never_replaces_a_newer_one(tmp_path: Path) -> None:
    publisher(tmp_path).publish(NOTES[5])
    publisher(tmp_path).publish(NOTES[4])
    assert published_path(tmp_path).read_text("utf-8") == NOTES[5]
    assert NOTES[4] not in (tmp_path / "ledger" / "history").read_text("utf-8")


def test_outside_gets_one_a_minute_and_the_last_when_it_ends(tmp_path: Path, webhook: Webhook) -> None:
    outside = tmp_path / "elsewhere"
    made = Publisher(tmp_path, str(outside), webhook.url)
    for note in NOTES[:4]:
        made.publish(note)
    assert published_path(tmp_path).read_text("utf-8") == NOTES[3], "here, each second"
    assert made.close(10)
    assert webhook.taken == [NOTES[0], NOTES[3]]
    assert outside.read_text("utf-8") == NOTES[0] + "\n" + NOTES[3] + "\n"
    assert (tmp_path / "ledger" / "history").read_text("utf-8") == outside.read_text("utf-8")
    assert made.close(0), "nothing is sent twice"
    assert len(webhook.got) == 2


def test_a_webhook_gets_plain_text_that_verifies(tmp_path: Path, webhook: Webhook) -> None:
    made = publisher(tmp_path, webhook=webhook.url)
    made.publish(NOTES[1])
    assert made.close(10)
    assert webhook.got == [("text/plain; charset=utf-8", NOTES[1])]


@pytest.mark.parametrize("status", [400, 403, 404, 429, 500, 503, 301, 302, 307, 0])
def test_a_webhook_that_answers_wrongly_is_told_and_gets_it_again(
    tmp_path: Path, webhook: Webhook, status: int
) -> None:
    webhook.answers = [status] * 3
    webhook.hold.clear()
    made = publisher(tmp_path, webhook=webhook.url)
    for note in NOTES[:3]:
        made.publish(note)
    webhook.hold.set()
    assert made.close(10)
    assert webhook.taken == NOTES[:3], "each once, in order"
    assert [note for _, note in webhook.got] == [*NOTES[:1] * 3, *NOTES[:3]]
    assert made.failure == "", "and what was told is over"


def test_a_webhook_that_is_down_is_told_and_gets_everything_when_it_is_back(tmp_path: Path) -> None:
    first = Webhook()
    port = first.server.server_port
    first.stop()
    made = publisher(tmp_path, webhook=first.url)
    for note in NOTES[:5]:
        made.publish(note)
    assert wait_for(lambda: first.url in made.failure)
    assert not made.drained(0.1)
    assert published_path(tmp_path).read_text("utf-8") == NOTES[4]
    again = Webhook(port)
    assert made.drained(10)
    again.stop()
    assert again.taken == NOTES[:5]
    assert made.failure == ""


def test_a_webhook_that_is_slow_holds_up_neither_the_sealing_nor_the_file(tmp_path: Path, webhook: Webhook) -> None:
    webhook.hold.clear()
    outside = tmp_path / "elsewhere"
    made = publisher(tmp_path, file=str(outside), webhook=webhook.url)
    for note in NOTES[:4]:
        made.publish(note)  # returns although nobody has answered
    assert webhook.taken == []
    assert wait_for(lambda: outside.exists() and outside.read_text("utf-8").count("\n\n") >= 4)
    webhook.hold.set()
    assert made.close(10)
    assert webhook.taken == NOTES[:4]


@pytest.mark.parametrize("url", ["ftp://x/y", "nonsense", "http://", "http://[", "http://127.0.0.1:x/"])
def test_a_url_that_can_not_work_is_told(tmp_path: Path, url: str) -> None:
    made = publisher(tmp_path, webhook=url)
    made.publish(NOTES[0])
    assert wait_for(lambda: made.failure.startswith(f"{url}: "))
    assert not made.close(0), "it is told that not every place has all"
    assert published_path(tmp_path).exists()


def test_a_file_that_can_not_be_written_is_told_and_gets_everything_later(tmp_path: Path) -> None:
    folder = tmp_path / "mounted-later"
    made = publisher(tmp_path, file=str(folder / "checkpoints"))
    for note in NOTES[:3]:
        made.publish(note)
    assert wait_for(lambda: "No such file" in made.failure)
    folder.mkdir()
    assert made.close(10)
    assert (folder / "checkpoints").read_text("utf-8") == "".join(note + "\n" for note in NOTES[:3])
    assert made.failure == ""


def test_a_full_disk_elsewhere_is_told(tmp_path: Path) -> None:
    made = publisher(tmp_path, file="/dev/full")
    made.publish(NOTES[0])
    assert wait_for(lambda: made.failure == "/dev/full: No space left on device")
    assert not made.close(0)


def test_a_place_that_is_down_for_long_keeps_the_newest_day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hegui.evidence.publish._MOST_WAITING", 3)
    folder = tmp_path / "later"
    made = publisher(tmp_path, file=str(folder / "checkpoints"))
    for note in NOTES[:6]:
        made.publish(note)
    folder.mkdir()
    assert made.close(10)
    assert (folder / "checkpoints").read_text("utf-8") == "".join(note + "\n" for note in NOTES[3:6])
    history = (tmp_path / "ledger" / "history").read_text("utf-8")
    assert history == "".join(note + "\n" for note in NOTES[:6]), "the rest is kept here"


def test_a_full_disk_here_is_told_and_leaves_the_last_checkpoint_whole(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "64k") as disk:
        made = publisher(disk)
        made.publish(NOTES[0])
        filler = fill(disk)
        with pytest.raises(StoreError, match="No space") as told:
            made.publish(NOTES[1])
        assert "已封存" in told.value.remedy.zh
        assert published_path(disk).read_text("utf-8") == NOTES[0]
        assert [path.name for path in (disk / "ledger").iterdir() if path.name.startswith(".")] == []
        filler.unlink()
        made.publish(NOTES[2])
        assert published_path(disk).read_text("utf-8") == NOTES[2]


def test_a_data_directory_that_is_gone_is_told(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    with pytest.raises(StoreError, match="ledger/checkpoint"):
        publisher(tmp_path / "data").publish(NOTES[0])
