"""Settings from a dictionary, and one run of a connector."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from pydantic import Field, SecretStr

from connectors_sdk import (
    BaseConfigModel,
    BaseConnectorSettings,
    BaseDataProcessor,
    BaseExternalImportConnectorConfig,
    BaseStreamConnectorConfig,
    ConfigValidationError,
)
from connectors_sdk.testing import make_settings, run_once


class _Vendor(BaseConfigModel):
    api_key: SecretStr


class ImportSettings(BaseConnectorSettings):
    connector: BaseExternalImportConnectorConfig = Field(
        default_factory=BaseExternalImportConnectorConfig  # type: ignore[arg-type]
    )
    vendor: _Vendor = Field(default_factory=_Vendor)  # type: ignore[arg-type]


class StreamSettings(BaseConnectorSettings):
    connector: BaseStreamConnectorConfig = Field(
        default_factory=BaseStreamConnectorConfig  # type: ignore[arg-type]
    )


GIVEN = {"vendor": {"api_key": "key-of-the-vendor"}}


def test_what_every_connector_needs_is_filled_in() -> None:
    settings = make_settings(ImportSettings, GIVEN)
    assert settings.connector.duration_period == timedelta(hours=1)
    assert settings.vendor.api_key.get_secret_value() == "key-of-the-vendor"
    assert make_settings(StreamSettings).connector.live_stream_id == "live"


def test_what_is_given_wins_and_what_is_wrong_is_told() -> None:
    given = {**GIVEN, "connector": {"name": "Mine", "duration_period": "P1D"}}
    settings = make_settings(ImportSettings, given)
    assert settings.connector.name == "Mine"
    assert settings.connector.duration_period == timedelta(days=1)
    with pytest.raises(ConfigValidationError, match="VENDOR_API_KEY"):
        make_settings(ImportSettings)


class Processor(BaseDataProcessor):
    work_name = "Tools"
    fails = False

    def collect(self) -> list[int]:
        return [1, 2]

    def transform(self, data: Any) -> Iterator[dict[str, Any]]:
        for number in data:
            if self.fails:
                raise ValueError("the source is broken")
            yield {
                "type": "tool",
                "id": f"tool--00000000-0000-5000-8000-{number:012x}",
                "name": str(number),
            }


def test_one_run() -> None:
    helper = run_once(make_settings(ImportSettings, GIVEN), [Processor()])
    assert [o["name"] for o in helper.objects_of("tool")] == ["1", "2"]
    assert [w.name for w in helper.works] == ["Tools"]
    again = run_once(make_settings(ImportSettings, GIVEN), [Processor()], helper=helper)
    assert again is helper and len(helper.works) == 2


def test_a_failed_run_fails_the_test_unless_expected() -> None:
    processor = Processor()
    processor.fails = True
    settings = make_settings(ImportSettings, GIVEN)
    with pytest.raises(AssertionError, match="the source is broken"):
        run_once(settings, [processor])
    helper = run_once(settings, [processor], check=False)
    assert helper.works[0].in_error
