"""Each template's own tests, each in a process of its own: templates bring modules of the same names.

And what holds for all templates: small, as the tools write it, with nothing that the linter finds.
"""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from connectors_sdk.connectors.exit_codes import ExitCode

TEMPLATES = Path(__file__).resolve().parents[1]
ROOT = TEMPLATES.parent
TYPES = (
    "external-import",
    "internal-enrichment",
    "internal-export-file",
    "internal-import-file",
    "stream",
)
LINES = 60


def run(*arguments: str | Path) -> None:
    """Run a Python program in the root of the repository, which must end well."""
    done = subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=800,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_there_is_a_template_of_each_type() -> None:
    found = sorted(main.parents[1].name for main in TEMPLATES.glob("*/src/main.py"))
    assert found == list(TYPES)
    shown = (TEMPLATES / "README.md").read_text(encoding="utf-8")
    assert all(f"| [{name}]({name}) |" in shown for name in TYPES)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("template", TYPES)
def test_the_template_is_green(template: str) -> None:
    run("-m", "pytest", "-q", TEMPLATES / template / "tests")


def test_what_is_generated_is_up_to_date() -> None:
    folders = [TEMPLATES / name for name in TYPES]
    run("shared/tools", "schemas", "--check", *folders)
    run("shared/tools", "manifests", "--check", *folders)


def test_the_linter_finds_nothing() -> None:
    linter = "shared/tools/connector_linter/lint_connectors.py"
    run(linter, "check", *(TEMPLATES / name for name in TYPES))


@pytest.mark.parametrize("template", TYPES)
def test_the_container_comes_back_unless_it_was_stopped(template: str) -> None:
    """See docs/decisions/0007-restarts.md; the linter compares connectors with their template."""
    text = (TEMPLATES / template / "docker-compose.yml").read_text(encoding="utf-8")
    (service,) = yaml.safe_load(text)["services"].values()
    assert service["restart"] == "unless-stopped"
    page = (ROOT / "docs/connectors/command-line.md").read_text(encoding="utf-8")
    for code in ExitCode:
        assert re.search(rf"^ +# .*\b{code:d}: ", text, re.M)
        assert f"\n| {code:d} | " in page


@pytest.mark.parametrize("template", TYPES)
def test_the_template_is_small(template: str) -> None:
    """Lines of code without blank lines, comments, docstrings and imports."""
    sources = TEMPLATES / template / "src" / "connector"
    modules = [path for path in sources.glob("*.py") if path.name != "__init__.py"]
    assert 0 < sum(map(lines_of_code, modules)) < LINES


def lines_of_code(module: Path) -> int:
    text = module.read_text(encoding="utf-8")
    left_out: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        is_docstring = (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
        )
        if isinstance(node, (ast.Import, ast.ImportFrom)) or is_docstring:
            assert isinstance(node, ast.stmt)
            left_out |= set(range(node.lineno, (node.end_lineno or 0) + 1))
    return sum(
        bool(line.strip()) and not line.strip().startswith("#")
        for number, line in enumerate(text.splitlines(), 1)
        if number not in left_out
    )
