"""A change of the settings class reaches six places; none of them can drift from it unseen."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from support import ROOT, MakeConnector, Tool, settings

SCHEMA = "__metadata__/connector_config_schema.json"
DOC = "__metadata__/CONNECTOR_CONFIG_DOC.md"
PLACES = (
    SCHEMA,
    DOC,
    "config.yml.sample",
    ".env.sample",
    "docker-compose.yml",
    "README.md",
)


@pytest.fixture(name="feed")
def fixture_feed(make_connector: MakeConnector, tool: Tool) -> Path:
    """A connector whose six places are written."""
    folder = make_connector({"src/connector/settings.py": settings()})
    assert tool("schemas", folder).returncode == 0
    return folder


def edit(folder: Path, path: str, old: str, new: str) -> None:
    text = (folder / path).read_text(encoding="utf-8")
    assert old in text
    (folder / path).write_text(text.replace(old, new), encoding="utf-8")


def contents(folder: Path) -> dict[str, str]:
    return {path: (folder / path).read_text(encoding="utf-8") for path in PLACES}


# What is edited in the class -> the text that each place must have afterwards.
CHANGES: dict[str, tuple[str, str, dict[str, str]]] = {
    "another default": (
        "default=100",
        "default=55",
        {
            SCHEMA: '"default": 55',
            DOC: "`55`",
            "config.yml.sample": "  # limit: 55\n",
            ".env.sample": "# FEED_LIMIT=55\n",
            "docker-compose.yml": "      # - FEED_LIMIT=55\n",
            "README.md": "| `FEED_LIMIT` | `55` | At most so many. |\n",
        },
    ),
    "another name": (
        "limit: int",
        "maximum: int",
        {
            SCHEMA: '"FEED_MAXIMUM": {',
            DOC: "| FEED_MAXIMUM |",
            "config.yml.sample": "  # maximum: 100\n",
            ".env.sample": "# FEED_MAXIMUM=100\n",
            "docker-compose.yml": "      # - FEED_MAXIMUM=100\n",
            "README.md": "| `FEED_MAXIMUM` |",
        },
    ),
    "required now": (
        "default=100, ",
        "",
        {
            SCHEMA: '    "FEED_API_KEY",\n    "FEED_LIMIT"\n  ]',
            DOC: "| FEED_LIMIT | `integer` | ✅ |",
            "config.yml.sample": "  limit: ChangeMe\n",
            ".env.sample": "\nFEED_LIMIT=ChangeMe\n",
            "docker-compose.yml": "      - FEED_LIMIT=ChangeMe\n",
            "README.md": "| `FEED_LIMIT` | required |",
        },
    ),
    "one more section": (
        "    feed: FeedConfig",
        "    other: FeedConfig = Field(default_factory=FeedConfig)\n    feed: FeedConfig",
        {
            SCHEMA: '"OTHER_API_KEY": {',
            DOC: "| OTHER_API_KEY |",
            "config.yml.sample": "\nother:\n  api_key: ChangeMe\n  # limit: 100\n",
            ".env.sample": "OTHER_API_KEY=ChangeMe\n",
            "docker-compose.yml": "      - OTHER_API_KEY=ChangeMe\n",
            "README.md": "| `OTHER_API_KEY` | required |",
        },
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_reaches_all_six_places(change: str, feed: Path, tool: Tool) -> None:
    old, new, expected = CHANGES[change]
    assert tuple(expected) == PLACES
    before = contents(feed)
    edit(feed, "src/connector/settings.py", old, new)
    check = tool("schemas", feed, "--check")
    assert check.returncode == 1
    assert "6 of 6 not as the settings class says" in check.stdout
    assert contents(feed) == before
    written = tool("schemas", feed)
    assert written.returncode == 0
    assert "6 of 6 written" in written.stdout
    after = contents(feed)
    for path, text in expected.items():
        assert text not in before[path], path
        assert text in after[path], path
    assert tool("schemas", feed, "--check").stdout.endswith("up to date\n")


def test_a_description_reaches_what_shows_descriptions(feed: Path, tool: Tool) -> None:
    edit(feed, "src/connector/settings.py", "At most so many.", "So many | no more.")
    check = tool("schemas", feed, "--check")
    assert "3 of 6 not as the settings class says" in check.stdout
    assert tool("schemas", feed).returncode == 0
    assert "So many | no more." in contents(feed)[SCHEMA]
    assert "So many \\| no more." in contents(feed)[DOC]
    assert "So many \\| no more." in contents(feed)["README.md"]


DRIFTS = {
    SCHEMA: ('"default": 100', '"default": 99'),
    DOC: ("`100`", "`99`"),
    "config.yml.sample": ("# limit: 100", "# limit: 99"),
    ".env.sample": ("FEED_LIMIT=100", "FEED_LIMIT=99"),
    "docker-compose.yml": ("FEED_LIMIT=100", "FEED_LIMIT=99"),
    "README.md": ("`100`", "`99`"),
}


@pytest.mark.parametrize("path", PLACES)
def test_drift_is_shown(path: str, feed: Path, tool: Tool) -> None:
    edit(feed, path, *DRIFTS[path])
    drifted = contents(feed)
    done = tool("schemas", feed, "--check")
    assert done.returncode == 1
    assert "1 of 6 not as the settings class says" in done.stdout
    assert f"--- {path} (as it is)" in done.stdout
    minus = [line for line in done.stdout.splitlines() if line.startswith("-")]
    assert any("99" in line for line in minus)
    assert contents(feed) == drifted
    assert tool("schemas", feed).returncode == 0
    assert tool("schemas", feed, "--check").returncode == 0


@pytest.mark.parametrize("path", [SCHEMA, DOC, "config.yml.sample", ".env.sample"])
def test_a_missing_file_is_drift(path: str, feed: Path, tool: Tool) -> None:
    (feed / path).unlink()
    done = tool("schemas", feed, "--check")
    assert done.returncode == 1
    assert f"--- {path} (missing)" in done.stdout
    assert not (feed / path).exists()


def test_a_readme_without_markers_is_drift_and_gets_a_section(
    feed: Path, tool: Tool
) -> None:
    (feed / "README.md").write_text("# Feed\n\nWhat it does.\n", encoding="utf-8")
    assert tool("schemas", feed, "--check").returncode == 1
    assert tool("schemas", feed).returncode == 0
    text = contents(feed)["README.md"]
    assert text.startswith("# Feed\n\nWhat it does.\n\n## Settings\n\n<!-- settings")


def test_the_table_stays_where_its_markers_are(feed: Path, tool: Tool) -> None:
    text = "# Feed\n\n<!-- settings: begin -->\nformer\n<!-- settings: end -->\n\n## After\n"
    (feed / "README.md").write_text(text, encoding="utf-8")
    assert tool("schemas", feed).returncode == 0
    readme = contents(feed)["README.md"]
    assert "former" not in readme
    assert readme.index("`FEED_LIMIT`") < readme.index("## After")
    assert readme.count("<!-- settings: end -->") == 1


def test_files_that_are_not_there_are_told(feed: Path, tool: Tool) -> None:
    (feed / "README.md").unlink()
    (feed / "docker-compose.yml").unlink()
    done = tool("schemas", feed)
    assert done.returncode == 0
    assert "README.md: not written, there is no such file" in done.stdout
    assert "docker-compose.yml: not written, there is no such file" in done.stdout


def test_a_sample_in_src_stays_there(feed: Path, tool: Tool) -> None:
    (feed / "config.yml.sample").rename(feed / "src" / "config.yml.sample")
    assert tool("schemas", feed, "--check").returncode == 0
    assert tool("schemas", feed).returncode == 0
    assert not (feed / "config.yml.sample").exists()


def test_the_environment_of_the_one_who_runs_it_changes_nothing(
    feed: Path, tool: Tool
) -> None:
    source = feed / "src/connector/settings.py"
    text = "import os\n" + source.read_text(encoding="utf-8")
    source.write_text(
        text.replace("default=100", "default=int(os.getenv('FEED_LIMIT', '100'))"),
        encoding="utf-8",
    )
    assert tool("schemas", feed, "--check", FEED_LIMIT="3").returncode == 0


def test_wrong_usage_is_told(tool: Tool) -> None:
    for arguments in (["no-such-folder"], []):
        done = tool("schemas", *arguments)
        assert done.returncode == 2
        assert "folder" in done.stderr


# Defaults that are hard to write down.
TRICKY = r"""
from datetime import timedelta
from typing import Any, Literal

