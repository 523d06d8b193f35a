"""Variants of the program `feed`, each with one thing broken: named after the clause that it violates."""

# pylint: disable=protected-access,unused-argument,unnecessary-dunder-call

import os
import signal
import socket
import sys
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from types import ModuleType
from typing import Any


def apply(name: str, program: ModuleType) -> None:
    """Break one thing in the program."""
    globals()[f"_{name}"](program)


def _processor(program: ModuleType, **members: Any) -> Any:
    """Let the program use a processor with other members; return the class."""
    program.PROCESSOR = type("Families", (program.Families,), members)
    return program.PROCESSOR


def _fixed(program: ModuleType) -> None:
    """Not broken: a later release that knows what to do about records without a name."""

    def convert(self: Any, record: dict[str, Any]) -> Any:
        named = {**record, "name": record["name"] or "nameless"}
        return program.Families.convert(self, named)

    _processor(program, convert=convert)


def _hoard() -> None:
    """Use a gigabyte."""
    held = []
    for _ in range(100):
        held.append(bytearray(10_000_000))
        time.sleep(0.02)


def _outlives(program: ModuleType, kind: type[BaseException]) -> None:
    def convert(self: Any, record: dict[str, Any]) -> Any:
        try:
            if record["id"] == 5:
                _hoard()
        except kind:
            return None
        return program.Families.convert(self, record)

    _processor(program, convert=convert)


def _outlives_errors(program: ModuleType) -> None:
    """Not broken: an author who leaves out what cannot be converted, for whatever reason."""
    _outlives(program, Exception)


def _outlives_everything(program: ModuleType) -> None:
    """Not broken: an author who does so even if the process is to end."""
    _outlives(program, BaseException)


# -- general ---------------------------------------------------------------------------------------------------------


def _g1_traceback(program: ModuleType) -> None:
    """Ends with the traceback of a wrong configuration."""
    program.run_connector = lambda build: build().start()


def _g2_impatient(program: ModuleType) -> None:
    """Gives up at the first attempt, without a cause."""
    from connectors_sdk.connectors import _startup, base_connector

    def connect(*_: Any) -> Any:
        raise _startup.PlatformUnavailableError("no")

    base_connector.connect = connect


def _g3_renamed(program: ModuleType) -> None:
    """Registers with another scope than the declared one."""

    def to_helper_config(self: Any) -> dict[str, Any]:
        config = super(program.Settings, self).to_helper_config()
        config["connector"]["scope"] = os.environ["CONNECTOR_SCOPE"] = "everything"
        return config

    program.Settings.to_helper_config = to_helper_config


def _g4_talkative(program: ModuleType) -> None:
    """Prints a secret."""

    def post_init(self: Any) -> None:
        program.Families.post_init(self)
        print("using the key", self.settings.source.api_key.get_secret_value())

    _processor(program, post_init=post_init)


def _g5_deaf(program: ModuleType) -> None:
    """Does not hear that it should stop."""
    from connectors_sdk.connectors import _signals

    def install(self: Any) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)

    _signals.StopSignals.install = install


def _g5_abrupt(program: ModuleType) -> None:
    """Dies where it is when it is told to stop."""
    from connectors_sdk.connectors import _signals

    _signals.StopSignals.install = lambda self: None


def _g6_rosy(program: ModuleType) -> None:
    """Is always well."""
    from connectors_sdk.connectors import health

    def report(self: Any) -> dict[str, Any]:
        return {"status": "ok", "alive": True, "ready": True, "fresh": True}

    health.Health.report = report


def _g7_direct(program: ModuleType) -> None:
    """Knows no proxies."""
    import requests

    original = requests.Session.__init__

    def init(self: Any) -> None:
        original(self)
        self.trust_env = False

    requests.Session.__init__ = init


def _g8_patient(program: ModuleType) -> None:
    """Waits for ever for a source that does not answer."""
    original = program.FeedClient.__init__

    def init(self: Any, config: Any, quota: Any = None) -> None:
        endless = config.model_copy(update={"timeout": 100_000})
        original(self, endless, quota)

    program.FeedClient.__init__ = init


def _g8_endless(program: ModuleType) -> None:
    """Reads on although the source repeats itself."""

    def pages(self: Any) -> Iterator[Any]:
        while True:
            body = self.client._get("/feed", params={"since": "2024", "page": 1})
            yield body["families"]

    _processor(program, pages=pages)


def _g9_chatty(program: ModuleType) -> None:
    """Talks to somebody else."""

    def post_init(self: Any) -> None:
        program.Families.post_init(self)
        with socket.socket() as other:
            other.connect_ex(("127.0.0.9", 9))

    _processor(program, post_init=post_init)


def _g10_mute(program: ModuleType) -> None:
    """Says nothing about its runs."""
    from connectors_sdk.connectors import run_report

    run_report.RunReport.summary = lambda self, seconds, next_run: "Done."


# -- external import -------------------------------------------------------------------------------------------------


def _e1_open(program: ModuleType) -> None:
    """Leaves works open."""
    from connectors_sdk.connectors.external_import import _work_manager

    _work_manager._Work.close = lambda self, message, *, in_error=False: None


