"""The make targets that people call, as they call them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
DEMO = ROOT / "external-import" / "mitre" / "demo" / "fictional-attack.json"
INSTALLED = ROOT / ".venv" / ".installed"

pytestmark = pytest.mark.skipif(
    not INSTALLED.exists() or not Path(sys.prefix).samefile(ROOT / ".venv"),
    reason="not run from the environment of `make setup`",
)


def make(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    own = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "OPENCTI"))}
    return subprocess.run(
        ["make", *arguments],
        cwd=ROOT,
        env={**own, "COLUMNS": "120", **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )


def test_demo_ends_by_itself_without_a_terminal_and_writes_its_summary() -> None:
    done = make("demo")
    assert done.returncode == 0, done.stdout + done.stderr
    summary = json.loads((ROOT / "build" / "demo" / "summary.json").read_text())
    assert summary["objects_by_type"]["Attack-Pattern"] == 27
    assert summary["rejected"] == 0
    assert summary["runs"][0]["exit_code"] == 0
    assert set(summary["peak_rss_bytes"]) == {"connector", "platform"}


def test_demo_takes_another_collection() -> None:
    newer = DEMO.with_name("fictional-attack-v2.json")
    done = make("demo", f"DATASET={newer.relative_to(ROOT)}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "MITRE ATT&CK enterprise 1.1" in (
        ROOT / "build" / "demo" / "summary.json"
    ).read_text(encoding="utf-8")


def test_run_runs_the_connector_that_is_named() -> None:
    done = make(
        "run",
        "CONNECTOR=external-import/mitre",
        "ARGS=--once --exit",
        MITRE_ENTERPRISE_FILE_URL=str(DEMO),
        MITRE_MOBILE="false",
        MITRE_ICS="false",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Intrusion-Set" in done.stdout


def test_run_without_a_connector_says_what_is_wanted() -> None:
    done = make("run")
    assert done.returncode != 0
    assert "make run CONNECTOR=external-import/mitre" in done.stdout


def test_help_names_every_target() -> None:
    text = make("help").stdout
    for target in ("setup", "demo", "run", "test", "lint", "format", "bench"):
        assert f"make {target}" in text
