"""What several tests of the tools need: the way to run a tool, and a connector to try it on."""

import subprocess
from collections.abc import Callable
from pathlib import Path

TESTS = Path(__file__).resolve().parent
TOOLS = TESTS.parent
ROOT = TOOLS.parents[1]

Tool = Callable[..., subprocess.CompletedProcess[str]]
MakeConnector = Callable[..., Path]

SETTINGS = """
    from datetime import timedelta

    from pydantic import Field, SecretStr

    from connectors_sdk import (
        BaseConfigModel,
        BaseConnectorSettings,
        BaseExternalImportConnectorConfig,
        ListFromString,
    )


    class FeedConnectorConfig(BaseExternalImportConnectorConfig):
        name: str = Field(default="Feed", description="Name on the platform.")
        scope: ListFromString = Field(default=["report", "malware"], description="What it brings.")
        duration_period: timedelta = Field(default=timedelta(hours=6), description="Pause.")


    class FeedConfig(BaseConfigModel):
        api_key: SecretStr = Field(description="Key of the feed.")
        limit: int = Field(default=100, ge=1, description="At most so many.")


    class {name}(BaseConnectorSettings):
        connector: FeedConnectorConfig = Field(default_factory=FeedConnectorConfig)
        feed: FeedConfig = Field(default_factory=FeedConfig)
"""

COMPOSE = """
    services:
      connector-feed:
        image: opencti/connector-feed:latest
        environment:
          - OPENCTI_URL=http://localhost
        restart: always
"""


def settings(name: str = "ConnectorSettings") -> str:
    """Return the source of a settings module."""
    return SETTINGS.replace("{name}", name)
