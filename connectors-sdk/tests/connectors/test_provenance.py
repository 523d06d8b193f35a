"""Where objects came from."""

import json
import logging
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import Field

from connectors_sdk import (
    BaseConnectorSettings,
    BaseDataProcessor,
    BaseExternalImportConnectorConfig,
    clock,
)
from connectors_sdk.connectors.log_context import (
    ContextFilter,
    current,
    log_context,
    set_in_context,
)
from connectors_sdk.connectors.provenance import Origin, Provenance
from connectors_sdk.models import Malware
from connectors_sdk.testing import make_settings, run_once

NOON = datetime(2026, 3, 31, 12, tzinfo=UTC)


class Settings(BaseConnectorSettings):
    connector: BaseExternalImportConnectorConfig = Field(
        default_factory=BaseExternalImportConnectorConfig  # type: ignore[arg-type]
    )


def test_nothing_is_on_disk_at_first(tmp_path: Path) -> None:
    provenance = Provenance(tmp_path / "data")
    provenance.prune()
    provenance.save()
    assert not provenance.explain("x")
    assert not (tmp_path / "data").exists()


def test_what_an_object_was_made_from(tmp_path: Path) -> None:
    provenance = Provenance(tmp_path)
    with clock.frozen(NOON):
        provenance.note("tool--1", {"n": 1}, mapper="m", run_id="r1")
        provenance.note("tool--1", {"n": 1}, mapper="m", run_id="r2")
        provenance.note("tool--2", {"n": 1}, mapper="m", run_id="r2")
    with clock.frozen(NOON + timedelta(hours=1)):
        provenance.note("tool--1", {"n": 2}, mapper="other", run_id="r3")
    provenance.save()
    latest, first = Provenance(tmp_path).explain("tool--1")
    assert (latest.record, latest.mapper, latest.run) == ({"n": 2}, "other", "r3")
    assert first == Origin(
        "r2", "2026-03-31T12:00:00+00:00", "m", {"n": 1}, first.record_hash
    )
    with clock.frozen(NOON + timedelta(days=90, minutes=30)):
        provenance.prune()
    assert [o.run for o in provenance.explain("tool--1")] == ["r3"]
    provenance.close()
    provenance.note("tool--3", 1, mapper="m", run_id="r4")
    provenance.close()
    assert provenance.explain("tool--3")


class Families(BaseDataProcessor):
    """Two families."""

    def collect(self) -> Any:
        return iter([{"name": "Ferret"}, {"name": "Stoat"}])

    def transform(self, data: Any) -> Iterator[Any]:
        yield from self.each(data, self.convert)

    def convert(self, record: Any) -> Any:
        return Malware(name=record["name"], is_family=True)


@pytest.mark.parametrize("wanted", [True, False])
def test_a_connector_keeps_it_when_wanted(tmp_path: Path, wanted: bool) -> None:
    settings = make_settings(Settings, {"connector": {"provenance": wanted}})
    helper = run_once(settings, [Families()], data_path=tmp_path)
    stoat = Malware(name="Stoat", is_family=True).id
    assert stoat in helper.objects
    origins = Provenance(tmp_path).explain(stoat)
    assert bool(origins) is wanted
    if wanted:
        assert (origins[0].record, origins[0].mapper) == (
            {"name": "Stoat"},
            "Families.convert",
        )


# -- the log's context -----------------------------------------------------------------------------------------------


def test_lines_carry_the_run_and_the_work() -> None:
    lines: list[dict[str, Any]] = []

    class Handler(logging.Handler):
        """Keeps what is written."""

        def emit(self, record: logging.LogRecord) -> None:
            lines.append({k: record.__dict__.get(k) for k in ("run_id", "work_id")})

    handler = Handler()
    handler.addFilter(ContextFilter())
    logger = logging.getLogger("test-context")
    logger.propagate = False
    logger.addHandler(handler)
    logger.warning("before")
    with log_context(run_id="r1"):
        logger.warning("run")
        set_in_context("work_id", "w1")
        logger.warning("work")
        thread = threading.Thread(target=logger.warning, args=("another thread",))
        thread.start()
        thread.join()
        set_in_context("work_id", None)
        logger.warning("run again")
    logger.warning("after")
    assert [json.dumps(line) for line in lines] == [
        '{"run_id": null, "work_id": null}',
        '{"run_id": "r1", "work_id": null}',
        '{"run_id": "r1", "work_id": "w1"}',
        '{"run_id": null, "work_id": null}',
        '{"run_id": "r1", "work_id": null}',
        '{"run_id": null, "work_id": null}',
    ]
    assert not current()
