"""Valid and invalid settings."""

from typing import Any

import pytest
from connector.settings import ConnectorSettings

from connectors_sdk import ConfigValidationError

OPENCTI = {"url": "http://localhost:8080", "token": "t"}
CONNECTOR = {"live_stream_id": "live"}
TARGET = {"api_url": "http://localhost:9000", "api_key": "k"}


def settings(**connector: Any) -> ConnectorSettings:
    return ConnectorSettings.from_dict(
        {
            "opencti": OPENCTI,
            "connector": {"id": "c", **CONNECTOR, **connector},
            "template": TARGET,
        }
    )


def test_defaults() -> None:
    connector = settings().connector
    assert connector.live_stream_start == "everything"
    assert (connector.max_tlp, connector.batch_size) == ("amber+strict", 500)
    assert connector.scope == ["indicator"]


@pytest.mark.parametrize("start", ["now", "Everything", "P30D", "2026-01-31"])
def test_where_the_first_run_begins(start: str) -> None:
    assert settings(live_stream_start=start).connector.live_stream_start == start


def test_every_wrong_setting_is_named_in_both_spellings() -> None:
    with pytest.raises(ConfigValidationError) as caught:
        ConnectorSettings.from_dict(
            {
                "opencti": OPENCTI,
                "connector": {
                    "live_stream_start": "yesterday",
                    "max_tlp": "purple",
                    "batch_size": 0,
                },
                "template": {"api_url": "nowhere"},
            }
        )
    text = str(caught.value)
    for name in (
        "CONNECTOR_LIVE_STREAM_ID (connector.live_stream_id)",
        "CONNECTOR_LIVE_STREAM_START (connector.live_stream_start)",
        "CONNECTOR_MAX_TLP (connector.max_tlp)",
        "CONNECTOR_BATCH_SIZE (connector.batch_size)",
        "TEMPLATE_API_URL (template.api_url)",
        "TEMPLATE_API_KEY (template.api_key)",
    ):
        assert name in text
