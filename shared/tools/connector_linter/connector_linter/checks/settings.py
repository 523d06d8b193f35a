"""VC3 and VC7: the settings classes."""

import json
import re
from collections.abc import Iterator
from itertools import permutations

from connector_linter.connector import Connector
from connector_linter.model import Problem, Severity, check
from connector_linter.syntax import at, last_name, text

_SETTINGS = "src/connector/settings.py"
_SCHEMA = "__metadata__/connector_config_schema.json"
_SECRET = re.compile(
    r"(^|_)(password|passwd|passphrase|secret|token|api_?key|apikey|private_key|access_key|secret_key|credentials?)$"
)
_IMPORTS = """\
from connectors_sdk import (
    BaseConfigModel,
    BaseConnectorSettings,
    BaseExternalImportConnectorConfig,
    ListFromString,
)
from pydantic import Field, SecretStr


"""


def _settings(*lines: str) -> str:
    return _IMPORTS + "\n".join(lines) + "\n"


@check(
    "VC303",
    "connector-type-hardcoded",
    Severity.ERROR,
    what="The connector's type is fixed by the SDK's class for it.",
    why="A type that comes from the environment can be left out or be wrong; nothing else works with another one.",
    fix="Derive the `connector` section from the SDK's class for the type, e.g. `BaseExternalImportConnectorConfig`.",
    bad={
        _SETTINGS: _settings(
            "class ConnectorSettings(BaseConnectorSettings):", "    limit: int = 10"
        )
    },
    good={
        _SETTINGS: _settings(
            "class ConnectorConfig(BaseExternalImportConnectorConfig):",
            "    name: str = Field(default='Sample')",
            "",
            "",
            "class ConnectorSettings(BaseConnectorSettings):",
            "    connector: ConnectorConfig = Field(default_factory=ConnectorConfig)",
        )
    },
)
def connector_type_hardcoded(connector: Connector) -> Iterator[Problem]:
    """Report a type from the environment, a wrong one, or one that is written down by hand."""
    configs = connector.settings.connector_configs
    if any(type_ == connector.type for _, type_ in configs):
        return
    for class_, type_ in configs:
        message = f"is for {type_}, the connector is {connector.type}"
        yield at(connector, class_.source, class_.node, message)
    if configs:
        return
    from_environment = list(connector.strings("CONNECTOR_TYPE"))
    for source, node in from_environment:
        yield at(connector, source, node, "the type is read from the environment")
    if from_environment:
        return
    literal = next(connector.strings(connector.type), None)
    if literal is not None:
        message = f"{connector.type} is written down by hand"
        yield at(connector, *literal, message, Severity.WARNING)
    else:
        yield Problem(f"nothing says that the connector is {connector.type}")


@check(
    "VC305",
    "sdk-base-settings",
    Severity.ERROR,
    what="The configuration is a class that derives from the SDK's `BaseConnectorSettings`.",
    why="It reads environment and files the same way everywhere, reports all mistakes at once and generates the samples.",
    fix="Declare `class ConnectorSettings(BaseConnectorSettings)`.",
    bad={
        _SETTINGS: "from pycti import get_config_variable\n\nLIMIT = get_config_variable('SAMPLE_LIMIT', ['sample', 'limit'])\n"
    },
    good={
        _SETTINGS: _settings(
            "class ConnectorSettings(BaseConnectorSettings):", "    limit: int = 10"
        )
    },
)
def sdk_base_settings(connector: Connector) -> Iterator[Problem]:
    """Report configuration that is read by hand, or by pydantic alone."""
    if connector.settings.settings_classes:
        return
    for class_ in connector.settings.pydantic_classes:
        message = (
            f"{class_.node.name} derives from pydantic's settings, not from the SDK's"
        )
        yield at(connector, class_.source, class_.node, message, Severity.WARNING)
    if not connector.settings.pydantic_classes:
        yield Problem("no class derives from BaseConnectorSettings of the SDK")


@check(
    "VC306",
    "log-level-default-error",
    Severity.WARNING,
    what="The default log level is `error`.",
    why="Hundreds of connectors that log every record drown what matters, and cost money in many places.",
    fix="Leave `log_level` as the SDK has it, and comment it out in the samples.",
    bad={
        _SETTINGS: _settings(
            "class ConnectorConfig(BaseExternalImportConnectorConfig):",
            "    log_level: str = Field(default='info')  # <- VC306",
        )
    },
    good={
        _SETTINGS: _settings(
            "class ConnectorConfig(BaseExternalImportConnectorConfig):",
            "    log_level: str = Field(default='error')",
        )
    },
)
def log_level_default_error(connector: Connector) -> Iterator[Problem]:
    """Report other defaults, in settings classes and samples."""
    for setting in connector.settings.all:
        default = text(setting.default)
        if setting.name == "log_level" and default and default.lower() != "error":
            message = f"the default log level is {default}"
            yield at(connector, setting.source, setting.node, message)
    for variable in connector.variables:
        if variable.name == "CONNECTOR_LOG_LEVEL" and variable.active:
            if variable.value.lower() != "error" and "$" not in variable.value:
                message = f"the log level is {variable.value}"
                yield Problem(message, variable.path, variable.line)
    for path in ("config.yml.sample", "src/config.yml.sample"):
        for number, line in enumerate(connector.lines(path), start=1):
            match = re.match(r"\s+log_level\s*:\s*['\"]?(\w+)", line)
            if match and match[1].lower() != "error":
                yield Problem(f"the log level is {match[1]}", path, number)


