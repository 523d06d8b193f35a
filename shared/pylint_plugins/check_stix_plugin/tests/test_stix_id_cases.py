"""The plugin, run by pylint as people run it, over every shape that it must catch or leave alone.

In the tables a line that must be reported ends with `#! reason`; every other line must not be. The further files of a
case follow a line `# file: name`.
"""

import json
import os
import re
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent
PLUGIN = TESTS.parent
sys.path[:0] = [str(TESTS), str(PLUGIN)]

# pylint: disable=wrong-import-position
from caught import CAUGHT  # noqa: E402
from left_alone import LEFT_ALONE  # noqa: E402

ALL = {**CAUGHT, **LEFT_ALONE}
# A word of the message for each reason.
WORDS = {
    "missing": "has no id",
    "none": "has the id None",
    "random": "has a random id",
    "clock": "on every run",
    "other type": "which is another type's",
    "other values": "has an id made from|has an id made without",
}


def pylint(*arguments: str, cwd: Path = PLUGIN) -> subprocess.CompletedProcess[str]:
    """Run pylint as the README says."""
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "pylint",
            *arguments,
            "--load-plugins",
            "linter_stix_id_generator",
        ],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(PLUGIN)},
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )


@pytest.fixture(scope="session", name="reported")
def fixture_reported(
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, list[dict[str, object]]]:
    """What one run of pylint says of all cases: case -> messages."""
    root = tmp_path_factory.mktemp("cases")
    folders = {}
    for number, (name, text) in enumerate(ALL.items()):
        folder = root / f"case_{number:03}"
        folders[folder.name] = name
        files = re.split(r"^# file: (.+)\n", f"# file: main.py\n{text}", flags=re.M)
        for path, content in zip(files[1::2], files[2::2], strict=True):
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(content)
    done = pylint(
        "--rcfile=",
        "--disable=all",
        "--enable=no_generated_id_stix",
        "--output-format=json2",
        *(str(path) for path in sorted(root.rglob("*.py"))),
    )
    by_case = defaultdict(list)
    for message in json.loads(done.stdout)["messages"]:
        assert message["messageId"] == "W9101", message
        assert message["symbol"] == "generated-id-stix"
        case = Path(message["absolutePath"]).relative_to(root).parts[0]
        by_case[folders[case]].append(message)
    return by_case


@pytest.mark.parametrize("name", ALL)
def test_each_object_is_reported_once_where_it_is_built_or_not_at_all(
    name: str, reported: dict[str, list[dict[str, object]]]
) -> None:
    expected: Counter[tuple[int, str]] = Counter()
    for number, line in enumerate(ALL[name].splitlines(), start=1):
        for reason in re.findall(r"#! ([a-z ]*[a-z])", line):
            expected[number, reason] += 1
    found: Counter[tuple[int, str]] = Counter()
    for message in reported[name]:
        text = str(message["message"])
        reasons = [reason for reason, words in WORDS.items() if re.search(words, text)]
        assert len(reasons) == 1, text
        found[int(str(message["line"])), reasons[0]] += 1
    assert found == expected, reported[name]


def test_the_table_is_long_enough_and_marks_what_it_says() -> None:
    assert len(CAUGHT) + len(LEFT_ALONE) >= 60
    assert all("#! " in text for text in CAUGHT.values())
    assert not any("#! " in text for text in LEFT_ALONE.values())


def test_positions_are_those_of_the_object(
    reported: dict[str, list[dict[str, object]]],
) -> None:
    two = reported["two on one line"]
    assert [(m["column"], m["endColumn"]) for m in two] == [(7, 27), (29, 49)]
    nested = reported["nested constructors are reported once each, at their own places"]
    assert [(m["line"], m["column"], m["endLine"]) for m in nested] == [
        (5, 8, 8),
        (7, 27, 7),
    ]


def test_the_text_says_which_generate_id_to_use(
    reported: dict[str, list[dict[str, object]]],
) -> None:
    def text(case: str) -> str:
        return str(reported[case][0]["message"])

    assert "pycti.Identity.generate_id(name, identity_class)" in text("module imported")
    assert (
        "pycti.StixCoreRelationship.generate_id(relationship_type, source_ref, target_ref)"
        in text("relationship")
    )
    assert (
        "pycti.StixSightingRelationship.generate_id(sighting_of_ref, where_sighted_refs)"
        in text("sighting")
    )
    assert "pycti.Malware.generate_id(name)" in text("another type's generate_id")
    assert "from its name (value) where its pattern belongs" in text(
        "id of the name instead of the pattern"
    )
    assert "leave the id out" in text("random id of an observable")


def test_what_is_no_python_is_left_to_pylint(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("import stix2\nstix2.Tool(name=\n")
    done = pylint("--rcfile=", str(tmp_path / "broken.py"))
    assert "syntax-error" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_the_repository_s_configuration_loads_the_plugin(tmp_path: Path) -> None:
    root = PLUGIN.parents[2]
    bad = tmp_path / "bad.py"
    bad.write_text('"""Bad."""\n\nimport stix2\n\nTOOL = stix2.Tool(name="a")\n')
    for cwd in (root, root / "external-import"):
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "pylint",
                f"--rcfile={root / '.pylintrc'}",
                str(bad),
            ],
            cwd=cwd,
            env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"},
            capture_output=True,
            text=True,
            check=False,
            timeout=240,
        )
        assert "W9101" in done.stdout, done.stdout + done.stderr


def test_the_command_without_pylint_says_the_same(tmp_path: Path) -> None:
    (tmp_path / "package").mkdir()
    bad = tmp_path / "package" / "bad.py"
    bad.write_text(
        "import stix2\n"
        'stix2.Tool(name="a")\n'
        'stix2.Tool(name="b")  # pylint: disable=generated-id-stix\n'
    )
    (tmp_path / "broken.py").write_text("import (\n")

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "stix_ids", *arguments],
            cwd=PLUGIN,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    done = run(str(tmp_path))
    by_pylint = pylint(
        "--rcfile=",
        "--disable=all",
        "--enable=W9101",
        "--msg-template={path}:{line}:{column}: {msg_id}: {msg} ({symbol})",
        str(bad),
    )
    assert done.returncode == 1
    assert done.stdout.splitlines() == by_pylint.stdout.splitlines()[1:2]
    assert "broken.py: cannot be read" in done.stderr
    bad.unlink()
    assert run(str(tmp_path / "package")).returncode == 0
    assert run(str(tmp_path / "nothing")).returncode == 2
