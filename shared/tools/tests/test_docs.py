"""Pages say what is: the reference of the SDK, the checks, and which folders there are."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from support import ROOT, git

TOOL = Path(__file__).parents[1] / "docs" / "sdk_reference.py"
LINTER = Path(__file__).parents[1] / "connector_linter" / "lint_connectors.py"


def test_the_reference_is_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, str(TOOL), "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_wrong_usage_is_said() -> None:
    done = subprocess.run(
        [sys.executable, str(TOOL), "--chekc"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "--check" in done.stderr


@pytest.mark.parametrize("parent", ["shared", "shared/tools"])
def test_every_folder_is_named_in_the_readme_above_it(parent: str) -> None:
    files = git(ROOT, "ls-files", "-co", "--exclude-standard", parent).splitlines()
    paths = [file.removeprefix(f"{parent}/").split("/") for file in files]
    folders = {path[0] for path in paths if len(path) > 1}
    assert folders
    text = (ROOT / parent / "README.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| \[(\w+)\]\(\1[/)]", text, re.M)) == folders


def test_the_page_of_the_checks_is_compared_too(tmp_path: Path) -> None:
    page = tmp_path / "README.md"
    text = (ROOT / "docs/checks/README.md").read_text(encoding="utf-8")
    for content, code in ((text, 0), (text + "more\n", 1)):
        page.write_text(content, encoding="utf-8")
        done = subprocess.run(
            [sys.executable, str(LINTER), "docs", "--check", "-o", str(page)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, done.stdout
        assert page.read_text(encoding="utf-8") == content
    # And `make docs` asks for it.
    asked = subprocess.run(
        ["make", "-n", "docs", "CHECK=1"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "lint_connectors.py docs -o docs/checks/README.md --check" in asked.stdout
