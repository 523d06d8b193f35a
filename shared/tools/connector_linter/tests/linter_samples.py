"""A small connector of each type that keeps every rule, and what breaks it."""

from pathlib import Path

from connector_linter.connector import RUNTIMES
from connector_linter.model import ALL, Files

_RUNTIME_OF = {type_: name for name, type_ in reversed(RUNTIMES.items())}
_CONFIG_OF = {
    "EXTERNAL_IMPORT": "BaseExternalImportConnectorConfig",
    "INTERNAL_ENRICHMENT": "BaseInternalEnrichmentConnectorConfig",
    "STREAM": "BaseStreamConnectorConfig",
    "INTERNAL_IMPORT_FILE": "BaseInternalImportFileConnectorConfig",
    "INTERNAL_EXPORT_FILE": "BaseInternalExportFileConnectorConfig",
}
assert set(_CONFIG_OF) == set(ALL)


def clean_files(type_: str) -> dict[str, str]:
    """Return the files of a connector called `sample` that keeps every rule."""
    variables = (
        "OPENCTI_URL=http://localhost",
        "OPENCTI_TOKEN=ChangeMe",
        "SAMPLE_API_KEY=ChangeMe",
    )
    environment = "".join(f"      - {variable}\n" for variable in variables)
    return {
        "docker-compose.yml": "services:\n  connector-sample:\n    image: opencti/connector-sample:latest\n"
        f"    environment:\n{environment}      # - SAMPLE_SINCE=P30D\n    restart: always\n",
        ".env.sample": "\n".join(variables) + "\n# SAMPLE_SINCE=P30D\n",
        "config.yml.sample": "opencti:\n  url: http://localhost\n  token: ChangeMe\n\nsample:\n  api_key: ChangeMe\n",
        "Dockerfile": "FROM python:3.12-alpine\nCOPY src /opt/opencti-connector-sample\nUSER 10001:10001\n"
        'ENTRYPOINT ["python3", "main.py"]\n',
        "README.md": "# Sample\n",
        "__metadata__/connector_manifest.json": '{\n  "title": "Sample",\n  "slug": "sample",\n'
        '  "short_description": "Samples.",\n  "license_type": "Free",\n  "container_version": "rolling",\n'
        f'  "container_image": "opencti/connector-sample",\n  "container_type": "{type_}"\n}}\n',
        "src/requirements.txt": "connectors-sdk==0.1.0\n",
        "src/main.py": '"""The program."""\n\nfrom connector import build\nfrom connectors_sdk.connectors import run_connector\n\n'
        'if __name__ == "__main__":\n    run_connector(build)\n',
        "src/connector/__init__.py": '"""Sample."""\n\nfrom connector.connector import build\n\n__all__ = ["build"]\n',
        "src/connector/settings.py": '"""Settings."""\n\nfrom connectors_sdk import (\n'
        f"    BaseConfigModel,\n    BaseConnectorSettings,\n    {_CONFIG_OF[type_]},\n    DatetimeFromIsoString,\n"
        "    ListFromString,\n)\nfrom pydantic import Field, SecretStr\n\n\n"
        f"class ConnectorConfig({_CONFIG_OF[type_]}):\n"
        '    name: str = Field(default="Sample")\n    scope: ListFromString = Field(default=["sample"])\n\n\n'
        "class SampleConfig(BaseConfigModel):\n    api_key: SecretStr = Field()\n"
        '    since: DatetimeFromIsoString = Field(default="P30D")\n    tlp_level: str = Field(default="clear")\n\n\n'
        "class ConnectorSettings(BaseConnectorSettings):\n"
        "    connector: ConnectorConfig = Field(default_factory=ConnectorConfig)\n"
        "    sample: SampleConfig = Field(default_factory=SampleConfig)\n",
        "src/connector/connector.py": '"""Joins source and conversion."""\n\n'
        "from connector.converter_to_stix import convert\nfrom connector.settings import ConnectorSettings\n"
        f"from connectors_sdk.connectors import {_RUNTIME_OF[type_]}\n\n\n"
        f"class Sample({_RUNTIME_OF[type_]}):\n    def transform(self, data):\n"
        "        yield from map(convert, data)\n\n\ndef build():\n    return Sample(ConnectorSettings())\n",
        "src/connector/converter_to_stix.py": '"""Conversion."""\n\n'
        "from connectors_sdk.models import Malware, OrganizationAuthor, TLPMarking\n\n"
        'AUTHOR = OrganizationAuthor(name="ACME")\nMARKING = TLPMarking(level="clear")\n\n\n'
        "def convert(row):\n    return Malware(\n"
        '        name=row["name"], is_family=True, author=AUTHOR, markings=[MARKING]\n    )\n',
        "tests/test_settings.py": "import pytest\nfrom connector.settings import ConnectorSettings\n\n\n"
        "def test_valid_settings():\n    assert ConnectorSettings.from_dict({}).connector\n\n\n"
        "def test_wrong_settings():\n    with pytest.raises(ValueError):\n"
        "        ConnectorSettings.from_dict({'connector': 1})\n",
    }


def write_connector(root: Path, type_: str, changed: Files | None = None) -> Path:
    """Write a clean connector below a repository, with some files changed; return its folder."""
    (root / ".git").mkdir(parents=True, exist_ok=True)
    folder = root / type_.lower().replace("_", "-") / "sample"
    for path, content in {**clean_files(type_), **(changed or {})}.items():
        file = folder / path
        if content is None:
            continue
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, encoding="utf-8")
    return folder


def marked(changed: Files, code: str) -> set[tuple[str, int]]:
    """Return the lines of some files that are marked as reported."""
    return {
        (path, number)
        for path, content in changed.items()
        for number, line in enumerate((content or "").splitlines(), start=1)
        if line.endswith(f"# <- {code}")
    }
