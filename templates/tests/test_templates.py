"""Each template's own tests, each in a process of its own: templates bring modules of the same names."""

import subprocess
import sys
from pathlib import Path

import pytest

TEMPLATES = Path(__file__).resolve().parents[1]
TESTED = sorted(folder.parent for folder in TEMPLATES.glob("*/tests"))


@pytest.mark.timeout(900)
@pytest.mark.parametrize("template", TESTED, ids=lambda folder: folder.name)
def test_the_template_is_green(template: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", str(template / "tests")],
        cwd=TEMPLATES.parent,
        capture_output=True,
        text=True,
        check=False,
        timeout=800,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_there_are_templates() -> None:
    assert TESTED
