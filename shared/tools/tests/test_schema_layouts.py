"""The settings class is found and read in every layout that connectors of the public ecosystem have."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support import TOOLS, MakeConnector, Tool, settings, wheel

VARIABLES = [
    "OPENCTI_URL",
    "OPENCTI_TOKEN",
    "CONNECTOR_NAME",
    "CONNECTOR_SCOPE",
    "CONNECTOR_LOG_LEVEL",
    "CONNECTOR_TYPE",
    "CONNECTOR_DURATION_PERIOD",
    "FEED_API_KEY",
    "FEED_LIMIT",
]
FOR_EVER = "import time\nwhile True:\n    time.sleep(1)\n"

PYDANTIC_BASE = """
    from pydantic_settings import BaseSettings, SettingsConfigDict

    class ConfigBaseSettings(BaseSettings):
        model_config = SettingsConfigDict(env_nested_delimiter="_", env_nested_max_split=1, extra="allow")
"""
PYDANTIC_SECTIONS = """
    from typing import Literal

    from pydantic import Field, HttpUrl, SecretStr
    from {package}.base_settings import ConfigBaseSettings

    class _OpenCTI(ConfigBaseSettings):
        url: HttpUrl = Field(alias="OPENCTI_URL", description="The platform.")
        token: SecretStr = Field(alias="OPENCTI_TOKEN")

    class _Connector(ConfigBaseSettings):
        id: str = Field(default="feed--1")
        name: str = "Feed"
        scope: str = "report"
        log_level: Literal["debug", "error"] = "error"
        type: Literal["EXTERNAL_IMPORT"] = "EXTERNAL_IMPORT"
        duration_period: str = "PT6H"

    class _Feed(ConfigBaseSettings):
        api_key: SecretStr
        limit: int | None = None
"""
PYDANTIC_LOADER = """
    from pydantic import Field
    from {package} import ConfigBaseSettings, _Connector, _Feed, _OpenCTI

    class ConfigLoader(ConfigBaseSettings):
        opencti: _OpenCTI = Field(default_factory=_OpenCTI)
        connector: _Connector = Field(default_factory=_Connector)
        feed: _Feed = Field(default_factory=_Feed)
"""
PYDANTIC_PACKAGE = """
    from {package}.base_settings import ConfigBaseSettings
    from {package}.sections import _Connector, _Feed, _OpenCTI