from pydantic import Field, HttpUrl, SecretStr

from connectors_sdk import (
    BaseConfigModel, BaseConnectorSettings, BaseExternalImportConnectorConfig, DeprecatedField, ListFromString,
)


class ConnectorConfig(BaseExternalImportConnectorConfig):
    name: str = "Feed: #1 & more"
    scope: ListFromString = ["report", "x-own"]
    duration_period: timedelta = timedelta(days=1, minutes=5)


class FeedConfig(BaseConfigModel):
    key: SecretStr
    hash_sign: str = "a #b"
    quotes: str = "it's \"so\""
    dollar: str = "$HOME"
    braces: str = "${HOME}"
    backslash: str = "C:\\temp"
    colon: str = "key: value"
    yes_no: str = "yes"
    number_text: str = "007"
    star: str = "*"
    spaces: str = " both ends "
    unicode: str = "Überblick — 日本"
    lines: str = "one\ntwo"
    empty: str = ""
    numbers: list[int] = [1, 2]
    words: list[str] = ["a", "b"]
    commas: ListFromString = ["one"]
    none: ListFromString = []
    mapping: dict[str, Any] = {"a": [1, None], "b": "c: d"}
    ratio: float = 0.5
    many: int = 10
    switch: bool = False
    absent: int | None = None
    level: Literal["low", "high"] = "low"
    site: HttpUrl = "https://feed.example/path?a=b&c=d#e"
    old: str = DeprecatedField(new_namespaced_var="colon")


