"""Reading a settings class costs little."""

import subprocess
import sys

import pytest

import connectors_sdk

HEAVY = {"pycti", "requests", "limits", "stix2", "yaml", "pydantic_settings", "dotenv"}


@pytest.mark.parametrize(
    "statement",
    [
        "import connectors_sdk",
        "from connectors_sdk import BaseConnectorSettings, ListFromString, DeprecatedField",
        "from connectors_sdk import ConfigValidationError, ExternalImportConnectorState",
        "from connectors_sdk.exceptions.warning import Recommended",
        "from connectors_sdk import BaseConnectorSettings as S;"
        " S.from_dict({'opencti': {'url': 'http://x', 'token': 't'},"
        " 'connector': {'name': 'n', 'scope': 's'}}).to_helper_config()",
    ],
)
def test_nothing_heavy_is_imported(statement: str) -> None:
    code = f"{statement}\nimport sys; print(*{HEAVY} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == []


def test_root_offers_its_names() -> None:
    assert connectors_sdk.__version__ == "0.1.0"
    assert len(connectors_sdk.__all__) == 26
    assert set(connectors_sdk.__all__) <= set(dir(connectors_sdk))
    for name in connectors_sdk.__all__:
        assert getattr(connectors_sdk, name).__class__ is not None
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        getattr(connectors_sdk, "Nothing")
