"""The keeper: one process that seals the ledger, publishes checkpoints, erases what is due, saves spools."""

from __future__ import annotations

import logging
import signal
import threading
import time

import psycopg

from hegui.evidence import leave, retention, sequencer
from hegui.evidence.keyring import Keyring, open_keyring
from hegui.evidence.publish import Publisher, published_path
from hegui.general.review import learning
from hegui.kit import clock, process
from hegui.kit.errors import StoreError
from hegui.kit.settings import Settings
from hegui.people import sessions, throttle
from hegui.service.gateway import acts, queueing
from hegui.service.gateway.media.shelf import shelf_folder, sweep, sweep_work, work_folder
from hegui.service.gateway.worker import spool_folder
from hegui.service.releases import acts as releases
from hegui.service.uploads import acts as uploads
from hegui.service.uploads.shelf import Shelf
from hegui.store.unit import Store, driver_url, unit_of_work

RETENTION_SECONDS = 600.0
SWEEP_SECONDS = 10.0
_LOG = logging.getLogger(__name__)


def run_retention(store: Store) -> list[retention.Erased]:
    """Erase what is due, and leave a record that retention ran today."""
    erased = []
    with unit_of_work(store) as session:
        moment = clock.now()
        steps = (acts.erase_due_content, learning.erase_due, releases.erase_due, uploads.erase_due)
        for step in (*steps, retention.erase_due_entries):
            found = step(session, moment)
            if found is not None:
                erased.append(found)
        if any(item.kind == retention.LOG for item in erased):
            acts.erase_due_exchanges(session, moment)
        sessions.erase_expired(session, moment)
        throttle.erase_forgotten(session, moment)
        done = {item.kind: item.count for item in erased}
        leave(session, "retention.run", {"erased": done})
    return erased


class Keeper:
    """The loop of the keeper."""

    def __init__(self, settings: Settings, url: str) -> None:
        self.settings = settings
        self.store = Store.open(url)
        self.url = url
        self.keyring: Keyring = open_keyring(settings.data)
        self.publisher = Publisher(settings.data, settings.checkpoint_file, settings.checkpoint_webhook)
        self._retention_at = self._sweep_at = 0.0
        self._said = ""
        self.stopping = threading.Event()

    def seal(self) -> None:
        """Seal what waits and publish the checkpoint."""
        with unit_of_work(self.store) as session:
            sealed = sequencer.seal(session, self.keyring.signer, published_path(self.settings.data))
        if sealed is not None:
            self.publisher.publish(sealed.note)
        if self.publisher.failure and self.publisher.failure != self._said:
            self._said = self.publisher.failure
            _LOG.error("a checkpoint could not be published: %s", self._said)

    def once(self) -> None:
        """Do one round."""
        try:
            saved = acts.write_abandoned(driver_url(self.url), spool_folder(self.settings.data))
            if saved:
                _LOG.warning("%d spooled records of a worker that ended were saved", saved)
        finally:
            self.seal()
        if time.monotonic() >= self._retention_at:
            self._retention_at = time.monotonic() + RETENTION_SECONDS
            run_retention(self.store)
            Shelf.of(self.settings).clear(self.settings.upload_hours)
            with unit_of_work(self.store) as session:
                acts.erase_set_aside(session, spool_folder(self.settings.data), clock.now())
        if time.monotonic() >= self._sweep_at:
            self._sweep_at = time.monotonic() + SWEEP_SECONDS
            sweep(shelf_folder(self.settings.data))
            sweep_work(work_folder(self.settings.data))
        queueing.queue_all(self.store, self.keyring, self.settings.review_double_percent)

    def run(self) -> None:
        """Run until told to stop; a database that goes away is tried again."""
        failing = ""
        while not self.stopping.is_set():
            try:
                self.once()
                failing = ""
            except (StoreError, psycopg.Error) as error:
                if str(error) != failing:
                    failing = str(error)
                    _LOG.error("%s", failing)
            except Exception:  # noqa: BLE001 - the keeper goes on, and says what failed
                _LOG.exception("a round of the keeper failed")
            self.stopping.wait(self.settings.seal_milliseconds / 1000)

    def close(self) -> None:
        """Seal once more, so that everything served is in the last checkpoint."""
        try:
            self.seal()
        except StoreError:
            _LOG.warning("the last entries wait for the next start to be sealed")
        self.publisher.close()
        self.store.close()


def main() -> None:
    """Run the keeper."""
    given = process.begin("keeper")
    keeper = Keeper(given.settings, given.url)
    signal.signal(signal.SIGTERM, lambda *_: keeper.stopping.set())
    signal.signal(signal.SIGINT, lambda *_: keeper.stopping.set())
    given.ready()
    keeper.run()
    keeper.close()


if __name__ == "__main__":
    main()
