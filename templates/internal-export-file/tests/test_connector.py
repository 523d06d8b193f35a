"""The connector as a process, asked by a real platform process."""

import csv
from pathlib import Path

import pytest
import requests
from connector import ConnectorSettings

from connectors_sdk import ConfigValidationError
from connectors_sdk.testing import make_settings
from opencti_testbed.process import TestbedProcess
from opencti_testbed.trial import Asked

DEMO = Path(__file__).resolve().parents[1] / "demo" / "threats.json"
FILES = (
    '{ stixCoreObjectsExportFiles(exportContext: {entity_type: "Stix-Core-Object"}) '
    "{ edges { node { id } } } }"
)


def exported(tmp_path: Path) -> str:
    """Return the content of the only file that was exported."""
    with TestbedProcess(tmp_path / "platform") as platform:
        headers = {"Authorization": f"Bearer {platform.token}"}
        answer = requests.post(
            f"{platform.url}/graphql",
            json={"query": FILES},
            headers=headers,
            timeout=30,
        ).json()
        (edge,) = answer["data"]["stixCoreObjectsExportFiles"]["edges"]
        file = requests.get(
            f"{platform.url}/storage/get/{edge['node']['id']}",
            headers=headers,
            timeout=30,
        )
        file.raise_for_status()
        return file.content.decode()


def test_settings() -> None:
    assert make_settings(ConnectorSettings).template.delimiter == ","
    with pytest.raises(ConfigValidationError, match="TEMPLATE_DELIMITER"):
        make_settings(ConnectorSettings, {"template": {"delimiter": "a"}})


def test_everything_stands_in_the_file(ask: Asked, tmp_path: Path) -> None:
    code, summary = ask("--seed", DEMO, "--export", "text/csv")
    assert code == 0, summary["output"]
    rows = list(csv.DictReader(exported(tmp_path).splitlines()))
    found = {row["name"]: row for row in rows}
    assert set(found) == {
        "SLOWKITE",
        "'=cmd|' /C calc'!A0",
        "bad-2.example",
        "198.51.100.7",
    }
    assert found["SLOWKITE"]["labels"] == "loader"
    assert found["bad-2.example"]["score"] == "70"
    assert found["bad-2.example"]["markings"] == "TLP:GREEN"
    assert found["198.51.100.7"]["type"] == "IPv4-Addr"


def test_another_delimiter(ask: Asked, tmp_path: Path) -> None:
    code, summary = ask("--export", "text/csv", TEMPLATE_DELIMITER=";")
    assert code == 0, summary["output"]
    head = '"type";"name";"description";"score";"labels";"markings"'
    assert exported(tmp_path).split() == [head]
