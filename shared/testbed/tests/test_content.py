"""Seeding, exporting and resetting a platform from the command line."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import requests

from opencti_testbed.process import TestbedProcess


def testbed(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "opencti_testbed", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


testbed.__test__ = False  # type: ignore[attr-defined]  # no test, whatever its name looks like


def test_what_is_seeded_can_be_exported_and_thrown_away(
    platform: TestbedProcess, client: Any, make: Any, tmp_path: Path
) -> None:
    bundle, objects, single = (tmp_path / f"{n}.json" for n in "abc")
    bundle.write_text(
        json.dumps(
            {"type": "bundle", "id": "bundle--1", "objects": [make.malware("a")]}
        )
    )
    objects.write_text(
        json.dumps([make.malware("b"), {**make.malware("c"), "name": None}])
    )
    single.write_text(json.dumps(make.malware("d")))
    done = testbed("seed", *map(str, (bundle, objects, single)), "--url", platform.url)
    # All files are sent, and what was rejected is not passed over.
    assert done.returncode == 1, done.stderr
    assert done.stdout.splitlines() == [
        f"{bundle}: 1 created",
        f"{objects}: 1 created, 1 rejected",
        f"{single}: 1 created",
    ]
    before = platform.fingerprint()
    users = client.api.user.list()
    assert users

    out = tmp_path / "all.json"
    done = testbed("export", "--out", str(out), "--url", platform.url)
    assert done.returncode == 0, done.stderr
    exported = json.loads(out.read_text())["objects"]
    assert {o["name"] for o in exported if o["type"] == "malware"} == {"a", "b", "d"}

    asked = testbed("reset", "--url", platform.url)
    assert asked.returncode == 1 and platform.fingerprint() == before
    done = testbed("reset", "--yes", "--url", platform.url)
    assert done.returncode == 0, done.stderr
    assert "Malware" not in platform.summary()["objects_by_type"]
    assert platform.works() == []
    assert client.api.user.list() == users

    # Keys are used again: what was found by its words before must not be found now.
    done = testbed("seed", str(single), "--url", platform.url)
    assert done.returncode == 0, done.stderr
    assert [m["name"] for m in client.api.malware.list(search="d")] == ["d"]
    assert client.api.malware.list(search="a") == []

    done = testbed("seed", str(out), "--url", platform.url)
    assert done.returncode == 0, done.stderr
    assert platform.fingerprint() == before


@pytest.mark.parametrize("command", ["seed", "export", "reset"])
def test_what_goes_wrong_is_one_line(
    platform: TestbedProcess, tmp_path: Path, command: str
) -> None:
    wrong = tmp_path / "wrong.json"
    wrong.write_text("{")
    more = {"seed": [str(wrong)], "reset": ["--yes"]}.get(command, [])
    gone = testbed(command, *more, "--url", "http://127.0.0.1:9")
    refused = testbed(command, *more, "--url", platform.url, "--token", "guess")
    for done in (gone, refused):
        assert done.returncode == 1
        assert len(done.stderr.strip().splitlines()) == 1
    if command == "seed":
        assert "wrong.json is no JSON" in gone.stderr
    else:
        assert "No platform answers" in gone.stderr
        assert "does not accept this token" in refused.stderr


def test_what_is_no_bundle_is_refused(make: Any) -> None:
    with TestbedProcess(options=("--max-body-mb", "0.1")) as platform:
        for body, status, words in (
            (json.dumps(make.malware("x" * 200_000)).encode(), 413, "larger"),
            (b'{"type": "bundle", "objects": [{"name": "\xff"}]}', 400, "no UTF-8"),
            (b"nonsense", 400, ""),
        ):
            answer = requests.post(
                f"{platform.url}/testbed/bundles",
                data=body,
                headers={"Authorization": f"Bearer {platform.token}"},
                timeout=10,
            )
            assert answer.status_code == status
            assert words in answer.json()["error"]
        assert platform.works() == []
