"""What the runtime changes in the process is put back after each test; own_ports can be imported."""

import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))


@pytest.fixture(autouse=True)
def _same_process_afterwards() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level, hook = list(root.handlers), root.level, sys.excepthook
    formatters = {handler: handler.formatter for handler in handlers}
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for handler, formatter in formatters.items():
        handler.setFormatter(formatter)
    sys.excepthook = hook
    logging.captureWarnings(False)
