"""Hundreds of files as they are published, valid and invalid. The data stand beside the checkout, and are never part of it."""

import copy
import gzip
import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from connectors_sdk.connectors.internal_import_file import UnreadableFile

DATA = Path(__file__).resolve().parents[4] / "shared" / "data"
pytestmark = pytest.mark.skipif(
    not DATA.is_dir(), reason="the real data do not stand beside this checkout"
)
Reads = Callable[..., Any]
LANGUAGES = ", which ISO 639-1 and 639-2 do not have"
UNKNOWN = ", an observable that neither STIX nor the platform has"
NOBODYS = ", which does not tell whose type it is"
# Judged invalid by the validator with which the cases come, but only remarked on here, and how the remark ends.
REMARKED = {
    "21-0106": LANGUAGES,
    "21-0341": LANGUAGES,
    "20-0214": LANGUAGES,
    "20-0055": UNKNOWN,
    "20-0056": UNKNOWN,
    "20-0057": UNKNOWN,
    "20-0058": UNKNOWN,
    "20-0059": NOBODYS,
}


def is_invalid(read: Reads, stix: Any) -> bool:
    try:
        return bool(read(stix).set_aside)
    except UnreadableFile:
        return True


def cases(version: str) -> list[dict[str, Any]]:
    path = DATA / f"stix/invalid/validator_cases_stix{version}.json"
    found: list[dict[str, Any]] = json.loads(path.read_text("utf-8"))
    # Of three the validator gives no verdict: bundles without id or with something that has no type.
    return [case for case in found if case["valid"] is not None]


@pytest.mark.parametrize(("version", "count"), [("20", 175), ("21", 266)])
def test_the_cases_of_the_validator(read: Reads, version: str, count: int) -> None:
    judged = {case["id"]: is_invalid(read, case["object"]) for case in cases(version)}
    assert len(judged) == count
    wrong = {
        case["id"] for case in cases(version) if judged[case["id"]] == case["valid"]
    }
    assert wrong == {one for one in REMARKED if one.startswith(version)}
    for case in cases(version):
        if case["id"] in REMARKED:
            ((_, remark),) = read(case["object"]).report.remarked
            assert remark.endswith(REMARKED[case["id"]])


@pytest.mark.parametrize("version", ["20", "21"])
def test_patterns(read: Reads, version: str) -> None:
    path = DATA / f"stix/patterns/pattern_cases_stix{version}.json"
    wrong = []
    for case in json.loads(path.read_text("utf-8")):
        indicator = {
            "type": "indicator",
            "id": "indicator--00000000-0000-4000-8000-000000000001",
            "created": "2024-01-01T00:00:00.000Z",
            "modified": "2024-01-01T00:00:00.000Z",
            "labels": ["malicious-activity"],
            "valid_from": "2024-01-01T00:00:00.000Z",
            "pattern": case["pattern"],
        }
        if version == "21":
            indicator |= {"spec_version": "2.1", "pattern_type": "stix"}
        if is_invalid(read, indicator) == case["valid"]:
            wrong.append(case["pattern"])
    assert not wrong


def test_broken_files(read: Reads) -> None:
    folder = DATA / "stix/invalid"
    with pytest.raises(UnreadableFile, match="XML|JSON"):
        read(folder / "raw_v20/invalid_braces.json")
    for name, words in {
        "raw_v20/invalid_identity.json": "modified is missing",
        "raw_v20/invalid_timestamp.json": "modified is before created",
        "raw_v21/invalid_identity.json": "modified is missing",
    }.items():
        found = read(folder / name)
        assert not found.objects and found.reasons == words
    for name in (
        "raw_v20/identity.json",
        "raw_v21/tool.json",
        "raw_v21/tlp-amber.json",
    ):
        assert len(read(folder / name).objects) == 1


def files() -> Iterator[tuple[Path, bytes]]:
    """Yield all files that are a bundle, a list or an object of STIX 2, with their unpacked content."""
    for path in sorted(DATA.rglob("*")):
        # Broken files and lists of cases have tests of their own; the biggest is tried on its own as well.
        if not path.is_file() or path.parts[-2] in ("invalid", "patterns"):
            continue
        content = path.read_bytes()
        if content.startswith(b"\x1f\x8b"):
            content = gzip.decompress(content)
        if b'"type"' in content and content.lstrip()[:1] in (b"{", b"["):
            yield path, content