def _e2_bare(program: ModuleType) -> None:
    """Sends objects without author and marking."""

    def convert(self: Any, record: dict[str, Any]) -> Any:
        made = program.Families.convert(self, record)
        return made.model_copy(update={"author": None, "markings": None})

    _processor(program, convert=convert)


def _e2_dangling(program: ModuleType) -> None:
    """Refers to what is nowhere."""

    def convert(self: Any, record: dict[str, Any]) -> Any:
        made = dict(program.Families.convert(self, record).to_stix2_object())
        return {
            **made,
            "created_by_ref": f"identity--{uuid.uuid5(uuid.NAMESPACE_URL, 'x')}",
        }

    _processor(program, convert=convert, cleanup_inconsistent_bundle=False)


def _e3_random(program: ModuleType) -> None:
    """Makes up a new name, and so a new id, for every object."""

    def convert(self: Any, record: dict[str, Any]) -> Any:
        name = f"{record['name']} {uuid.uuid4()}"
        return program.Families.convert(self, {**record, "name": name})

    _processor(program, convert=convert)


def _e4_greedy(program: ModuleType) -> None:
    """Asks for everything every time."""

    def pages(self: Any) -> Iterator[Any]:
        return self.client.pages(program.BEGINNING)

    _processor(program, pages=pages, cursor=None)


def _e4_exclusive(program: ModuleType) -> None:
    """Loses what has the same time as the last record of the run before."""
    from connectors_sdk.states import TimeCursor

    limits: dict[int, datetime] = {}

    def is_new_in_run(self: Any, moment: datetime, key: Any) -> bool:
        former = datetime(2000, 1, 1, tzinfo=UTC)
        limit = limits.setdefault(id(self), self.position or former)
        return moment > limit

    TimeCursor.is_new = is_new_in_run


def _e5_hasty(program: ModuleType) -> None:
    """Saves its position before the platform has what stands for it."""

    def pages(self: Any) -> Iterator[Any]:
        for page in program.Families.pages(self):
            self.state.cursor.position = max(map(self.published, page))
            self.state.save()
            yield page

    _processor(program, pages=pages)


def _e6_fragile(program: ModuleType) -> None:
    """Fails over one bad record."""

    def transform(self: Any, data: Any) -> Iterator[Any]:
        for page in data:
            yield from map(self.convert, page)

    _processor(program, transform=transform)


def _e6_forgetful(program: ModuleType) -> None:
    """Leaves bad records out without a word."""

    def convert(self: Any, record: dict[str, Any]) -> Any:
        try:
            yield program.Families.convert(self, record)
        except ValueError:
            pass

    _processor(program, convert=convert)


def _e7_swallowing(program: ModuleType) -> None:
    """Takes a source that fails for one that has nothing more."""

    def pages(self: Any) -> Iterator[Any]:
        try:
            yield from program.Families.pages(self)
        except Exception:  # pylint: disable=broad-exception-caught
            self.report.add_skipped("the rest")

    _processor(program, pages=pages)


def _e7_stubborn(program: ModuleType) -> None:
    """Tries for ever."""

    def init(self: Any, config: Any, quota: Any = None) -> None:
        super(program.FeedClient, self).__init__(
            config.url, max_retries=10_000, backoff_factor=0.0001
        )
        self._key = config.api_key

    program.FeedClient.__init__ = init


def _e8_hoarding(program: ModuleType) -> None:
    """Holds the whole feed before it sends anything."""

    def pages(self: Any) -> Iterator[Any]:
        return iter(list(program.Families.pages(self)))

    _processor(program, pages=pages)


def _e9_unbounded(program: ModuleType) -> None:
    """Makes bundles of any size."""
    _processor(program, bundle_max_objects=10**6)


def _e10_pushy(program: ModuleType) -> None:
    """Does not care about the platform's queue."""
    from connectors_sdk.connectors.external_import import _backpressure

    _backpressure.Backpressure.wait_for_queue = lambda self: None


def _e11_busy(program: ModuleType) -> None:
    """Opens a work although there is nothing to send."""

    def process(self: Any) -> None:
        with self.work_manager:
            self.work_manager._work(self.work_name)
        program.Families.process(self)

    _processor(program, process=process)


def _e11_amnesic(program: ModuleType) -> None:
    """Does not remember a run that brought nothing."""

    def save(self: Any) -> None:
        if self.last_report and self.last_report.sent:
            self.state.save()

    program.CONNECTOR = type(
        "Amnesic", (program.ExternalImportConnector,), {"_save": save}
    )


def _e12_cheerful(program: ModuleType) -> None:
    """Ends well, however the run went."""

    def run_connector(build: Any) -> None:
        try:
            build().start()
        finally:
            os._exit(0)

    program.run_connector = run_connector


def _e13_storming(program: ModuleType) -> None:
    """Tries again with a key that was refused."""
    from connectors_sdk.client import ApiUnauthorizedError

    def pages(self: Any) -> Iterator[Any]:
        for _ in range(9):
            try:
                yield from program.Families.pages(self)
                return
            except ApiUnauthorizedError as error:
                last = error
        raise last

    _processor(program, pages=pages)


if __name__ == "__main__":
    sys.exit("This is imported by feed.py.")
