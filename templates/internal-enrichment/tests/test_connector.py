"""The connector as a process, asked by a real platform process, with a simulated source."""

from pathlib import Path
from typing import Any

import pytest
from connector import ConnectorSettings

from connectors_sdk import ConfigValidationError
from connectors_sdk.testing import make_settings
from opencti_testbed.process import TestbedProcess
from opencti_testbed.simulator import Simulator
from opencti_testbed.trial import Asked

DEMO = Path(__file__).resolve().parents[1] / "demo" / "observables.json"


def stored(tmp_path: Path) -> list[dict[str, Any]]:
    with TestbedProcess(tmp_path / "platform") as platform:
        return list(platform.objects())


def test_settings() -> None:
    api = {"api_url": "https://api.example", "api_key": "k"}
    settings = make_settings(ConnectorSettings, {"template": api})
    assert settings.connector.max_tlp == "amber+strict"
    with pytest.raises(ConfigValidationError, match="TEMPLATE_API_KEY"):
        make_settings(ConnectorSettings, {"template": {"api_url": "https://a.example"}})


def test_what_is_known_is_added(ask: Asked, tmp_path: Path) -> None:
    code, summary = ask("--seed", DEMO, "--enrich", "198.51.100.7")
    assert code == 0, summary["output"]
    assert summary["rejected"] == 0
    objects = {one.get("value") or one["type"]: one for one in stored(tmp_path)}
    address = objects["198.51.100.7"]
    assert address["x_opencti_score"] == 80
    assert {"scanner", "botnet"} <= set(address["labels"])
    relation = objects["relationship"]
    assert relation["relationship_type"] == "belongs-to"
    assert relation["source_ref"] == address["id"]
    assert relation["target_ref"] == objects["autonomous-system"]["id"]
    assert relation["created_by_ref"] == objects["identity"]["id"]
    assert relation["object_marking_refs"]


def test_the_same_is_not_asked_twice(ask: Asked, source: Simulator) -> None:
    wanted = ("--enrich", "bad.example")
    code, summary = ask("--seed", DEMO, *wanted, *wanted)
    assert code == 0, summary["output"]
    assert [one["path"] for one in source.requests] == ["/reputation/bad.example"]
    assert source.requests[0]["headers"]["x-api-key"] == "demo-key"


def test_nothing_known_changes_nothing(ask: Asked) -> None:
    code, summary = ask("--seed", DEMO, "--enrich", "198.51.100.8")
    assert code == 0, summary["output"]
    assert "Nothing is known" in summary["output"]
    assert "Autonomous-System" not in summary["objects_by_type"]


def test_what_may_not_leave_is_not_asked_about(ask: Asked, source: Simulator) -> None:
    code, summary = ask(
        *("--seed", DEMO, "--enrich", "198.51.100.7"),
        CONNECTOR_ALLOW_UNMARKED="false",
    )
    assert code == 0, summary["output"]
    assert "The source was not asked" in summary["output"]
    assert not source.requests


def test_a_wrong_key_is_told(ask: Asked) -> None:
    code, summary = ask(
        *("--seed", DEMO, "--enrich", "198.51.100.7"), TEMPLATE_API_KEY="canary"
    )
    assert code == 1
    (work,) = summary["runs"][0]["works"]
    assert "refuses the credentials" in work["errors"][0]
    assert "canary" not in summary["output"]