class Settings(BaseConnectorSettings):
    connector: ConnectorConfig = Field(default_factory=ConnectorConfig)
    feed: FeedConfig = Field(default_factory=FeedConfig)
    flag: bool = True
"""
PRINT = """
import json
from settings import Settings
print(json.dumps(Settings().to_helper_config(), sort_keys=True))
"""
# `absent` has nothing to be set to; that it stays out is what its empty sample means.
GIVEN = {
    "OPENCTI_URL": "http://localhost",
    "OPENCTI_TOKEN": "t",
    "CONNECTOR_ID": "6e9ad0f5-7d1c-4bb0-8c37-7d9ab9e9b2a8",
    "FEED_KEY": "k",
}


def loaded(folder: Path, **variables: str) -> dict[str, Any]:
    """Return what the connector's process reads."""
    done = subprocess.run(
        [sys.executable, folder / "src" / "main.py"],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT / "connectors-sdk")}
        | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def fill(text: str) -> str:
    """Fill in the placeholders of a sample."""
    for variable, value in GIVEN.items():
        key = variable.split("_", maxsplit=1)[1].lower()
        for name in (f"{variable}=", f"  {key}: "):
            text = text.replace(f"{name}ChangeMe", f"{name}{value}")
    return text


def uncommented(text: str) -> str:
    """Return a sample with every setting switched on, but for the header and what has no value."""
    lines = [
        line.replace("# ", "", 1) if line.lstrip().startswith("# ") else line
        for line in text.splitlines()[1:]
    ]
    kept = [
        line
        for line in lines
        if not line.rstrip().lower().endswith(("absent:", "absent="))
    ]
    return "\n".join(kept) + "\n"


