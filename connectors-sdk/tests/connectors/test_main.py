"""The entry point ends the process with a code that means something."""

import pytest

from connectors_sdk import ConfigValidationError, connectors
from connectors_sdk.connectors import ExitCode, external_import, run_connector
from connectors_sdk.settings.exceptions import SettingProblem


class _Connector:
    def __init__(self, error: BaseException | None = None) -> None:
        self._error = error
        self.started = 0

    def start(self) -> None:
        """Do what the test says."""
        self.started += 1
        if self._error:
            raise self._error


def code_of(error: BaseException | None = None) -> object:
    connector = _Connector(error)
    with pytest.raises(SystemExit) as caught:
        run_connector(lambda: connector)
    assert connector.started == 1
    return caught.value.code


def test_a_good_end() -> None:
    assert code_of() == ExitCode.OK == 0
    assert code_of(SystemExit(0)) == 0
    assert code_of(SystemExit(1)) == 1


def test_a_wrong_configuration(capsys: pytest.CaptureFixture[str]) -> None:
    problem = SettingProblem("connector.scope", "missing", "a list")
    assert code_of(ConfigValidationError(problems=[problem])) == 2
    written = capsys.readouterr().err
    assert "CONNECTOR_SCOPE (connector.scope): missing; expected a list" in written
    assert "Traceback" not in written


def test_a_broken_connector(capsys: pytest.CaptureFixture[str]) -> None:
    assert code_of(ZeroDivisionError("why")) == 1
    written = capsys.readouterr().err
    assert "Traceback" in written and "ZeroDivisionError: why" in written


def test_a_broken_factory() -> None:
    def build() -> _Connector:
        raise ConfigValidationError()

    with pytest.raises(SystemExit) as caught:
        run_connector(build)
    assert caught.value.code == 2


@pytest.mark.parametrize("package", [connectors, external_import])
def test_packages_offer_their_names(package: object) -> None:
    for name in package.__all__:  # type: ignore[attr-defined]
        assert getattr(package, name).__name__ == name
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        getattr(package, "nothing")
