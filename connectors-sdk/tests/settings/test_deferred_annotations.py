"""Settings modules that postpone the evaluation of annotations."""

from __future__ import annotations

from typing import Annotated

import pytest
from pydantic import Field

from connectors_sdk import (
    BaseConfigModel,
    BaseConnectorSettings,
    Deprecate,
    DeprecatedField,
    ListFromString,
)


class Feed(BaseConfigModel):
    new: ListFromString = Field(default=[])
    old: ListFromString = DeprecatedField(new_namespaced_var="new")
    older: Annotated[str, Deprecate(new_namespaced_var="new")]


class Settings(BaseConnectorSettings):
    feed: Feed = Field(default_factory=Feed)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["old", "older"])
def test_deprecated_fields_work(name: str) -> None:
    config = {
        "opencti": {"url": "http://localhost", "token": "t"},
        "connector": {"name": "n", "scope": "s"},
        "feed": {name: "a,b"},
    }
    with pytest.warns(UserWarning, match="Migrating to 'feed.new'"):
        settings = Settings.from_dict(config)
    assert settings.feed.new == ["a", "b"]
