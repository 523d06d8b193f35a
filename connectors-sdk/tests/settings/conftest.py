import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

PLATFORM = {"OPENCTI_URL": "http://localhost:8080", "OPENCTI_TOKEN": "t0ken-of-a-test"}
CONNECTOR = {
    "CONNECTOR_ID": "connector-poc--uid",
    "CONNECTOR_NAME": "Test Connector",
    "CONNECTOR_SCOPE": "scope1, scope2",
    "CONNECTOR_DURATION_PERIOD": "PT5M",
}


@pytest.fixture(name="folder")
def folder_of_a_connector(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A connector's folder whose `src/main.py` seems to be the program that runs, and an environment without settings."""
    for name in os.environ:
        if name.startswith(("OPENCTI_", "CONNECTOR_", "MY_")):
            monkeypatch.delenv(name)
    main = tmp_path / "my-feed" / "src" / "main.py"
    main.parent.mkdir(parents=True)
    main.touch()
    monkeypatch.setattr(sys.modules["__main__"], "__file__", str(main))
    return main.parent.parent


@pytest.fixture(name="set_env")
def set_environment(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., None]:
    """Set a complete environment, with changes: `set_env(MY_KEY="x", CONNECTOR_ID=None)`."""
    assert not list(folder.glob("*.yml"))

    def set_all(**changes: str | None) -> None:
        for name, value in {**PLATFORM, **CONNECTOR, **changes}.items():
            if value is None:
                monkeypatch.delenv(name, raising=False)
            else:
                monkeypatch.setenv(name, value)

    return set_all
