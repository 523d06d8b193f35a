"""From the settings to a connector that has met the platform, whatever its type."""

import json
import socket
import urllib.request
from pathlib import Path
from typing import Any, ClassVar

import pytest
from own_ports import free_port
from pydantic import Field

from connectors_sdk import BaseConnectorSettings, ConfigValidationError
from connectors_sdk.connectors import BaseConnector
from connectors_sdk.settings.base_settings import BaseStreamConnectorConfig
from connectors_sdk.testing import RecordingHelper, make_settings


class Settings(BaseConnectorSettings):
    connector: BaseStreamConnectorConfig = Field(
        default_factory=BaseStreamConnectorConfig  # type: ignore[arg-type]
    )


class Plain(BaseConnector):
    """Notes down in which order the runtime calls."""

    connector_type: ClassVar[str] = "STREAM"

    def __init__(self, settings: Any, **keywords: Any) -> None:
        super().__init__(settings, **keywords)
        self.calls: list[str] = []

    def _bind(self) -> None:
        self.calls.append("bind")

    def post_init(self) -> None:
        self.logger.info("post_init")
        self.calls.append("post_init")

    def _set_up(self) -> None:
        self.calls.append("set up")

    def _serve(self) -> None:
        assert self.health.ready
        self.calls.append("serve")

    def _release(self) -> None:
        self.calls.append("release")


def plain(cls: type[Plain] = Plain, **connector: Any) -> Plain:
    settings = make_settings(Settings, {"connector": connector})
    return cls(settings, helper_factory=RecordingHelper)


def test_the_order_of_things() -> None:
    connector = plain()
    connector.start()
    assert connector.calls == ["bind", "post_init", "set up", "serve", "release"]
    assert connector.helper.messages("info") == ["post_init"]
    assert connector.health.report()["connector"] == {
        "name": "Connector under test",
        "type": "STREAM",
        "id": "11111111-1111-4111-8111-111111111111",
        "version": "",
    }


def test_what_serve_left_running_is_released_whatever_happens() -> None:
    class Broken(Plain):
        def _serve(self) -> None:
            raise KeyError("x")

    connector = plain(Broken)
    with pytest.raises(KeyError):
        connector.start()
    assert connector.calls[-1] == "release"


def test_health_is_offered_while_it_lives() -> None:
    answers: list[Any] = []

    class Asked(Plain):
        def post_init(self) -> None:
            self._ask("ready")

        def _serve(self) -> None:
            self._ask("ready")

        def _ask(self, name: str) -> None:
            url = f"http://127.0.0.1:{self.runtime.health_port}/health/live"
            with urllib.request.urlopen(url, timeout=10) as answer:
                answers.append(json.load(answer)[name])

    port = free_port()
    plain(Asked, health_port=port).start()
    assert answers == [False, True]
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", port), timeout=5)


def test_wrong_settings_of_the_runtime_are_told_by_name() -> None:
    connector = plain(health_port="99999", quarantine_max_records="few")
    with pytest.raises(ConfigValidationError) as caught:
        connector.start()
    text = str(caught.value)
    assert "CONNECTOR_HEALTH_PORT (connector.health_port): '99999'" in text
    assert "CONNECTOR_QUARANTINE_MAX_RECORDS" in text
    assert not connector.calls


def test_a_health_port_that_is_taken_is_a_wrong_setting() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        connector = plain(health_port=taken.getsockname()[1])
        with pytest.raises(ConfigValidationError, match="a port that is free"):
            connector.start()


def test_the_folder_for_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connector = plain(data_path=str(tmp_path / "x"))
    connector.prepare()
    assert connector.data_path == tmp_path / "x"
    connector.quarantine.add(1, "bad")
    assert (tmp_path / "x" / "quarantine.jsonl").exists()

    connector = plain()
    connector.prepare()
    own = "opencti-connectors/11111111-1111-4111-8111-111111111111"
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state" / "deep"))
    assert connector.data_path == tmp_path / "state" / "deep" / own
    monkeypatch.setenv("XDG_STATE_HOME", "/proc/nowhere")
    monkeypatch.setattr("connectors_sdk.connectors.base_connector.os.access", no)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    assert connector.data_path == tmp_path / "tmp" / own


def no(*_: Any) -> bool:
    return False


@pytest.mark.filterwarnings("ignore:Unknown setting")
def test_secrets_stay_out_of_health_and_quarantine(tmp_path: Path) -> None:
    connector = plain(data_path=str(tmp_path), vendor_password="canary-password")
    connector.prepare()
    connector.health.failed("refused canary-password")
    connector.quarantine.add(1, "refused canary-password")
    assert "canary" not in json.dumps(connector.health.report())
    assert "canary" not in (tmp_path / "quarantine.jsonl").read_text()
