"""Work is stopped before the memory is used up. Limits are read from files as the kernel writes them."""

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from connectors_sdk.connectors.memory_fuse import (
    MemoryFuse,
    MemoryLimitError,
    container_limit,
    container_use,
    process_memory,
)

MEGA = 1_000_000


def version_2(root: Path, limit: str, used: int = 0, cache: int = 0) -> Path:
    (root / "memory.max").write_text(f"{limit}\n")
    (root / "memory.current").write_text(f"{used}\n")
    (root / "memory.stat").write_text(f"anon 5\ninactive_file {cache}\nfile 9\n")
    return root


def version_1(root: Path, limit: int, used: int, cache: int) -> Path:
    folder = root / "memory"
    folder.mkdir()
    (folder / "memory.limit_in_bytes").write_text(f"{limit}\n")
    (folder / "memory.usage_in_bytes").write_text(f"{used}\n")
    (folder / "memory.stat").write_text(f"cache 1\ntotal_inactive_file {cache}\n")
    return root


def test_limits_of_containers(tmp_path: Path) -> None:
    assert container_limit(tmp_path) is container_use(tmp_path) is None
    assert container_limit(version_2(tmp_path, "max")) is None
    version_2(tmp_path, "512000000", 300, 200)
    assert container_limit(tmp_path) == 512_000_000
    assert container_use(tmp_path) == 100


def test_limits_of_older_containers(tmp_path: Path) -> None:
    version_1(tmp_path, 256_000_000, 500, 100)
    assert container_limit(tmp_path) == 256_000_000
    assert container_use(tmp_path) == 400
    (tmp_path / "memory" / "memory.limit_in_bytes").write_text("9223372036854771712")
    assert container_limit(tmp_path) is None


def test_the_smaller_limit_counts(tmp_path: Path) -> None:
    version_2(tmp_path, "1000")
    assert MemoryFuse(500, root=tmp_path).limit == 500
    assert MemoryFuse(5000, root=tmp_path).limit == 1000
    assert MemoryFuse(root=tmp_path).limit == 1000
    assert MemoryFuse(root=tmp_path / "none").limit is None


def test_a_limit_of_its_own_is_not_used_up_by_the_rest_of_the_container(
    tmp_path: Path,
) -> None:
    own = process_memory()
    root = version_2(tmp_path, "max", 50 * own)
    fuse = MemoryFuse(10 * own, root=root)
    assert not fuse.is_blown and fuse.used < 2 * own
    version_2(tmp_path, str(100 * own), 50 * own)
    assert not MemoryFuse(10 * own, root=root).is_blown
    # The container's own limit counts as before.
    version_2(tmp_path, str(100 * own), 95 * own)
    assert MemoryFuse(10 * own, root=root).is_blown
    assert MemoryFuse(10 * own, root=root).used == 95 * own


def test_the_use_is_at_least_the_processs_own(tmp_path: Path) -> None:
    own = process_memory()
    assert own > 10 * MEGA
    fuse = MemoryFuse(root=version_2(tmp_path, str(10**12), 10**11))
    assert fuse.used == 10**11
    assert not fuse.is_blown
    assert MemoryFuse(own // 2, root=tmp_path / "none").is_blown


def test_work_is_stopped_wherever_it_is(tmp_path: Path) -> None:
    root = version_2(tmp_path, str(10**12), 1)
    fuse = MemoryFuse(root=root)
    reached = threading.Event()

    def fill() -> None:
        reached.wait(30)
        version_2(root, str(10**12), 95 * 10**10)

    threading.Thread(target=fill).start()
    with pytest.raises(MemoryLimitError) as caught:
        with fuse.guard():
            reached.set()
            deadline = time.monotonic() + 30
            while time.monotonic() < deadline:
                time.sleep(0.01)
    assert "950000 MB of 1000000 MB are in use" in str(caught.value)
    assert "give the container more memory" in str(caught.value)


def test_who_does_not_hear_is_told_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors_sdk.connectors.memory_fuse._AGAIN", 0.3)
    fuse = MemoryFuse(root=version_2(tmp_path, str(10**12), 95 * 10**10))
    told = 0
    with pytest.raises(MemoryLimitError, match="950000 MB"):
        with fuse.guard():
            fuse.check()
            deadline = time.monotonic() + 30
            while told < 2 and time.monotonic() < deadline:
                try:
                    time.sleep(0.01)
                except BaseException:  # pylint: disable=broad-exception-caught
                    told += 1
            with pytest.raises(MemoryLimitError):
                fuse.check()
    assert told == 2
    # The next work begins anew.
    fuse.check()


def test_other_words_for_it_do_not_count(tmp_path: Path) -> None:
    fuse = MemoryFuse(root=version_2(tmp_path, str(10**12), 95 * 10**10))
    with pytest.raises(MemoryLimitError, match="950000 MB"):
        with fuse.guard():
            try:
                while True:
                    time.sleep(0.01)
            except BaseException:
                raise ValueError("the record is bad") from None


def test_calm_work_is_left_alone(tmp_path: Path) -> None:
    before = threading.active_count()
    for fuse in (MemoryFuse(10**12, root=tmp_path), MemoryFuse(root=tmp_path)):
        with fuse.guard():
            time.sleep(0.3)
    assert threading.active_count() == before
    with pytest.raises(ValueError, match="other"):
        with MemoryFuse(10**12, root=tmp_path).guard():
            raise ValueError("other")


def test_a_real_process_stops_and_gives_the_memory_back() -> None:
    code = (
        "from connectors_sdk.connectors.memory_fuse import *\n"
        "from pathlib import Path\n"
        "limit = process_memory() + 200_000_000\n"
        "fuse = MemoryFuse(limit, root=Path('/nowhere'))\n"
        "def greedy():\n"
        "    held = []\n"
        "    while True: held.append(bytearray(100_000))\n"
        "try:\n"
        "    with fuse.guard(): greedy()\n"
        "except MemoryLimitError as error: print(error)\n"
        "print(fuse.is_blown)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    first, second = done.stdout.splitlines()
    assert first.startswith("stopped before the memory ran out: ")
    assert second == "False"
