"""The command line of connectors that work on request: rehearsals, plans and origins, without and with a platform."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from listening_support import PROGRAMS, SECRET, Kit, Lane, Source, said

from connectors_sdk.models import IPV4Address, TLPMarking
from connectors_sdk.testing import Canned

FULL = {"asn": 64500, "country": "France", "score": 80, "labels": ["bad"]}
STREAM = str(PROGRAMS.parents[1] / "stream" / "programs" / "connector")
# Runs a program with arguments, in an environment without a platform, and returns it when it has ended.
Command = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(name="command")
def fixture_command(source: Source, tmp_path: Path) -> Command:
    def run(
        program: str, *arguments: str, **environment: str
    ) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, str(PROGRAMS / f"{program}.py"), *arguments],
            env={
                "PATH": os.environ["PATH"],
                "SOURCE_URL": source.url,
                "SOURCE_API_KEY": SECRET,
                "CONNECTOR_DATA_PATH": str(tmp_path / "data"),
                **environment,
            },
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


def objects_in(path: Path) -> dict[str, dict[str, Any]]:
    """Return the objects of a written bundle by type; of several the last."""
    bundle = json.loads(path.read_text("utf-8"))
    assert bundle["type"] == "bundle"
    return {one["type"]: one for one in bundle["objects"]}


# -- enrichment ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("given", ["value", "object", "bundle"])
def test_a_rehearsed_enrichment(
    given: str, command: Command, source: Source, tmp_path: Path
) -> None:
    amber = TLPMarking(level="amber")
    entity = IPV4Address(value="203.0.113.5", markings=[amber], score=10)
    source.knows(entity.value, FULL)
    about = f"IPv4-Addr:{entity.value}"
    if given != "value":
        form = entity.to_stix_dict()
        bundle = {"type": "bundle", "objects": [amber.to_stix_dict(), form]}
        file = tmp_path / "entity.json"
        file.write_text(json.dumps(bundle if given == "bundle" else form), "utf-8")
        about = str(file)
    out = tmp_path / "bundle.json"
    done = command(
        *(
            "enricher",
            "run",
            "--once",
            "--dry-run",
            "--entity",
            about,
            "--out",
            str(out),
        )
    )
    assert done.returncode == 0, done.stderr
    before = "none" if given == "value" else "10"
    assert f"Found 4 objects, score {before} -> 80." in done.stdout
    assert "203.0.113.5 belongs-to AS64500" in done.stdout
    objects = objects_in(out)
    assert objects["ipv4-addr"]["id"] == entity.id
    assert objects["ipv4-addr"]["x_opencti_score"] == 80
    assert objects["autonomous-system"]["number"] == 64500
    if given != "value":
        assert objects["relationship"]["object_marking_refs"] == [amber.id]
    # Neither an answer nor anything else is kept.
    assert not (tmp_path / "data").exists()


def test_a_rehearsed_enrichment_that_comes_to_nothing(
    command: Command, source: Source, tmp_path: Path
) -> None:
    source.knows("203.0.113.6", {})
    source.knows("203.0.113.7", Canned("no", status=401))
    rehearse = ("enricher", "run", "--dry-run", "--entity")
    done = command(*rehearse, "IPv4-Addr:203.0.113.6")
    assert (done.returncode, done.stdout.splitlines()[0]) == (
        0,
        "Nothing is known about it.",
    )
    done = command(*rehearse, "IPv4-Addr:203.0.113.7")
    assert done.returncode == 1
    assert "refuses the credentials" in done.stderr
    done = command(*rehearse, "Tool:hammer")
    assert "Tool is not in the scope" in done.stdout
    red = IPV4Address(value="203.0.113.8", markings=[TLPMarking(level="red")])
    file = tmp_path / "red.json"
    file.write_text(json.dumps(red.to_stix_dict()), "utf-8")
    done = command(*rehearse, str(file))
    assert "TLP:RED is above the maximum" in done.stdout
    assert not source.asked("203.0.113.8")


@pytest.mark.parametrize(
    ("program", "arguments", "words"),
    [
        ("enricher", (), "give --entity"),
        ("enricher", ("--file", "x"), "--file means nothing"),
        ("enricher", ("--entity", "x", "--limit", "3"), "--limit means nothing"),
        ("enricher", ("--entity", "nothing"), "neither a file nor a type"),
        ("enricher", ("--entity", "Ghost:x"), "there is no such type"),
        ("enricher", ("--entity", "IPv4-Addr:x"), "No IPv4-Addr can be made of 'x'"),
        ("enricher", ("--entity", __file__), "is no JSON file"),
        ("importer", (), "give --file"),
        ("importer", ("--file", "/nowhere"), "/nowhere is no file"),
        ("importer", ("--entity", "x"), "--entity means nothing"),
        ("exporter", (), "cannot run without a platform"),
        ("exporter", ("--file", "x"), "--file means nothing"),
        (STREAM, (), "cannot run without a platform"),
        (STREAM, ("--entity", "x"), "--entity means nothing"),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(
    program: str, arguments: tuple[str, ...], words: str, command: Command
) -> None:
    done = command(
        *(program, "run", "--once", "--dry-run", *arguments),
        TARGET_URL="http://127.0.0.1:9",
    )
    assert done.returncode == 2, done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_a_real_run_takes_nothing_to_be_tried_on(command: Command) -> None:
    done = command("enricher", "run", "--entity", "IPv4-Addr:203.0.113.9")
    assert done.returncode == 2
    assert "go with --dry-run only" in done.stderr


# -- file import ---------------------------------------------------------------------------------------------------------


def test_a_rehearsed_import(command: Command, tmp_path: Path) -> None:
    file, out = tmp_path / "a file.txt", tmp_path / "bundle.json"
    file.write_text("203.0.113.20\nprivate 10.0.0.1\nbad 1\n203.0.113.1\n", "utf-8")
    rehearse = ("importer", "run", "--once", "--dry-run", "--file")
    done = command(*rehearse, str(file), "--out", str(out))
    assert done.returncode == 0, done.stderr
    for words in (
        "Found 4 objects. Left out: 1 private address. Set aside, see the quarantine: 1.",
        "203.0.113.1 related-to of 203.0.113.1",
        "1 records could not be processed",
        "address: ValueError: bad 1 is no address",
    ):
        assert words in done.stdout
    assert objects_in(out)["malware"]["name"] == "of 203.0.113.1"
    assert not (tmp_path / "data").exists()
    # What would go to a draft needs none here.
    done = command(*rehearse, str(file), CONNECTOR_VALIDATE_BEFORE_IMPORT="true")
    assert done.returncode == 0, done.stderr
    broken = tmp_path / "broken.zip"
    broken.write_bytes(b"PK\x03\x04 and nothing more")
    done = command(*rehearse, str(broken))
    assert done.returncode == 1
    assert "no readable ZIP file" in done.stderr
    big = tmp_path / "big.txt"
    big.write_bytes(b"\n" * 1_000_001)
    done = command(*rehearse, str(big), CONNECTOR_FILE_MAX_MB="1")
    assert "bigger than the limit of 1 MB" in done.stderr
    done = command(*rehearse, str(file), CONNECTOR_SCOPE="text/csv")
    assert "text/plain is not in the scope" in done.stdout


# -- with a platform -----------------------------------------------------------------------------------------------------


def test_plans_compare_with_the_platform(
    command: Command, http: Lane, source: Source, tmp_path: Path
) -> None:
    platform = {"OPENCTI_URL": http.platform.url, "OPENCTI_TOKEN": http.platform.token}
    known = IPV4Address(value="203.0.113.30", score=10)
    http.seed(known)
    before = http.platform.summary()["created"]
    source.knows(known.value, {"asn": 64530, "score": 80})
    plan = command(
        "enricher", "plan", "--entity", f"IPv4-Addr:{known.value}", **platform
    )
    assert plan.returncode == 0, plan.stderr
    assert "3 created, 1 changed" in plan.stdout
    assert "x_opencti_score" in plan.stdout
    file = tmp_path / "two.txt"
    file.write_text(f"{known.value}\n203.0.113.31\nbad\n", "utf-8")
    plan = command("importer", "plan", "--file", str(file), "--json", **platform)
    assert plan.returncode == 0, plan.stderr
    found = json.loads(plan.stdout)
    actions = {one["name"]: one["action"] for one in found["objects"]}
    assert actions == {known.value: "unchanged", "203.0.113.31": "create"}
    assert found["set_aside"] == 1
    assert command("exporter", "plan", **platform).returncode == 2
    assert http.platform.summary()["created"] == before


def test_origins_are_explained(
    command: Command, http: Lane, kit_of: Callable[..., Kit]
) -> None:
    entity = IPV4Address(value="203.0.113.40")
    http.seed(entity)
    http.source.knows(entity.value, {"asn": 64540})
    kit = kit_of(http, "enricher")
    connector = kit.start(CONNECTOR_PROVENANCE="true")
    assert "Found" in said(http.finished(kit.enrich(entity.id, connector)))
    http.platform.wait_idle()
    (system,) = (o for o in http.platform.objects() if o.get("number") == 64540)
    environment = {
        key: connector.environment[key] for key in ("CONNECTOR_DATA_PATH", "SOURCE_URL")
    }
    told = command("enricher", "explain", system["id"], "--json", **environment)
    assert told.returncode == 0, told.stderr
    (origin,) = json.loads(told.stdout)
    assert origin["mapper"] == "Enricher.enrich"
    assert origin["record"]["asked about"]["value"] == entity.value

    kit = kit_of(http, "importer")
    connector = kit.start(CONNECTOR_PROVENANCE="true")
    file_id = http.upload("rows.txt", b"203.0.113.41\n203.0.113.42", "text/plain")
    assert "Found 2" in said(http.finished(kit.imports(file_id, connector)))
    row = IPV4Address(value="203.0.113.42").id
    environment["CONNECTOR_DATA_PATH"] = connector.environment["CONNECTOR_DATA_PATH"]
    told = command("importer", "explain", row, "--json", **environment)
    assert told.returncode == 0, told.stderr
    (origin,) = json.loads(told.stdout)
    assert (origin["mapper"], origin["record"]) == ("Importer.address", "203.0.113.42")
    told = command("importer", "explain", "malware--0", **environment)
    assert told.returncode == 1
