"""Of docker-compose.yml only the environment block is written; what is in it besides settings stays."""

from textwrap import dedent

import pytest
import yaml
from composer.extract import Setting
from composer.outputs.compose import NoEnvironmentBlock, render

SETTINGS = (
    Setting("OPENCTI_URL", "opencti", "url", "", "json", {"type": "string"}, True),
    Setting("OPENCTI_TOKEN", "opencti", "token", "", "json", {"type": "string"}, True),
    Setting("FEED_KEY", "feed", "key", "", "json", {"type": "string"}, True),
    Setting(
        "FEED_ON", "feed", "on", "", "json", {"type": "boolean", "default": True}, False
    ),
    Setting("FEED_OLD", "feed", "old", "", "json", {"deprecated": True}, False),
    Setting("CONNECTOR_TYPE", "connector", "type", "", "json", {"const": "X"}, False),
)
LIST = """\
- OPENCTI_URL=http://localhost
- OPENCTI_TOKEN=ChangeMe
- FEED_KEY=ChangeMe
# - FEED_ON=true
"""
MAPPING = """\
OPENCTI_URL: http://localhost
OPENCTI_TOKEN: ChangeMe
FEED_KEY: ChangeMe
# FEED_ON: 'true'
"""


def block(text: str, indent: int) -> str:
    return "".join(f"{' ' * indent}{line}\n" for line in text.splitlines())


def written(text: str) -> str:
    """Write a file and make sure that writing it again changes nothing."""
    result = render(SETTINGS, dedent(text), "feed")
    assert render(SETTINGS, result, "feed") == result
    yaml.safe_load(result)
    return result


def test_the_rest_of_the_file_is_as_it_was() -> None:
    before = """\
        # about this file
        version: "3"   # old
        services:

          connector-feed:   # the one
            image: opencti/connector-feed:latest
            environment:
              # what to set
              - OPENCTI_URL=http://opencti:8080
              - CONNECTOR_TYPE=EXTERNAL_IMPORT
              - FEED_OLD=1

            # and then
            restart: always
        networks:
          default:
            external: true
    """
    lines = dedent(before).splitlines(keepends=True)
    assert written(before) == "".join(lines[:7]) + block(LIST, 6) + "".join(lines[11:])


def test_a_mapping_stays_a_mapping() -> None:
    before = """\
        services:
            feed:
                environment:
                    OPENCTI_URL: "http://opencti:8080"
                    FEED_ON: "false"
                restart: always
    """
    after = written(before)
    assert block(MAPPING, 12) in after
    environment = yaml.safe_load(after)["services"]["feed"]["environment"]
    assert all(isinstance(value, str) for value in environment.values())


def test_entries_at_the_column_of_their_key() -> None:
    before = """\
        services:
          feed:
            environment:
            - OPENCTI_URL=http://opencti:8080
            # - FEED_ON=false
            restart: always
    """
    assert written(before).endswith(
        f"environment:\n{block(LIST, 4)}    restart: always\n"
    )


def test_what_is_no_setting_stays_with_its_comments() -> None:
    before = """\
        services:
          feed:
            environment:
              # how to get out
              # (both)
              - HTTPS_PROXY=http://proxy:3128
              - FEED_KEY=abc
              # - CONNECTOR_QUEUE_THRESHOLD=1000
              - INHERITED
    """
    kept = """\
      # how to get out
      # (both)
      - HTTPS_PROXY=http://proxy:3128
      # - CONNECTOR_QUEUE_THRESHOLD=1000
      - INHERITED
"""
    assert written(before).endswith(block(LIST, 6) + kept)


def test_several_lines_of_one_entry_stay_together() -> None:
    before = """\
        services:
          feed:
            environment:
              OPENCTI_URL: http://x
              NOTE: >-
                two
                lines
              <<: *common
    """
    after = render(SETTINGS, "x-a: &common {}\n" + dedent(before), "feed")
    assert "      NOTE: >-\n        two\n        lines\n" in after


def test_a_value_from_the_environment_of_compose_stays() -> None:
    before = """\
        services:
          feed:
            environment:
              - OPENCTI_TOKEN=${TOKEN:?set it}
              - "FEED_KEY=${FEED_KEY}"
              # - FEED_ON=${ON}
    """
    environment = yaml.safe_load(written(before))["services"]["feed"]["environment"]
    assert environment[1:] == ["OPENCTI_TOKEN=${TOKEN:?set it}", "FEED_KEY=${FEED_KEY}"]


@pytest.mark.parametrize(
    ("others", "expected"),
    [
        ("  redis:\n    environment:\n      - A=1\n", "feed"),
        (
            "  other:\n    image: opencti/connector-other\n"
            "    environment:\n      - OPENCTI_URL=x\n",
            "feed",
        ),
    ],
)
def test_of_several_services_the_connector_is_meant(others: str, expected: str) -> None:
    before = (
        f"services:\n{others}"
        "  feed:\n    image: opencti/connector-feed:1\n    environment:\n      - A=1\n"
    )
    services = yaml.safe_load(written(before))["services"]
    changed = [
        name for name, s in services.items() if "FEED_KEY=ChangeMe" in s["environment"]
    ]
    assert changed == [expected]


def test_an_empty_block_is_filled() -> None:
    before = "services:\n  feed:\n    environment:\n    restart: always\n"
    assert written(before) == (
        f"services:\n  feed:\n    environment:\n{block(LIST, 6)}    restart: always\n"
    )


@pytest.mark.parametrize("empty", ["[]", "{}"])
def test_an_empty_list_on_the_line_of_its_key_is_filled(empty: str) -> None:
    before = f"services:\n  feed:\n    environment: {empty}\n    restart: always\n"
    after = written(before)
    environment = yaml.safe_load(after)["services"]["feed"]["environment"]
    assert any("FEED_KEY" in entry for entry in environment)
    assert after.endswith("    restart: always\n")


@pytest.mark.parametrize(
    "text",
    [
        "services:\n  feed:\n    env_file: .env\n",
        "",
        "a: [\n",
        "services:\n  feed:\n    environment: [HTTPS_PROXY=x]\n",
    ],
)
def test_a_file_that_cannot_be_written_is_told(text: str) -> None:
    with pytest.raises(NoEnvironmentBlock):
        render(SETTINGS, text, "feed")


def test_a_setting_that_is_none_any_more_goes_and_notes_stay() -> None:
    before = """\
        services:
          connector-feed:
            image: opencti/connector-feed:latest
            environment:
              - OPENCTI_URL=http://localhost
              # - FEED_REMOVED=1
              - FEED_IN_USE=2
              # - CONNECTOR_HEALTH_PORT=9096
    """
    after = written(before)
    assert "FEED_REMOVED" not in after
    # What is set is the operator's; so are notes about settings of the runtime.
    assert "- FEED_IN_USE=2" in after
    assert "# - CONNECTOR_HEALTH_PORT=9096" in after
