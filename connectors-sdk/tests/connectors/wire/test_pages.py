"""What docs/connectors says is true: its connectors do what it says they do, its tables leave nothing out."""

import argparse
import json
import os
import re
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import BaseModel

from connectors_sdk.cli import commands
from connectors_sdk.connectors.health import Health
from connectors_sdk.connectors.internal_enrichment import EnrichmentOptions
from connectors_sdk.connectors.internal_export_file import ExportFileOptions
from connectors_sdk.connectors.internal_import_file import ImportFileOptions
from connectors_sdk.connectors.metrics import METRICS, PREFIX
from connectors_sdk.connectors.stream.settings import StreamOptions
from connectors_sdk.settings.runtime import RuntimeSettings
from connectors_sdk.testing import Canned, CannedServer

DOCS = Path(__file__).resolve().parents[4] / "docs" / "connectors"
PATIENCE = 90.0
LONGEST_EXAMPLE = 60
ADDRESS = "198.51.100.7"
FAMILIES = [
    {"id": 1, "name": "Ferret", "modified": "2026-01-01T00:00:00Z"},
    {"id": 2, "name": "Stoat", "modified": "2026-01-02T00:00:00Z"},
    {"id": 3, "name": "", "modified": "2026-01-03T00:00:00Z"},
]


def page(name: str) -> str:
    return (DOCS / f"{name}.md").read_text(encoding="utf-8")


def example(name: str) -> str:
    """Return the first example of a page, which is a whole connector."""
    found = re.search(r"^```python\n(.*?)^```$", page(name), re.MULTILINE | re.DOTALL)
    assert found, f"{name} has no example"
    return found.group(1)


def table(text: str) -> list[list[str]]:
    """Return the cells of all rows of all tables."""
    rows = re.findall(r"^\|(.*)\|$", text, re.MULTILINE)
    return [[cell.strip() for cell in row.split("|")] for row in rows]


def connector_folder(folder: Path, name: str) -> Path:
    """Make the folder of a page's connector."""
    (folder / name / "src").mkdir(parents=True)
    program = folder / name / "src" / "main.py"
    program.write_text(example(name), encoding="utf-8")
    return folder / name


def seed(folder: Path, *objects: dict[str, object]) -> Path:
    """Write a bundle."""
    file = folder / "seed.json"
    bundle = {"type": "bundle", "id": f"bundle--{uuid.uuid4()}", "objects": objects}
    file.write_text(json.dumps(bundle), encoding="utf-8")
    return file


def run_on_testbed(
    folder: Path,
    *options: str,
    until: Callable[[], object] | None = None,
    **environment: str,
) -> str:
    """Run a connector against the testbed; return what was shown.

    Args:
        folder: of the connector.
        options: of `testbed run`.
        until: what has come to pass when a connector is stopped that does not end by itself.
        environment: of the connector.
    """
    with subprocess.Popen(
        [
            *(sys.executable, "-m", "opencti_testbed", "run", str(folder)),
            *("--embedded", "--exit", "--data", str(folder / "platform"), *options),
        ],
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "COLUMNS": "300",
            "CONNECTOR_NAME": "My connector",
            "CONNECTOR_DATA_PATH": str(folder / "data"),
            **environment,
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            if until is not None:
                deadline = time.monotonic() + PATIENCE
                while not until() and process.poll() is None:
                    assert time.monotonic() < deadline, "in vain"
                    time.sleep(0.05)
                process.terminate()
            shown, _ = process.communicate(timeout=PATIENCE)
        finally:
            # Asked to end, it takes platform and connector along.
            process.terminate()
    log = folder / "platform" / f"{folder.name}.log"
    words = log.read_text("utf-8") if log.exists() else ""
    assert process.returncode == 0, f"{shown}\n{words}"
    return f"{shown}\n{words}"


@pytest.fixture(name="source")
def _source() -> Iterator[CannedServer]:
    with CannedServer() as server:
        server.on("GET", "/families", Canned({"data": FAMILIES}))
        known = {"asn": 64500, "risk": 70, "tags": ["scanner"]}
        server.on("GET", f"/addresses/{ADDRESS}", Canned(known))
        yield server


ENTITY = {
    "type": "ipv4-addr",
    "spec_version": "2.1",
    "id": "ipv4-addr--12592121-be4c-5a93-a813-5a5af16e50db",
    "value": ADDRESS,
}
INDICATOR = {
    "type": "indicator",
    "spec_version": "2.1",
    "id": "indicator--ea6c5afc-6a1c-44a9-a1a2-6ab7a9b1a7a5",
    "created": "2026-01-01T00:00:00Z",
    "modified": "2026-01-01T00:00:00Z",
    "name": "bad.example",
    "pattern": "[domain-name:value = 'bad.example']",
    "pattern_type": "stix",
    "valid_from": "2026-01-01T00:00:00Z",
}


# -- the connectors ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", [path.stem for path in DOCS.glob("*.md") if path.stem != "README"]
)
def test_examples_are_short(name: str) -> None:
    assert len(example(name).splitlines()) < LONGEST_EXAMPLE


def test_the_external_import(tmp_path: Path, source: CannedServer) -> None:
    folder = connector_folder(tmp_path, "external-import")
    shown = run_on_testbed(
        folder,
        "--once",
        FEED_URL=source.url,
        CONNECTOR_SCOPE="malware",
        CONNECTOR_DURATION_PERIOD="PT1H",
    )
    assert "read 3, sent 4 objects in 1 bundles, skipped 0, quarantined 1" in shown
    assert "│Malware            │      2 │       2 │" in shown


