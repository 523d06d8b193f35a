"""The command line as people and workflows call it: a process, its output, its exit code."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker

TESTS = Path(__file__).resolve().parent
sys.path[:0] = [str(TESTS), str(TESTS.parent)]

# pylint: disable=wrong-import-position
from connector_linter.model import REGISTRY, Files  # noqa: E402
from linter_samples import write_connector  # noqa: E402

PROGRAM = TESTS.parent / "lint_connectors.py"
ROOT = PROGRAM.parents[3]
IMPORT = "EXTERNAL_IMPORT"
CODE = "src/connector/connector.py"
PRINTS: Files = {CODE: "def run(rows):\n    print(rows)\n"}
BROKEN_CODE = "import requests\n\n\ndef run(rows):\n    print(rows)\n    return requests.get('https://example.org')\n"
BROKEN: Files = {CODE: BROKEN_CODE}


def lint(*arguments: str | Path, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(PROGRAM), *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, "COLUMNS": "120"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def check(folder: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    # Runtime checks are not what these tests are about.
    return lint("check", folder, "--ignore", "VC31", *arguments)


def as_json(folder: Path, *arguments: str | Path) -> dict[str, Any]:
    done = check(folder, "--format", "json", *arguments)
    assert done.returncode in (0, 1), done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return report


# -- exit codes ------------------------------------------------------------------------------------------------------


def test_exit_code_0_where_there_is_no_error(tmp_path: Path) -> None:
    assert check(write_connector(tmp_path, IMPORT)).returncode == 0
    # A warning is no error.
    done = check(write_connector(tmp_path / "warned", IMPORT, PRINTS))
    assert done.returncode == 0
    assert "WARN VC705" in done.stdout


def test_exit_code_1_where_there_is_an_error(tmp_path: Path) -> None:
    done = check(write_connector(tmp_path, IMPORT, BROKEN))
    assert done.returncode == 1
    assert re.search(
        r"FAIL VC701 \S+/connector.py:6: requests.get without timeout", done.stdout
    )


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["check"], "PATH"),
        (["check", "no/such/folder"], "does not exist"),
        (["check", "/"], "is no connector"),
        (["check", "external-import/mitre", "--select", "VC999"], "no check VC999"),
        (["check", "external-import/mitre", "--format", "xml"], "--format"),
        (["check", "external-import/mitre", "--baseline", "none.json"], "no baseline"),
        (["check", "external-import/mitre", "--config", "none.toml"], "cannot be read"),
        (["check", "external-import/mitre", "--jobs", "0"], "--jobs"),
        (["docs", "--check"], "--output"),
        (["lint"], "invalid choice"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_exit_code_2_on_wrong_usage(arguments: list[str], says: str) -> None:
    done = lint(*arguments)
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_a_connector_of_unknown_type_is_said(tmp_path: Path) -> None:
    folder = write_connector(tmp_path, IMPORT)
    elsewhere = tmp_path / "somewhere" / "sample"
    elsewhere.parent.mkdir()
    folder.rename(elsewhere)
    assert check(elsewhere).returncode == 0, "the manifest tells the type"
    (elsewhere / "__metadata__" / "connector_manifest.json").unlink()
    done = check(elsewhere)
    assert done.returncode == 2
    assert "the type of this connector is unknown" in done.stderr


# -- what is checked -------------------------------------------------------------------------------------------------


def test_select_ignore_and_severity(tmp_path: Path) -> None:
    folder = write_connector(tmp_path, IMPORT, BROKEN)

    def codes(*arguments: str) -> list[str]:
        return [one["code"] for one in as_json(folder, *arguments)["results"]]

    assert codes() == ["VC705", "VC701"]
    assert codes("--select", "VC701") == ["VC701"]
    assert codes("--select", "VC7xx", "--ignore", "VC701") == ["VC705"]
    assert codes("--severity", "error") == ["VC701"]
    assert "VC101" in codes("--severity", "info")


def test_a_file_of_a_connector_can_be_checked_alone(tmp_path: Path) -> None:
    folder = write_connector(
        tmp_path, IMPORT, {**BROKEN, "src/connector/other.py": "print('x')\n"}
    )
    report = as_json(folder / "src" / "connector" / "other.py")
    assert [Path(one["file_path"]).name for one in report["results"]] == ["other.py"]


def test_all_connectors_of_a_repository_are_found(tmp_path: Path) -> None:
    for type_ in (IMPORT, "STREAM", "INTERNAL_ENRICHMENT"):
        write_connector(tmp_path, type_)
    write_connector(tmp_path / "templates", "STREAM")
    (tmp_path / "templates" / "stream" / "sample").rename(tmp_path / "templates" / "x")
    (tmp_path / "templates" / "stream").rmdir()
    (tmp_path / "templates" / "x").rename(tmp_path / "templates" / "stream")
    report = as_json(tmp_path)
    paths = [one["path"].split("/")[-2:] for one in report["connectors"]]
    assert paths == [
        ["external-import", "sample"],
        ["internal-enrichment", "sample"],
        ["stream", "sample"],
        ["templates", "stream"],
    ]
    only = as_json(tmp_path / "stream")
    assert only["connector"] == "sample" and only["path"].endswith("stream/sample")


def test_many_connectors_are_checked_by_several_processes(tmp_path: Path) -> None:
    folder = write_connector(tmp_path, IMPORT, BROKEN)
    for number in range(12):
        copy = folder.parent / f"copy-{number:02}"
        folder.rename(copy)
        folder = write_connector(tmp_path, IMPORT, BROKEN)
    several = as_json(tmp_path, "--jobs", "3")
    alone = as_json(tmp_path, "--jobs", "1")
    assert several == alone
    assert len(several["connectors"]) == 13
    assert several["summary"]["errors"] >= 13


def test_the_configuration_file(tmp_path: Path) -> None:
    folder = write_connector(tmp_path, IMPORT, BROKEN)
    (tmp_path / "pyproject.toml").write_text(
        "[tool.connector-linter]\nignore = ['VC705']\n"
        "per-file-ignores = { 'src/*/connector.py' = ['VC70'] }\n"
    )
    assert not as_json(folder)["results"]
    elsewhere = tmp_path / "other.toml"
    elsewhere.write_text("[tool.connector-linter]\nselect = ['VC705']\n")
    codes = [one["code"] for one in as_json(folder, "--config", elsewhere)["results"]]
    assert codes == ["VC705"]
    elsewhere.write_text("[tool.connector-linter]\nselekt = ['VC705']\n")
    done = check(folder, "--config", elsewhere)
    assert done.returncode == 2 and "has no selekt" in done.stderr


def test_noqa_switches_off_where_it_stands(tmp_path: Path) -> None:
    text = (
        "def run(rows):\n"
        "    print(rows)  # noqa: VC705 the launcher reads it\n"
        "    print(rows)  # noqa: VC701, vc705: both\n"
        "    print(rows)  # noqa\n"
        "    print(rows)  # noqa: E501\n"
        "    print(rows)  # noqa: VC701 of another check\n"
    )
    folder = write_connector(tmp_path, IMPORT, {CODE: text})
    lines = [one["line"] for one in as_json(folder, "--select", "VC705")["results"]]
    assert lines == [5, 6]
    with_all = as_json(folder, "--select", "VC705", "--disable-noqa")["results"]
    assert [one["line"] for one in with_all] == [2, 3, 4, 5, 6]
    in_dockerfile = {"Dockerfile": 'CMD ["entrypoint.sh"]  # noqa: VC402 old image\n'}
    assert not as_json(
        write_connector(tmp_path / "docker", IMPORT, in_dockerfile), "--select", "VC402"
    )["results"]


# -- baseline --------------------------------------------------------------------------------------------------------


def test_a_baseline_hides_what_was_there_and_nothing_else(tmp_path: Path) -> None:
    folder = write_connector(tmp_path, IMPORT, BROKEN)
    file = tmp_path / "baseline.json"
    written = check(folder, "--write-baseline", file)
    assert written.returncode == 0 and "2 findings written" in written.stderr
    done = check(folder, "--baseline", file)
    assert done.returncode == 0
    assert "2 findings of the baseline are not shown" in done.stdout
    # The same line further down is still known; a second one like it is new.
    moved = (
        "import requests\n\n\n# More lines.\n\n\n" + BROKEN_CODE.partition("\n\n\n")[2]
    )
    (folder / CODE).write_text(moved)
    assert check(folder, "--baseline", file).returncode == 0
    (folder / CODE).write_text(
        moved + "\n\ndef more():\n    return requests.get('https://example.org')\n"
    )
    done = check(folder, "--baseline", file)
    assert done.returncode == 1
    assert done.stdout.count("VC701") == 1
    # What is repaired is said, so that the baseline gets shorter.
    (folder / CODE).write_text("def run(rows):\n    return rows\n")
    done = check(folder, "--baseline", file)
    assert "2 findings of the baseline are gone" in done.stdout
    file.write_text('{"version": 9, "findings": {}}')
    assert check(folder, "--baseline", file).returncode == 2


# -- forms -----------------------------------------------------------------------------------------------------------


def test_text(tmp_path: Path) -> None:
    folder = write_connector(tmp_path, IMPORT, BROKEN)
    done = check(folder, "--verbose", "--select", "VC701", "--select", "VC705")
    assert done.stdout.splitlines() == [
        f"== {folder}",
        f"WARN VC705 {folder / CODE}:5: print is called",
        "     Use the logger.",
        f"FAIL VC701 {folder / CODE}:6: requests.get without timeout",
        "     Give the call `timeout=` (seconds), or use the SDK's client.",
        "",
        "Score: 1/2 — 50%",
    ]
    near = lint("check", "external-import/sample", "--select", "VC701", cwd=tmp_path)
    assert f"FAIL VC701 external-import/sample/{CODE}:6" in near.stdout
    far = lint(
        "check",
        "external-import/sample",
        "--select",
        "VC701",
        "--abspath",
        cwd=tmp_path,
    )
    assert f"FAIL VC701 {folder / CODE}:6" in far.stdout
    passed = check(folder, "--severity", "info", "--select", "VC101").stdout
    assert "PASS VC101 config-token-default" in passed


def test_json(tmp_path: Path) -> None:
    folder = write_connector(tmp_path, IMPORT, BROKEN)
    report = as_json(folder, "--select", "VC701", "--select", "VC101")
    assert report["connector"] == "sample"
    assert report["summary"] == {
        "total": 2,
        "passed": 1,
        "failed": 1,
        "errors": 1,
        "warnings": 0,
        "score_pct": 50,
    }
    assert report["results"] == [
        {
            "code": "VC701",
            "name": "request-timeout",
            "message": "requests.get without timeout",
            "severity": "ERROR",
            "file_path": str(folder / CODE),
            "line": 6,
            "suggestion": "Give the call `timeout=` (seconds), or use the SDK's client.",
        }
    ]


def test_github(tmp_path: Path) -> None:
    folder = write_connector(tmp_path, IMPORT, {**BROKEN, "config.yml.sample": None})
    lines = check(folder, "--format", "github").stdout.splitlines()
    assert (
        "::error file=external-import/sample::VC104: there is no config.yml.sample"
        in lines
    )
    assert (
        f"::warning file=external-import/sample/{CODE},line=5::VC705: print is called"
        in lines
    )


def test_markdown(tmp_path: Path) -> None:
    folder = write_connector(tmp_path, IMPORT, BROKEN)
    text = check(folder, "--format", "markdown", "--select", "VC701").stdout
    assert "### sample" in text
    assert (
        f"| ❌ | [VC701](docs/checks/README.md#vc701-request-timeout) request-timeout | `{CODE}:6` |"
        in text
    )


def test_sarif(tmp_path: Path) -> None:
    folder = write_connector(tmp_path, IMPORT, BROKEN)
    file = tmp_path / "out.sarif"
    done = check(folder, "--format", "sarif", "--output", file)
    assert done.returncode == 1 and not done.stdout
    log = json.loads(file.read_text())
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == [one.code for one in REGISTRY.all()]
    assert all("/docs/checks/README.md#vc" in rule["helpUri"] for rule in rules)
    assert (
        Path(run["originalUriBaseIds"]["ROOT"]["uri"].removeprefix("file://"))
        == tmp_path
    )
    levels = {one["ruleId"]: one["level"] for one in run["results"]}
    assert levels == {"VC701": "error", "VC705": "warning"}
    for one in run["results"]:
        assert rules[one["ruleIndex"]]["id"] == one["ruleId"]
        place = one["locations"][0]["physicalLocation"]
        assert (tmp_path / place["artifactLocation"]["uri"]).is_file()
        assert place["region"]["startLine"] in (5, 6)
    marks = [one["partialFingerprints"]["connectorLinter/v1"] for one in run["results"]]
    assert len(set(marks)) == 2


SARIF = json.loads((TESTS / "sarif-2.1.0-essentials.schema.json").read_text())


def sarif_problems(log: dict[str, Any]) -> list[str]:
    """Return what is wrong with a SARIF log: its form, and rules that are not declared."""
    checker = Draft202012Validator(SARIF, format_checker=FormatChecker())
    problems = [f"{one.json_path}: {one.message}" for one in checker.iter_errors(log)]
    for run in log["runs"] if not problems else ():
        declared = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
        problems += [
            f"{one['ruleId']} is not the rule {one.get('ruleIndex')}"
            for one in run["results"]
            if one["ruleId"] not in declared
            or declared[one.get("ruleIndex", declared.index(one["ruleId"]))]
            != one["ruleId"]
        ]
    return problems


def sarif_of(*folders: Path) -> dict[str, Any]:
    done = lint("check", *folders, "--format", "sarif")
    assert done.returncode in (0, 1), done.stderr
    log: dict[str, Any] = json.loads(done.stdout)
    return log


def test_sarif_is_what_the_standard_asks_for(tmp_path: Path) -> None:
    # Findings of files, of lines and of folders, of both severities; names that are no URI; two repositories at once.
    changed = {**BROKEN, "config.yml.sample": None, "src/two words.py": "print(1)\n"}
    first = write_connector(tmp_path / "a 100%", IMPORT, changed)
    second = write_connector(tmp_path / "b", "STREAM", BROKEN)
    log = sarif_of(first, second)
    assert not sarif_problems(log)
    results = log["runs"][0]["results"]
    assert {one["level"] for one in results} == {"warning", "error"}
    places = [one["locations"][0]["physicalLocation"] for one in results]
    assert any("region" not in place for place in places)
    uris = {place["artifactLocation"]["uri"] for place in places}
    assert "external-import/sample/src/two%20words.py" in uris
    assert any(uri.startswith("file:///") for uri in uris)


def test_sarif_without_findings(tmp_path: Path) -> None:
    folder = write_connector(tmp_path, IMPORT)
    done = lint("check", folder, "--format", "sarif", "--select", "VC701")
    log = json.loads(done.stdout)
    assert log["runs"][0]["results"] == [] and not sarif_problems(log)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("version",), "2.0.0"),
        (("runs", 0, "tool", "driver", "name"), ""),
        (("runs", 0, "tool", "driver", "rules"), []),
        (("runs", 0, "tool", "driver", "rules", 0, "helpUri"), "docs/README.md"),
        (("runs", 0, "results", 0, "ruleId"), "VC999"),
        (("runs", 0, "results", 0, "ruleIndex"), 0),
        (("runs", 0, "results", 0, "level"), "info"),
        (("runs", 0, "results", 0, "message"), {}),
        (("runs", 0, "results", 0, "locations"), []),
        (("runs", 0, "originalUriBaseIds", "ROOT", "uri"), "file:///no/slash"),
    ],
)
def test_a_log_that_breaks_the_standard_is_noticed(
    tmp_path: Path, path: tuple[str | int, ...], value: Any
) -> None:
    log = sarif_of(write_connector(tmp_path, IMPORT, BROKEN))
    assert not sarif_problems(log)
    part: Any = log
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = value
    assert sarif_problems(log)


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("region", {"startLine": 0}),
        ("artifactLocation", {"uri": "file:///a.py", "uriBaseId": "ROOT"}),
        ("artifactLocation", {"uri": "two words.py", "uriBaseId": "ROOT"}),
    ],
)
def test_a_place_that_breaks_the_standard_is_noticed(
    tmp_path: Path, part: str, value: dict[str, Any]
) -> None:
    log = sarif_of(write_connector(tmp_path, IMPORT, BROKEN))
    log["runs"][0]["results"][0]["locations"][0]["physicalLocation"][part] = value
    assert sarif_problems(log)


def test_list_shows_every_check() -> None:
    lines = lint("list").stdout.splitlines()
    assert [line.split()[0] for line in lines] == [one.code for one in REGISTRY.all()]


def test_version() -> None:
    assert lint("--version").stdout.strip() == "0.1.0"


# -- documentation ---------------------------------------------------------------------------------------------------


def test_the_page_of_the_checks_is_what_the_checks_say(tmp_path: Path) -> None:
    page = ROOT / "docs" / "checks" / "README.md"
    done = lint("docs", "--output", page, "--check")
    assert done.returncode == 0, done.stdout
    other = tmp_path / "page.md"
    assert lint("docs", "--output", other).returncode == 0
    assert other.read_text() == page.read_text() == lint("docs").stdout
    other.write_text("old")
    done = lint("docs", "--output", other, "--check")
    assert done.returncode == 1 and "run `make docs`" in done.stdout


def test_every_link_of_the_page_leads_somewhere() -> None:
    text = (ROOT / "docs" / "checks" / "README.md").read_text()
    headings = {
        re.sub(r"[^a-z0-9 -]", "", line.lstrip("# ").lower()).replace(" ", "-")
        for line in text.splitlines()
        if line.startswith("###")
    }
    links = set(re.findall(r"\(#([^)]+)\)", text))
    assert links == headings
    for file in re.findall(r"\]\((\.\./[^)#]+)\)", text):
        assert (ROOT / "docs" / "checks" / file).exists()


def test_a_check_that_fails_is_a_finding_and_hides_no_other(tmp_path: Path) -> None:
    # Something that no check expects: a settings class that derives from itself.
    folder = write_connector(
        tmp_path,
        IMPORT,
        {"src/connector/settings.py": "class A(A):\n    a: A = A\n\n\nprint(A)\n"},
    )
    codes = {one["code"] for one in as_json(folder)["results"]}
    assert "VC705" in codes


def test_make_lint_takes_a_connector(tmp_path: Path) -> None:
    # The environment that runs this test serves, so that make need not set one up.
    stamp = tmp_path / "installed"
    stamp.touch()
    folder = write_connector(tmp_path, IMPORT, BROKEN)
    done = subprocess.run(
        [
            "make",
            "lint",
            f"CONNECTOR={folder}",
            f"STAMP={stamp}",
            f"BIN={Path(sys.executable).parent}",
        ],
        cwd=ROOT,
        env={k: v for k, v in os.environ.items() if not k.startswith("MAKE")},
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode != 0
    assert "VC701" in done.stdout