"""


def pydantic_settings(folder: str, package: str) -> dict[str, str]:
    """Return the modules of a connector that uses pydantic-settings and no SDK."""
    modules = {
        "__init__": PYDANTIC_PACKAGE,
        "base_settings": PYDANTIC_BASE,
        "sections": PYDANTIC_SECTIONS,
        "config_loader": PYDANTIC_LOADER,
    }
    return {
        f"{folder}/{name}.py": text.replace("{package}", package)
        for name, text in modules.items()
    }


LAYOUTS: dict[str, dict[str, str]] = {
    "as in the templates": {
        "src/main.py": "from connector import ConnectorSettings\n",
        "src/connector/__init__.py": "from connector.settings import ConnectorSettings\n",
        "src/connector/settings.py": settings(),
    },
    "ConfigLoader": {"src/connector/config.py": settings("ConfigLoader")},
    "a name of its own, deep in the tree": {
        "src/feed_lib/configs/deep/options.py": settings("_FeedOptions"),
    },
    "a subclass of a subclass in another module": {
        "src/connector/base.py": settings("CommonSettings"),
        "src/connector/settings.py": """
            from connector.base import CommonSettings as Common

            class FeedSettings(Common):
                pass
        """,
    },
    "relative imports": {
        "src/connector/__init__.py": "from .settings import FeedSettings\n",
        "src/connector/base.py": settings("CommonSettings"),
        "src/connector/settings.py": """
            from .base import CommonSettings

            class FeedSettings(CommonSettings):
                pass
        """,
    },
    "imported as src.something": {
        "src/__init__.py": "",
        "src/__main__.py": FOR_EVER,
        "src/connector/base.py": settings("CommonSettings"),
        "src/connector/settings.py": """
            from src.connector.base import CommonSettings

            class ConfigLoader(CommonSettings):
                pass
        """,
    },
    "relative imports up to src": {
        "src/__init__.py": "",
        "src/common.py": settings("CommonSettings"),
        "src/connector/settings.py": """
            from ..common import CommonSettings

            class ConfigLoader(CommonSettings):
                pass
        """,
        "src/main.py": "from src.connector.settings import ConfigLoader\n",
    },
    "modules beside a main module inside a package": {
        "src/feed/main.py": "from options import FeedOptions\n",
        "src/feed/base.py": settings("CommonSettings"),
        "src/feed/options.py": """
            from base import CommonSettings

            class FeedOptions(CommonSettings):
                pass
        """,
    },
    "no src at all": {"feed/settings.py": settings(), "main.py": FOR_EVER},
    "in the package itself": {"src/connector/__init__.py": settings()},
    "beside a main module that never ends": {
        "src/main.py": FOR_EVER,
        "src/settings.py": settings(),
    },
    "in a main module that never ends": {
        "src/main.py": settings("ConfigLoader")
        + """
    from pycti import OpenCTIConnectorHelper

    config = ConfigLoader()
    helper = OpenCTIConnectorHelper(config.to_helper_config())
    import time
    while True:
        time.sleep(1)
    """,
    },
    "a package that imports a client that is not installed": {
        "src/connector/__init__.py": "from connector.client import Client\n",
        "src/connector/client.py": "import no_such_library\n",
        "src/connector/settings.py": settings(),
    },
    "settings that are read when they are imported": {
        "src/connector/settings.py": settings()
        + "\n    SETTINGS = ConnectorSettings()\n",
    },
    "an import that only other things in the module need": {
        "src/connector/settings.py": settings()
        + "\n    import no_such_library\n    CLIENT = no_such_library.Client()\n",
    },
    "a module that prints": {
        "src/connector/settings.py": "    print('{ not JSON')\n" + settings(),
    },
    "test classes are no settings": {
        "src/connector/settings.py": settings(),
        "src/tests/test_it.py": settings("StubSettings"),
        "src/test_more.py": settings("OtherStub"),
        "tests/test_settings.py": settings("ThirdStub"),
    },
    "a broken module elsewhere": {
        "src/connector/settings.py": settings(),
        "src/connector/old.py": "print 'python 2'\n",
    },
    "pydantic-settings": pydantic_settings("src/models/configs", "models.configs"),
    "pydantic-settings, imported as src.something": pydantic_settings(
        "src/connector/models", "src.connector.models"
    ),
}


def schema_of(folder: Path) -> dict[str, Any]:
    path = folder / "__metadata__" / "connector_config_schema.json"
    schema: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return schema


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_layout_is_read_in_place(
    layout: str, make_connector: MakeConnector, tool: Tool
) -> None:
    folder = make_connector(LAYOUTS[layout])
    before = {path for path in folder.rglob("*") if path.is_file()}
    done = tool("schemas", folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "isolated" not in done.stdout
    assert sorted(schema_of(folder)["properties"]) == sorted(VARIABLES)
    after = {path for path in folder.rglob("*") if path.is_file()}
    assert {path.relative_to(folder).as_posix() for path in after - before} == {
        "__metadata__/CONNECTOR_CONFIG_DOC.md",
        "__metadata__/connector_config_schema.json",
        ".env.sample",
        "config.yml.sample",
    }


NEEDS_A_LIBRARY = """
    from feed_types_for_tests import LIMIT
