"""What an entity's cells are."""

import pytest
from connector import ConnectorSettings
from connector.cells import LEADING, MOST_IN_A_CELL, TRAILING, cells, in_order

from connectors_sdk import ConfigValidationError
from connectors_sdk.testing import make_settings


def test_what_is_nested_becomes_readable() -> None:
    entity = {
        "id": "1",
        "name": "Paper Lantern",
        "confidence": 0,
        "revoked": False,
        "createdBy": {"id": "2", "name": "Institute", "description": "long"},
        "createdById": "2",
        "objectMarking": [{"id": "3", "definition": "TLP:GREEN"}],
        "objectLabel": [{"id": "4", "value": "a"}, {"id": "5", "value": "b"}],
        "objectLabelIds": ["4", "5"],
        "killChainPhases": [{"kill_chain_name": "lm", "phase_name": "delivery"}],
        "externalReferences": [
            {"source_name": "x", "external_id": "X-1", "url": None},
            {"source_name": "y", "url": "https://y.example"},
        ],
        "hashes": [
            {"algorithm": "MD5", "hash": "d4"},
            {"algorithm": "SHA-1", "hash": "a9"},
        ],
        "aliases": ["one", "two"],
        "from": {"id": "6", "entity_type": "Malware", "standard_id": "malware--6"},
        "coverage": [{"coverage_name": "Detection", "coverage_score": 40}],
        "start_time": "1970-01-01T00:00:00.000Z",
        "stop_time": "2024-01-01T00:00:00.000Z",
        "parent_types": ["Basic-Object"],
        "samples": [{"id": "7"}],
        "goals": [],
        "description": None,
    }
    assert cells(entity) == {
        "id": "1",
        "name": "Paper Lantern",
        "confidence": 0,
        "revoked": False,
        "createdBy": "Institute",
        "objectMarking": "TLP:GREEN",
        "objectLabel": "a; b",
        "killChainPhases": "lm: delivery",
        "externalReferences": "x X-1; y https://y.example",
        "hashes.MD5": "d4",
        "hashes.SHA-1": "a9",
        "aliases": "one; two",
        "from": "malware--6",
        "coverage": "coverage_name: Detection, coverage_score: 40",
        "stop_time": "2024-01-01T00:00:00.000Z",
    }


def test_a_cell_stays_readable_whatever_a_report_holds() -> None:
    objects = [{"name": f"object {number}"} for number in range(100_000)]
    text = cells({"objects": objects})["objects"]
    assert text.startswith("object 0; object 1; ")
    assert text.endswith(f"object {MOST_IN_A_CELL - 1}; and 99,900 more")


def test_the_order_does_not_depend_on_what_comes_first() -> None:
    one = in_order(["zeta", "name", "id", "alpha"])
    assert one == in_order(["alpha", "id", "zeta", "name"])
    assert one == [*LEADING, "alpha", "zeta", *TRAILING]


@pytest.mark.parametrize(
    ("given", "meant"), [(",", ","), ("|", "|"), ("tab", "\t"), ("TAB", "\t")]
)
def test_delimiters(given: str, meant: str) -> None:
    settings = make_settings(
        ConnectorSettings, {"export_file_csv": {"delimiter": given}}
    )
    assert settings.export_file_csv.delimiter == meant


@pytest.mark.parametrize("given", ['"', ";;", "a", "\n"])
def test_what_no_reader_could_take_apart_is_refused(given: str) -> None:
    with pytest.raises(ConfigValidationError, match="EXPORT_FILE_CSV_DELIMITER"):
        make_settings(ConnectorSettings, {"export_file_csv": {"delimiter": given}})
