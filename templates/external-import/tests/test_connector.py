"""The connector as a process, against a real platform process and a simulated source."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from connector import ConnectorSettings
from connector.converter_to_stix import indicator

from connectors_sdk import ConfigValidationError
from connectors_sdk.testing import make_settings
from opencti_testbed.process import TestbedProcess
from opencti_testbed.simulator import Simulator
from opencti_testbed.trial import Trial

TEMPLATE = Path(__file__).resolve().parents[1]


def records() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(
        (TEMPLATE / "demo" / "indicators.json").read_text("utf-8")
    )
    return found


def test_a_record_becomes_an_indicator() -> None:
    stix = indicator(records()[0]).to_stix2_object()
    assert stix.pattern == "[ipv4-addr:value = '198.51.100.1']"
    assert stix.x_opencti_score == 7
    assert stix.valid_from == datetime.fromisoformat(records()[0]["modified"])
    assert stix.created_by_ref and stix.object_marking_refs


@pytest.mark.parametrize("change", [{"type": "phone"}, {"modified": "yesterday"}])
def test_a_record_that_means_nothing_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises((ValueError, KeyError)):
        indicator({**records()[0], **change})


def test_settings() -> None:
    api = {"api_url": "https://api.example", "api_key": "k"}
    settings = make_settings(ConnectorSettings, {"template": api})
    assert settings.template.import_since.days == 30
    with pytest.raises(ConfigValidationError, match="TEMPLATE_API_KEY"):
        make_settings(ConnectorSettings, {"template": {"api_url": "https://a.example"}})


def test_everything_arrives_once(
    trial: Trial, platform: TestbedProcess, source: Simulator
) -> None:
    done = trial.run()
    assert done.returncode == 0, done.stderr
    names = {stix["name"] for stix in platform.objects("Indicator")}
    assert names == {record["value"] for record in records()}
    assert platform.summary()["rejected"] == 0
    (work,) = platform.works()
    assert work["status"] == "complete" and not work["error_messages"]
    fingerprint = platform.fingerprint()
    asked = len(source.requests)
    again = trial.run()
    assert again.returncode == 0, again.stderr
    since = source.requests[asked]["query"]["modified_since"]
    assert since in (records()[-1]["modified"], [records()[-1]["modified"]])
    assert platform.fingerprint() == fingerprint
    assert len(platform.works()) == 1, "nothing new: no work is opened"


def test_a_wrong_key_is_told(trial: Trial, platform: TestbedProcess) -> None:
    done = trial.run(TEMPLATE_API_KEY="canary")
    assert done.returncode == 1
    (work,) = platform.works()
    assert "401" in work["error_messages"][0]["message"]
    assert "canary" not in done.stdout + done.stderr


def test_a_missing_setting_is_told(trial: Trial) -> None:
    done = trial.run(TEMPLATE_API_KEY="")
    assert done.returncode == 2
    assert "TEMPLATE_API_KEY (template.api_key): missing" in done.stderr


def test_a_rehearsal(trial: Trial, tmp_path: Path) -> None:
    out = tmp_path / "bundle.json"
    done = trial.run("run", "--dry-run", "--limit", "4", "--out", str(out))
    assert done.returncode == 0, done.stderr
    kinds = [stix["type"] for stix in json.loads(out.read_text("utf-8"))["objects"]]
    assert kinds.count("indicator") == 4
