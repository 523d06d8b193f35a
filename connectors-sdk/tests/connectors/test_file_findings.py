"""From what was found in a file to bundles, where the whole file can be looked up."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from connectors_sdk.connectors.internal_import_file import ImportedFile
from connectors_sdk.connectors.internal_import_file.child import SET_ASIDE, _Refused
from connectors_sdk.connectors.internal_import_file.objects import (
    Dress,
    Findings,
    TooManyObjects,
    check,
)

UUID = "00000000-0000-4000-8000-00000000000"
AWAY = f"identity--{UUID}9"
TOOL = {"type": "tool", "id": f"tool--{UUID}1", "name": "T", "created_by_ref": AWAY}
NOTE = {"type": "note", "id": f"note--{UUID}2", "object_refs": [TOOL["id"]]}
TLP_2 = {
    "type": "marking-definition",
    "id": f"marking-definition--{UUID}3",
    "extensions": {"extension-definition--1": {"tlp_2_0": "amber"}},
}


def found(whole: bool, most: int = 10) -> tuple[list[Any], list[str]]:
    refused: list[str] = []
    held = {one["id"]: one for one in (TOOL, NOTE)}
    findings = Findings(
        Dress(),
        most,
        lambda raw, reason: refused.append(reason),
        held.get if whole else None,
    )
    return list(findings.bundles([NOTE, TOOL])), refused


def test_what_the_file_does_not_hold_is_kept_where_all_of_it_is_known() -> None:
    bundles, refused = found(whole=True)
    assert not refused
    assert [bundle.ids for bundle in bundles] == [(TOOL["id"], NOTE["id"])]
    assert bundles[0].external == (AWAY,)
    assert bundles[0].objects[0]["created_by_ref"] == AWAY


def test_else_it_is_dropped() -> None:
    bundles, refused = found(whole=False)
    assert AWAY in refused[0]
    assert not bundles[0].external
    assert "created_by_ref" not in bundles[0].objects[0]


def test_objects_are_counted_once() -> None:
    with pytest.raises(TooManyObjects):
        found(whole=True, most=1)


def test_markings_without_definition_have_to_say_what_they_are() -> None:
    check(TLP_2)
    with pytest.raises(ValueError, match="does not say what it is"):
        check({**TLP_2, "extensions": {}})


def test_what_is_set_aside_goes_to_disk_at_once(tmp_path: Path) -> None:
    refused = _Refused(tmp_path / SET_ASIDE, 2)
    file = ImportedFile(tmp_path, "a", "text/plain", 1)
    file.tally.refuse = refused.add
    deep: Any = "x"
    for _ in range(2000):
        deep = [deep]
    for raw in ({"a": 1}, deep, {"a": 3}):
        file.set_aside(raw, "why", "mapper")
    refused.close()
    assert not file.tally.set_aside
    assert refused.count == 3
    lines = (tmp_path / SET_ASIDE).read_bytes().splitlines()
    kept = [orjson.loads(line)["raw"] for line in lines]
    assert kept == [{"a": 1}, "'list'"]


def test_remarks_are_collected(tmp_path: Path) -> None:
    file = ImportedFile(tmp_path, "a", "text/plain", 1)
    file.remark("It is old.")
    assert file.tally.remarks == ["It is old."]
