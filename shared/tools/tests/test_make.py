"""The make targets that people call, as they call them."""

import json
import os
import re
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
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z][a-z_]*):(?!=)", makefile, re.M))
    phony = re.search(r"^\.PHONY:((?:.*\\\n)*.*)$", makefile, re.M)
    assert phony is not None
    assert set(phony[1].replace("\\\n", " ").split()) == targets
    assert len(targets) > 20
    assert [t for t in sorted(targets) if f"make {t} " not in text] == []


def test_nothing_that_is_generated_has_drifted() -> None:
    done = make("drift", "docs", "links", "CHECK=1")
    assert done.returncode == 0, done.stdout


def test_a_connector_is_named_by_its_folder_or_its_name() -> None:
    for name in ("external-import/mitre", "mitre"):
        done = make("connector_config_schema", f"CONNECTOR={name}", "CHECK=1")
        assert done.returncode == 0, done.stdout
        assert done.stdout == "external-import/mitre: up to date\n"
        done = make("connector_manifest", f"CONNECTOR={name}", "CHECK=1")
        assert done.returncode == 0, done.stdout


def test_a_connector_that_is_not_named_is_asked_for() -> None:
    for target in ("connector_config_schema", "connector_manifest"):
        done = make(target)
        assert done.returncode == 2
        assert "Which connector?" in done.stderr


def test_the_catalogue_for_the_platform() -> None:
    done = make("global_manifest", "EMBED=1")
    assert done.returncode == 0, done.stdout
    path = ROOT / "build" / "manifest.json"
    contracts = json.loads(path.read_text(encoding="utf-8"))["contracts"]
    assert all(contract["logo"].startswith("data:image/") for contract in contracts)


def test_values_from_outside_are_no_commands(tmp_path: Path) -> None:
    spy = tmp_path / "spy"
    for value in (f"'; touch {spy}; '", f"$(touch {spy})", f"$(shell touch {spy})"):
        done = make("release", TAG=value)
        assert done.returncode != 0
        assert "there is no connector" in done.stderr
        make("plan", BASE=value)
    assert not spy.exists()


def test_the_documented_script_takes_a_folder() -> None:
    script = (
        "generate_connectors_config_schemas/generate_connector_config_json_schema.sh"
    )
    done = subprocess.run(
        [ROOT / "shared/tools/composer" / script, ".", "--check"],
        cwd=ROOT / "external-import" / "mitre",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout == "external-import/mitre: up to date\n"


def test_hooks_find_nothing(tmp_path: Path) -> None:
    # black and isort would change files.
    without = "black,isort"
    done = subprocess.run(
        [ROOT / ".venv/bin/pre-commit", "run", "--all-files", "--hook-stage", "manual"],
        cwd=ROOT,
        env={**os.environ, "PRE_COMMIT_HOME": str(tmp_path), "SKIP": without},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "Failed" not in done.stdout and "workflows" in done.stdout