def from_yaml(folder: Path) -> dict[str, Any]:
    sample = (folder / "config.yml.sample").read_text(encoding="utf-8")
    (folder / "config.yml").write_text(fill(uncommented(sample)), encoding="utf-8")
    return loaded(folder)


def from_dot_env(folder: Path) -> dict[str, Any]:
    sample = (folder / ".env.sample").read_text(encoding="utf-8")
    # python-dotenv knows no way to write this.
    sample = "".join(line for line in sample.splitlines(True) if "${" not in line)
    (folder / ".env").write_text(fill(uncommented(sample)), encoding="utf-8")
    return loaded(folder)


def from_compose(folder: Path) -> dict[str, Any]:
    lines = (folder / "docker-compose.yml").read_text(encoding="utf-8").splitlines()
    text = "\n".join(
        line.replace("# - ", "- ", 1) for line in lines if not line.endswith("ABSENT=")
    )
    entries = yaml.safe_load(fill(text))["services"]["connector-feed"]["environment"]
    # As docker compose does.
    pairs = [entry.replace("$$", "$").split("=", 1) for entry in entries]
    return loaded(folder, **dict(pairs))


@pytest.mark.parametrize("read", [from_yaml, from_dot_env, from_compose])
def test_every_sample_reads_back_as_the_defaults(
    read: Callable[[Path], dict[str, Any]], make_connector: MakeConnector, tool: Tool
) -> None:
    folder = make_connector({"src/settings.py": TRICKY, "src/main.py": PRINT})
    assert tool("schemas", folder).returncode == 0
    defaults = loaded(folder, **GIVEN)
    assert defaults["feed"]["braces"] == "${HOME}"
    assert read(folder) == defaults


def test_samples_as_they_are_say_which_values_are_missing(
    make_connector: MakeConnector, tool: Tool
) -> None:
    folder = make_connector({"src/settings.py": TRICKY, "src/main.py": PRINT})
    assert tool("schemas", folder).returncode == 0
    text = (folder / ".env.sample").read_text(encoding="utf-8")
    active = [line for line in text.splitlines() if not line.startswith("#")]
    assert active == [
        "OPENCTI_URL=http://localhost",
        "OPENCTI_TOKEN=ChangeMe",
        "CONNECTOR_ID=ChangeMe",
        "FEED_KEY=ChangeMe",
    ]
    assert "OLD" not in text
    assert "TYPE" not in text
    sample = yaml.safe_load((folder / "config.yml.sample").read_text(encoding="utf-8"))
    assert sample == {
        "opencti": {"url": "http://localhost", "token": "ChangeMe"},
        "connector": {"id": "ChangeMe"},
        "feed": {"key": "ChangeMe"},
    }


def test_the_schema_is_one_that_others_can_use(
    make_connector: MakeConnector, tool: Tool
) -> None:
    folder = make_connector({"src/settings.py": TRICKY, "src/main.py": PRINT})
    assert tool("schemas", folder).returncode == 0
    schema = json.loads((folder / SCHEMA).read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    assert schema["$id"] == "https://www.filigran.io/connectors/feed_config.schema.json"
    assert schema["required"] == ["OPENCTI_URL", "OPENCTI_TOKEN", "FEED_KEY"]
    assert "CONNECTOR_ID" not in schema["properties"]
    assert schema["properties"]["FEED_OLD"]["deprecated"] is True
    assert schema["properties"]["FLAG"] == {"default": True, "type": "boolean"}
    doc = (folder / DOC).read_text(encoding="utf-8")
    rows = [line.split(" | ") for line in doc.splitlines() if line.startswith("| ")]
    assert [row[0] for row in rows[2:5]] == [
        "| OPENCTI_URL",
        "| OPENCTI_TOKEN",
        "| FEED_KEY",
    ]
    assert len({len(row) for row in rows}) == 1
