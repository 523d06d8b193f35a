"""What the page for newcomers says is what works: its commands, run in a checkout, make a clean connector of each template."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "first-connector.md"
TYPES = sorted(main.parents[1].name for main in ROOT.glob("templates/*/src/main.py"))
CHOICE = 'TYPE=external-import NAME=acme-feed TITLE="Acme feed" CLASS=AcmeFeed'


def commands() -> str:
    block = re.search(r"^```sh\n(.*?)^```", PAGE.read_text("utf-8"), re.M | re.S)
    assert block is not None
    assert CHOICE in block[1] and "make lint" in block[1] and "make test" in block[1]
    return block[1]


def run(root: Path, script: str) -> str:
    done = subprocess.run(
        ["sh", "-e", "-c", script],
        cwd=root,
        # No other set-up: the environment is the one that runs this test.
        env={**os.environ, "VENV": str(ROOT / ".venv")},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(name="checkout", scope="module")
def fixture_checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout of this repository as it is, changes included."""
    root = tmp_path_factory.mktemp("checkout")
    listing = ["git", "ls-files", "-co", "--exclude-standard"]
    for name in subprocess.check_output(listing, cwd=ROOT, text=True).splitlines():
        if (ROOT / name).is_file():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, root / name)
            # Make would set up an environment that is older than the lock: the one that runs this test.
            os.utime(root / name, (0, 0))
    (root / ".venv").symlink_to(ROOT / ".venv")
    (root / ".git/info").mkdir(parents=True)
    run(root, "git init -q && echo .venv >> .git/info/exclude && git add .")
    return root


@pytest.mark.timeout(900)
@pytest.mark.parametrize("kind", TYPES)
def test_a_renamed_template_is_clean(kind: str, checkout: Path) -> None:
    name = f"acme-{kind.replace('-', '')}"
    script = commands().replace(
        CHOICE, f'TYPE={kind} NAME={name} TITLE="Acme {kind}" CLASS=Acme'
    )
    if kind != "external-import":
        # Tests take long; those of the other templates are the same with other names, too.
        script = re.sub(r"^make test.*\n", "", script, flags=re.M)
    output = run(checkout, script)
    for check in ("pylint", "mypy", "connectors", "black", "flake8", "isort"):
        assert re.search(rf"^{check} +clean ", output, re.M), output
    assert kind != "external-import" or " 0 failed" in output
    folder = checkout / kind / name
    for file in (file for file in folder.rglob("*") if file.suffix != ".png"):
        if file.is_file() and "__pycache__" not in file.parts:
            assert "template" not in file.read_text("utf-8").lower(), file
    # And nothing else of the repository is out of order now.
    run(checkout, "make drift links")
    assert f"({name}/README.md)" in (checkout / kind / "README.md").read_text("utf-8")


def test_what_the_commands_rename_is_listed_for_who_does_it_by_hand() -> None:
    text = commands().replace("$TYPE", "external-import").replace('\\"', '"')
    renamed = re.findall(r'-e "s([|/])(.*?)\1', text)
    rows = re.findall(r"^\| `(.*?)`.* \|$", PAGE.read_text("utf-8"), re.M)
    assert len(rows) == len(renamed) > 5
    for row, (_, pattern) in zip(rows, renamed, strict=True):
        assert re.match(
            pattern.replace(r"\(", "(").replace(r"\)", ")").replace(r"\|", "|"), row
        )
