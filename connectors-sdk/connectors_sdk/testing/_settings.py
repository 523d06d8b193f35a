"""Settings for tests."""

from collections.abc import Mapping
from typing import Any, TypeVar

from connectors_sdk.settings.base_settings import BaseConnectorSettings

SettingsT = TypeVar("SettingsT", bound=BaseConnectorSettings)

_OPENCTI = {"url": "http://opencti.invalid", "token": "token-of-the-platform"}
# What the various connector types require; a type takes what it declares.
_CONNECTOR = {
    "id": "11111111-1111-4111-8111-111111111111",
    "name": "Connector under test",
    "scope": "test",
    "duration_period": "PT1H",
    "live_stream_id": "live",
}


def make_settings(
    settings_class: type[SettingsT], config: Mapping[str, Any] | None = None
) -> SettingsT:
    """Build settings from a dictionary alone: no environment, no file.

    Args:
        settings_class: the connector's settings.
        config: what its `config.yml` would hold, section by section. The platform's address and token, and the
            connector's id, name, scope, period and stream need not be given.

    Raises:
        ConfigValidationError: something is missing or wrong; the text names every such setting.
    """
    given: dict[str, Any] = dict(config or {})
    declared = settings_class.model_fields["connector"].annotation
    fields = getattr(declared, "model_fields", {})
    connector = {key: value for key, value in _CONNECTOR.items() if key in fields}
    given["opencti"] = {**_OPENCTI, **given.get("opencti", {})}
    given["connector"] = {**connector, **given.get("connector", {})}
    return settings_class.from_dict(given)