def raw_objects(content: bytes) -> list[Any] | None:
    try:
        found = json.loads(content)
    except ValueError:
        return None
    if isinstance(found, dict) and found.get("type") == "bundle":
        objects: list[Any] = found.get("objects", [])
        return objects
    found = found if isinstance(found, list) else [found]
    is_stix = found and all(
        "--" in str(dict(one).get("id")) for one in found if isinstance(one, dict)
    )
    return found if is_stix and all(isinstance(one, dict) for one in found) else None


def test_every_file_comes_through_whole_or_listed(read: Reads) -> None:
    count = objects = imported = refused = 0
    for path, content in files():
        given = raw_objects(content)
        if given is None:
            continue
        # Of the matrices of ATT&CK, which are alike, one is enough here.
        if len(given) > 20_000 and "17.1" not in path.name:
            continue
        try:
            found = read(path)
        except UnreadableFile as error:
            assert "no STIX" in str(error) and len(given) < 10, (path, error)
            continue
        report = found.report
        assert report.read.total() == len(given), path
        assert len(found.by_id) == report.imported.total(), path
        assert report.read.total() + report.made.total() == (
            report.imported.total() + report.left_out.total() + report.refused.total()
        ), path
        assert report.refused.total() == len(found.set_aside), path
        unharmed(given, found)
        count, objects = count + 1, objects + len(given)
        imported += report.imported.total()
        refused += report.refused.total()
    assert count > 300 and objects > 40_000
    assert refused < objects / 100


UUID = "00000000-0000-4000-8000-000000000001"
PARTS = [
    None,
    True,
    -1,
    1.5,
    "",
    "x",
    [],
    {},
    [None],
    [{}],
    [5],
    {"a": None},
    {"0": {}},
]


def places(stix: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    inner = stix.items() if isinstance(stix, dict) else enumerate(stix)
    for key, value in inner:
        yield *above, key
        if isinstance(value, (dict, list)):
            yield from places(value, (*above, key))


def test_whatever_a_part_is_the_rest_of_the_file_is_imported(read: Reads) -> None:
    choose = random.Random(7)
    pool = [
        one
        for path in sorted((DATA / "stix").rglob("*.json"))
        if "invalid" not in path.parts and path.stat().st_size < 300_000
        for one in raw_objects(path.read_bytes()) or ()
    ]
    lost = {"type": "marking-definition", "id": f"marking-definition--{UUID}"}
    extra = ("object_marking_refs", "granular_markings", "object_refs", "lang")
    values = [*PARTS, [lost["id"]], [{"marking_ref": lost["id"], "selectors": 5}]]
    for round_number in range(60):
        objects = [lost]
        for one in copy.deepcopy(choose.sample(pool, 40)):
            *above, last = choose.choice([*places(one), *((key,) for key in extra)])
            part = one
            for key in above:
                part = part[key]
            if last not in ("id", "type") or above:
                part[last] = copy.deepcopy(choose.choice(values))
            objects.append(one)
        for section in ({}, {"strict": False}, {"missing_references": "drop"}):
            report = read(objects, **section).report
            assert report.read.total() + report.made.total() == (
                report.imported.total()
                + report.left_out.total()
                + report.refused.total()
            ), round_number


def unharmed(given: list[Any], found: Any) -> None:
    """What STIX 2.1 has said comes out as it went in, but for references to what is not imported, and for markings."""
    out = found.by_id
    lost = {one["id"] for one in given if one.get("id") not in out and "id" in one}
    for one in given:
        new = out.get(one.get("id"))
        same = new is not None and new.get("modified") == one.get("modified")
        if not same or one.get("spec_version") != "2.1" or "modified" not in one:
            continue
        for key, value in one.items():
            refs = value if isinstance(value, list) else [value]
            if key.endswith(("_ref", "_refs")) and (
                lost.intersection(map(str, refs)) or key == "object_marking_refs"
            ):
                continue
            if key == "objects":
                continue
            unknown = any(str(ref).startswith("x-") for ref in refs)
            assert new.get(key) == value or unknown or lost, (one["id"], key)