""" + settings().replace("default=100", "default=LIMIT")


def test_what_needs_a_package_that_is_not_installed_is_read_in_an_environment(
    make_connector: MakeConnector, tool: Tool, tmp_path: Path
) -> None:
    library = wheel(tmp_path, "feed_types_for_tests", "LIMIT = 7\n")
    folder = make_connector(
        {
            "src/connector/settings.py": NEEDS_A_LIBRARY,
            "src/requirements.txt": f"connectors-sdk==0.1.0\nfeed_types_for_tests @ {library.as_uri()}\n",
        }
    )
    done = tool("schemas", folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "it imports feed_types_for_tests, which is not installed here" in done.stdout
    assert "isolated environment (built: " in done.stdout
    assert schema_of(folder)["properties"]["FEED_LIMIT"]["default"] == 7
    assert not list(folder.rglob("*venv*"))
    again = tool("schemas", folder, "--check")
    assert again.returncode == 0, again.stdout
    assert "isolated environment (kept from before: " in again.stdout


def test_a_package_that_is_not_even_required_is_named(
    make_connector: MakeConnector, tool: Tool
) -> None:
    folder = make_connector({"src/connector/settings.py": NEEDS_A_LIBRARY})
    done = tool("schemas", folder)
    assert done.returncode == 1
    assert "No module named 'feed_types_for_tests'" in done.stdout
    assert "with the connector's requirements installed" in done.stdout


def test_requirements_that_cannot_be_installed_are_told(
    make_connector: MakeConnector, tool: Tool, tmp_path: Path
) -> None:
    folder = make_connector(
        {
            "src/connector/settings.py": NEEDS_A_LIBRARY,
            "requirements.txt": f"feed_types_for_tests @ {tmp_path.as_uri()}/nowhere.whl\n",
        }
    )
    done = tool("schemas", folder)
    assert done.returncode == 1
    assert "its requirements cannot be installed" in done.stdout
    assert "nowhere.whl" in done.stdout


def test_a_folder_without_a_settings_class_is_told(
    make_connector: MakeConnector, tool: Tool
) -> None:
    folder = make_connector({"src/main.py": "import pycti\n"})
    done = tool("schemas", folder)
    assert done.returncode == 1
    assert "no subclass of BaseConnectorSettings" in done.stdout


def test_of_several_classes_one_is_named(
    make_connector: MakeConnector, tool: Tool
) -> None:
    folder = make_connector(
        {"src/a.py": settings("FirstSettings"), "src/b.py": settings("SecondSettings")}
    )
    done = tool("schemas", folder)
    assert done.returncode == 1
    assert "FirstSettings (src/a.py), SecondSettings (src/b.py)" in done.stdout
    assert tool("schemas", folder, "--class", "SecondSettings").returncode == 0
    assert tool("schemas", folder, "--class", "ThirdSettings").returncode == 1


def test_the_class_that_is_used_is_the_one_that_is_meant(
    make_connector: MakeConnector, tool: Tool
) -> None:
    folder = make_connector(
        {
            "src/a.py": settings("FirstSettings"),
            "src/b.py": settings("SecondSettings").replace("feed:", "other:"),
            "src/main.py": "from b import SecondSettings\n\nSecondSettings()\n",
        }
    )
    assert tool("schemas", folder).returncode == 0
    assert "OTHER_LIMIT" in schema_of(folder)["properties"]


def test_what_a_module_raises_is_told_with_its_place(
    make_connector: MakeConnector, tool: Tool
) -> None:
    source = settings().replace("default=100", "default=1 / 0")
    folder = make_connector({"src/connector/settings.py": source})
    done = tool("schemas", folder)
    assert done.returncode == 1
    assert "ZeroDivisionError" in done.stdout
    assert "settings.py, line 2" in done.stdout


def test_a_module_that_never_ends_is_ended(make_connector: MakeConnector) -> None:
    source = "    import time\n    time.sleep(3600)\n" + settings()
    folder = make_connector({"src/settings.py": source, "src/good.py": settings()})
    jobs = [
        {
            "id": name,
            "folder": str(folder),
            "file": str(folder / "src" / f"{name}.py"),
            "modules": [name],
            "class": "ConnectorSettings",
            "path": [str(folder / "src")],
        }
        for name in ("settings", "good")
    ]
    done = subprocess.run(
        [sys.executable, TOOLS / "composer" / "describe.py", "--timeout", "8"],
        input=json.dumps(jobs),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    answers = {a["id"]: a for a in map(json.loads, done.stdout.splitlines())}
    assert answers["settings"]["error"] == "importing it took longer than 8 s"
    assert "described" in answers["good"]
