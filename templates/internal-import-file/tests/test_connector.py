"""The connector as a process, asked by a real platform process."""

from pathlib import Path
from typing import Any

import pytest
from connector import ConnectorSettings
from connector.converter_to_stix import indicator

from connectors_sdk import ConfigValidationError
from connectors_sdk.testing import make_settings
from opencti_testbed.process import TestbedProcess
from opencti_testbed.trial import Asked

DEMO = Path(__file__).resolve().parents[1] / "demo" / "indicators.csv"


def stored(tmp_path: Path) -> dict[str, dict[str, Any]]:
    with TestbedProcess(tmp_path / "platform") as platform:
        return {one["name"]: one for one in platform.objects("Indicator")}


def test_settings() -> None:
    assert make_settings(ConnectorSettings).template.default_score == 50
    with pytest.raises(ConfigValidationError, match="TEMPLATE_DEFAULT_SCORE"):
        make_settings(ConnectorSettings, {"template": {"default_score": 101}})


def test_a_row_becomes_an_indicator() -> None:
    row = {"type": "domain", "value": "a.example", "score": "", "comment": "c"}
    stix = indicator(row, 40).to_stix2_object()
    assert stix.pattern == "[domain-name:value = 'a.example']"
    assert (stix.x_opencti_score, stix.description) == (40, "c")


@pytest.mark.parametrize("change", [{"type": "phone"}, {"score": "high"}])
def test_a_row_that_means_nothing_is_refused(change: dict[str, str]) -> None:
    with pytest.raises((ValueError, KeyError)):
        indicator({"type": "ip", "value": "198.51.100.1", **change}, 50)


def test_a_bad_row_is_set_aside_and_the_rest_arrives(
    ask: Asked, tmp_path: Path
) -> None:
    code, summary = ask("--import", DEMO, TEMPLATE_DEFAULT_SCORE="30")
    assert code == 0, summary["output"]
    assert summary["rejected"] == 0
    assert "Found 3 objects. Set aside, see the quarantine: 1." in summary["output"]
    assert "+1 555 0100" in (tmp_path / "connector" / "quarantine.jsonl").read_text()
    found = stored(tmp_path)
    assert {name: one["x_opencti_score"] for name, one in found.items()} == {
        "198.51.100.1": 80,
        "bad-2.example": 30,
        "http://bad-3.example/x": 65,
    }
    assert all(one["created_by_ref"] for one in found.values())


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"address;note\n1;2\n", "There are no columns"),
        (b"type,value\nip,\xff\xfe\n", "It is no UTF-8 text"),
    ],
)
def test_a_file_that_cannot_be_read_is_told(
    ask: Asked, tmp_path: Path, content: bytes, words: str
) -> None:
    file = tmp_path / "bad.csv"
    file.write_bytes(content)
    code, summary = ask("--import", file)
    assert code == 1
    (work,) = summary["runs"][0]["works"]
    assert words in work["errors"][0]
    assert "Indicator" not in summary["objects_by_type"]
