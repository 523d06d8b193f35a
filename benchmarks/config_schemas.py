"""What it costs to check, or write, everything that settings classes say: for one connector, and for a tree of many.

The tree is made of copies of the MITRE connector, each with other names and defaults. The tools run as people run them, as
processes; the wall-clock seconds include starting Python.

Usage: python benchmarks/config_schemas.py [--connectors N]
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MODEL = ROOT / "external-import" / "mitre"
PARTS = ("src", "__metadata__", "README.md", "docker-compose.yml")


def make_connector(folder: Path, number: int) -> None:
    """Write a connector that is like the model but for its name and a default."""
    folder.mkdir(parents=True)
    for part in PARTS:
        source = MODEL / part
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, folder / part)
    settings = folder / "src" / "connector" / "settings.py"
    text = settings.read_text(encoding="utf-8")
    text = text.replace("timedelta(days=7)", f"timedelta(days={number + 1})")
    settings.write_text(text, encoding="utf-8")


def timed(*arguments: str | Path) -> tuple[float, int]:
    """Run a tool; return (seconds, exit code)."""
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, ROOT / "shared" / "tools", *arguments],
        stdout=subprocess.DEVNULL,
        check=False,
    )
    return time.perf_counter() - start, done.returncode


def main() -> None:
    """Run as a program; see the module's description."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--connectors", type=int, default=300, help="size of the tree")
    count = parser.parse_args().connectors
    with tempfile.TemporaryDirectory() as name:
        tree = [Path(name) / "external-import" / f"c{i:03}" for i in range(count)]
        for number, folder in enumerate(tree):
            make_connector(folder, number)
        rows = {
            "one connector, written": timed("schemas", tree[0]),
            "one connector, checked": timed("schemas", tree[0], "--check"),
            f"{count} connectors, written": timed("schemas", *tree),
            f"{count} connectors, checked": timed("schemas", *tree, "--check"),
        }
        tree[-1].joinpath(".env.sample").unlink()
        rows["one of them has drifted"] = timed("schemas", *tree, "--check")
    print(f"{'':<28}{'seconds':>9}{'exit code':>11}")
    for row, (seconds, code) in rows.items():
        print(f"{row:<28}{seconds:>9.2f}{code:>11}")


if __name__ == "__main__":
    main()