@check(
    "VC326",
    "list-from-string-default",
    Severity.ERROR,
    what="A setting that is a list has a default.",
    why="The platform's form of the configuration cannot show a list without one.",
    fix="Give it `Field(default=[…])`, an empty list where nothing else makes sense.",
    bad={
        _SETTINGS: _settings(
            "class SampleConfig(BaseConfigModel):",
            "    feeds: ListFromString = Field(description='Feeds.')  # <- VC326",
        )
    },
    good={
        _SETTINGS: _settings(
            "class SampleConfig(BaseConfigModel):",
            "    feeds: ListFromString = Field(default=[], description='Feeds.')",
        )
    },
)
def list_from_string_default(connector: Connector) -> Iterator[Problem]:
    """Report lists without default, in settings classes and in the generated schema."""
    for setting in connector.settings.all:
        if "ListFromString" in setting.types and not setting.has_default:
            message = f"{setting.name} is a list without default"
            yield at(connector, setting.source, setting.node, message)
    try:
        schema = json.loads(connector.text(_SCHEMA) or "{}")
        properties = dict(schema.get("properties", {}))
    except (ValueError, AttributeError, TypeError):
        return
    for name, described in properties.items():
        if isinstance(described, dict) and described.get("type") == "array":
            if "default" not in described and not described.get("deprecated"):
                yield Problem(f"{name} is a list without default", _SCHEMA)


@check(
    "VC703",
    "secrets-are-secret",
    Severity.ERROR,
    what="A setting that holds a secret is a `SecretStr`.",
    why="A `str` is shown in logs, tracebacks and dumps of the settings.",
    fix="Declare it as `SecretStr`, and ask for it with `.get_secret_value()` where it is used.",
    bad={
        _SETTINGS: _settings(
            "class SampleConfig(BaseConfigModel):",
            "    api_key: str = Field(description='Key of the API.')  # <- VC703",
        )
    },
    good={
        _SETTINGS: _settings(
            "class SampleConfig(BaseConfigModel):",
            "    api_key: SecretStr = Field(description='Key of the API.')",
        )
    },
)
def secrets_are_secret(connector: Connector) -> Iterator[Problem]:
    """Report secrets of other types."""
    for setting in connector.settings.all:
        if not _SECRET.search(setting.name) or setting.types & {
            "SecretStr",
            "SecretBytes",
        }:
            continue
        if "str" in setting.types or last_name(setting.annotation) == "str":
            message = f"{setting.name} is a str"
            yield at(connector, setting.source, setting.node, message)


@check(
    "VC707",
    "separate-namespaces",
    Severity.ERROR,
    what="No section of the settings begins with the name of another one.",
    why="With sections `feed` and `feed_api`, `FEED_API_KEY` fills both: the secret shows up in clear text in the other one.",
    fix="Rename one of the sections.",
    bad={
        _SETTINGS: _settings(
            "class FeedConfig(BaseConfigModel):",
            "    url: str",
            "",
            "",
            "class ApiConfig(BaseConfigModel):",
            "    key: SecretStr",
            "",
            "",
            "class ConnectorSettings(BaseConnectorSettings):",
            "    feed: FeedConfig",
            "    feed_api: ApiConfig  # <- VC707",
        )
    },
    good={
        _SETTINGS: _settings(
            "class FeedConfig(BaseConfigModel):",
            "    url: str",
            "    api_key: SecretStr",
            "",
            "",
            "class ConnectorSettings(BaseConnectorSettings):",
            "    feed: FeedConfig",
        )
    },
)
def separate_namespaces(connector: Connector) -> Iterator[Problem]:
    """Report sections of which one begins with another, the two that every connector has included."""
    places = {one.setting.name: one.setting for one in connector.settings.namespaces}
    for one, other in permutations({*places, "opencti", "connector"}, 2):
        if other.startswith(f"{one}_"):
            setting = places.get(other) or places[one]
            message = f"{other} begins with the section {one}"
            yield at(connector, setting.source, setting.node, message)
