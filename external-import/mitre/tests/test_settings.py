"""Valid and invalid settings."""

from datetime import timedelta
from typing import Any

import pytest
from connector.settings import ConnectorSettings

from connectors_sdk import ConfigValidationError

OPENCTI = {"url": "http://localhost:8080", "token": "t"}
CONNECTOR = {"id": "2f0b4d1a-6a5e-4f43-9c39-1d6a3f2f9c11"}


def settings(**mitre: Any) -> ConnectorSettings:
    return ConnectorSettings.from_dict(
        {"opencti": OPENCTI, "connector": CONNECTOR, "mitre": mitre}
    )


def test_defaults_import_all_three_collections_weekly() -> None:
    configured = settings()
    assert list(configured.mitre.data_sets()) == [
        "enterprise-attack",
        "mobile-attack",
        "ics-attack",
    ]
    assert configured.connector.duration_period == timedelta(days=7)
    assert configured.mitre.tlp == "clear"


def test_a_data_set_is_switched_off_by_its_switch_or_by_its_location() -> None:
    configured = settings(mobile=False, ics_attack_file_url="false")
    assert list(configured.mitre.data_sets()) == ["enterprise-attack"]


def test_the_old_interval_in_days_becomes_the_period() -> None:
    with pytest.warns(UserWarning, match="interval"):
        configured = settings(interval="3")
    assert configured.connector.duration_period == timedelta(days=3)


def test_every_wrong_setting_is_named_in_both_spellings() -> None:
    with pytest.raises(ConfigValidationError) as caught:
        ConnectorSettings.from_dict(
            {
                "opencti": {"url": "no address"},
                "connector": {**CONNECTOR, "duration_period": "often"},
                "mitre": {"tlp": "purple", "mobile": "perhaps"},
            }
        )
    text = str(caught.value)
    for name in (
        "OPENCTI_URL (opencti.url)",
        "OPENCTI_TOKEN (opencti.token)",
        "CONNECTOR_DURATION_PERIOD (connector.duration_period)",
        "MITRE_TLP (mitre.tlp)",
        "MITRE_MOBILE (mitre.mobile)",
    ):
        assert name in text