def test_the_enrichment(tmp_path: Path, source: CannedServer) -> None:
    folder = connector_folder(tmp_path, "internal-enrichment")
    shown = run_on_testbed(
        folder,
        *("--seed", str(seed(tmp_path, ENTITY)), "--enrich", ADDRESS),
        LOOKUP_URL=source.url,
        LOOKUP_KEY="s3cret",
        CONNECTOR_SCOPE="IPv4-Addr",
    )
    assert "Found 2 objects, score none -> 70." in shown
    assert "good, read 1, sent 5 objects in 1 bundles" in shown
    (asked,) = source.requests_to(f"/addresses/{ADDRESS}")
    assert asked.headers["x-api-key"] == "s3cret"


def test_the_file_import(tmp_path: Path) -> None:
    folder = connector_folder(tmp_path, "internal-import-file")
    file = tmp_path / "addresses.csv"
    content = re.search(r"printf '(.*)' > addresses.csv", page("internal-import-file"))
    assert content
    file.write_text(content.group(1).replace("\\n", "\n"), encoding="utf-8")
    shown = run_on_testbed(folder, "--import", str(file), CONNECTOR_SCOPE="text/csv")
    words = "Found 1 objects. Left out: 1 private address. Set aside, see the quarantine: 1."
    assert words in shown and words in page("internal-import-file")
    assert "good, read 3, sent 1 objects" in shown


def test_the_file_export(tmp_path: Path) -> None:
    folder = connector_folder(tmp_path, "internal-export-file")
    shown = run_on_testbed(
        folder,
        *("--seed", str(seed(tmp_path, ENTITY)), "--export", "text/csv"),
        CONNECTOR_SCOPE="text/csv",
    )
    assert "Exported 1 rows, 67 bytes." in shown


def test_the_stream(tmp_path: Path, source: CannedServer) -> None:
    folder = connector_folder(tmp_path, "stream")
    source.on("POST", "/bulk", Canned([{"ok": True}]))
    shown = run_on_testbed(
        folder,
        *("--seed", str(seed(tmp_path, INDICATOR))),
        until=lambda: source.requests_to("/bulk"),
        CONNECTOR_SCOPE="indicator",
        CONNECTOR_LOG_LEVEL="info",
        TARGET_URL=source.url,
        TARGET_KEY="s3cret",
    )
    assert "Connector stopped by SIGTERM" in shown
    (asked,) = source.requests_to("/bulk")
    (item,) = json.loads(asked.body)
    assert (item["action"], item["pattern"]) == ("upsert", INDICATOR["pattern"])
    assert asked.headers["x-api-key"] == "s3cret"


# -- the tables --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("external-import", RuntimeSettings),
        ("internal-enrichment", EnrichmentOptions),
        ("internal-import-file", ImportFileOptions),
        ("internal-export-file", ExportFileOptions),
        ("stream", StreamOptions),
    ],
)
def test_each_setting_has_a_row_with_its_default(
    name: str, options: type[BaseModel]
) -> None:
    rows = {row[0]: row[1] for row in table(page(name))}
    for field, declared in options.model_fields.items():
        default = declared.get_default(call_default_factory=True)
        if isinstance(default, bool):
            default = str(default).lower()
        elif isinstance(default, timedelta):
            default = _written(default)
        expected = "" if default in (None, "") else f"`{default}`"
        assert rows.get(f"`CONNECTOR_{field.upper()}`") == expected, field


def _written(period: timedelta) -> str:
    seconds = int(period.total_seconds())
    for unit, size in (("D", 86400), ("H", 3600), ("M", 60)):
        if seconds % size == 0:
            return f"{'P' if unit == 'D' else 'PT'}{seconds // size}{unit}"
    return f"PT{seconds}S"


def test_each_metric_has_a_row_with_its_labels() -> None:
    text = page("health-and-metrics")
    assert f"Each begins with `{PREFIX}`" in text
    rows = table(text.partition("\n## Metrics\n")[2])
    suffixes = {"counter": ("_total",), "gauge": ("",), "summary": ("_count", "_sum")}
    for metric in METRICS:
        shown = [f"`{metric.name}{suffix}`" for suffix in suffixes[metric.kind]]
        (row,) = (r for r in rows if all(name in r[0] for name in shown))
        assert row[1] == metric.kind, metric.name
        for label in metric.labels:
            assert f"`{label}`" in row[2], metric.name


def test_each_field_of_the_health_document_has_a_row() -> None:
    text = page("health-and-metrics")
    block = re.search(r"^```json\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert block
    assert list(json.loads(block.group(1))) == list(Health().report())
    for field in Health().report():
        assert f"| `{field}`" in text or f"`{field}` is" in text, field


def test_each_command_and_option_is_described() -> None:
    text = page("command-line")
    # pylint: disable-next=protected-access  # what an operator can type
    for name, options in _commands(commands._parser()):
        words = name.split()
        section = text.partition(f"\n## {words[0]}\n")[2].partition("\n## ")[0]
        assert section, name
        if len(words) > 1:
            assert re.search(rf"`{words[1]}[ `]", section), name
        for option in options:
            assert option in section, f"{name} {option}"


def _commands(
    parser: argparse.ArgumentParser, name: str = ""
) -> Iterator[tuple[str, list[str]]]:
    options: list[str] = []
    inner: dict[str, argparse.ArgumentParser] = {}
    for action in parser._actions:  # pylint: disable=protected-access
        if isinstance(action.choices, dict):
            inner = action.choices
        elif "--help" not in action.option_strings:
            options += action.option_strings
    if name:
        yield name, options
    for word, sub in inner.items():
        yield from _commands(sub, f"{name} {word}".strip())
