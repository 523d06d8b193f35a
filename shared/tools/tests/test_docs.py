"""The reference of the SDK is what its docstrings say."""

import subprocess
import sys
from pathlib import Path

TOOL = Path(__file__).parents[1] / "docs" / "sdk_reference.py"


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
