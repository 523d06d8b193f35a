"""A generated tree of connector-sized packages, for the benchmarks of tools that read source code.

Each package has the layout of a connector and about 1,300 lines of Python in a dozen files: settings, a client with
pages and retries, models, a converter to STIX, the loop and tests. Names, fields, kinds of objects and habits differ from
package to package by a seeded random generator, in the mix that is met in the wild: most use stix2 with pycti, some
the SDK's models; some forget a timeout, print, or give an object a random id.
"""

import json
import random
from pathlib import Path
from textwrap import dedent, indent

# Connectors of each type among 300, as in the public collection.
TYPES = {
    "external-import": ("EXTERNAL_IMPORT", "ExternalImport", 176),
    "internal-enrichment": ("INTERNAL_ENRICHMENT", "InternalEnrichment", 73),
    "stream": ("STREAM", "Stream", 38),
    "internal-export-file": ("INTERNAL_EXPORT_FILE", "InternalExportFile", 7),
    "internal-import-file": ("INTERNAL_IMPORT_FILE", "InternalImportFile", 6),
}
_SYLLABLES = "ka lo mi tor ven zar pel dun rik sol bex qua nim ter fal gor".split()
_NOUNS = (
    "actor beacon botnet campaign domain exploit family finding host implant incident leak malware note package payload "
    "phish rule sample scan sensor server site sketch stealer target tactic tool url victim"
).split()
_FIELDS = (
    "severity score country sector platform version vendor owner comment category source reliability confidence status "
    "language risk handle region port protocol"
).split()
_STIX = {
    "Malware": ("Malware", "name", "is_family=True"),
    "Tool": ("Tool", "name", 'tool_types=["unknown"]'),
    "Campaign": ("Campaign", "name", "objective=record.comment"),
    "IntrusionSet": ("IntrusionSet", "name", 'resource_level="team"'),
    "Infrastructure": ("Infrastructure", "name", 'infrastructure_types=["botnet"]'),
    "Vulnerability": ("Vulnerability", "name", "description=record.comment"),
}


class _Package:
    """Writes one connector."""

    def __init__(self, folder: Path, kind: str, rng: random.Random) -> None:
        self._rng = rng
        self._type, self._base, _ = TYPES[kind]
        self._folder = folder
        self._name = folder.name
        self._module = self._name.replace("-", "_")
        self._class = "".join(part.title() for part in self._name.split("-"))
        self._nouns = rng.sample(_NOUNS, 8)
        self._fields = {noun: rng.sample(_FIELDS, 6) for noun in self._nouns}

    def _file(self, path: str, text: str) -> None:
        file = self._folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dedent(text).lstrip("\n"), encoding="utf-8")

    def write(self) -> None:
        """Write all files."""
        self._file("src/main.py", self._main())
        self._file("src/connector/__init__.py", f'"""{self._class}."""\n')
        self._file("src/connector/settings.py", self._settings())
        self._file("src/connector/connector.py", self._connector())
        self._file("src/connector/converter_to_stix.py", self._converter())
        self._file("src/connector/utils.py", self._utils())
        self._file(f"src/{self._module}_client/__init__.py", self._client_init())
        self._file(f"src/{self._module}_client/models.py", self._models())
        self._file(f"src/{self._module}_client/api_client.py", self._client())
        self._file("tests/conftest.py", self._conftest())
        self._file("tests/test_converter.py", self._test_converter())
        self._file("tests/test_settings.py", self._test_settings())
        self._rest()

    # -- Python ---------------------------------------------------------------------------------------------------

    def _main(self) -> str:
        return f'''
            """Runs {self._class}."""

            import sys
            import traceback

            from connector.connector import {self._class}Connector
            from connector.settings import ConnectorSettings
            from pycti import OpenCTIConnectorHelper

            if __name__ == "__main__":
                try:
                    settings = ConnectorSettings()
                    helper = OpenCTIConnectorHelper(config=settings.to_helper_config())
                    connector = {self._class}Connector(settings, helper)
                    connector.run()
                except Exception:
                    traceback.print_exc()
                    sys.exit(1)
        '''

    def _settings(self) -> str:
        rng = self._rng
        secret = rng.choice(["SecretStr", "SecretStr", "str"])
        fields = "".join(f"""
    {noun}_limit: int = Field(
        default={rng.randrange(10, 500)},
        ge=1,
        description="Number of {noun} records that are asked for at once.",
    )
    import_{noun}: bool = Field(
        default={rng.choice(["True", "False"])},
        description="Whether {noun} records are imported.",
    )""" for noun in self._nouns)
        period = (
            '\n    duration_period: timedelta = Field(default=timedelta(hours=6), description="Time between two runs.")'
            if self._type == "EXTERNAL_IMPORT"
            else ""
        )
        return f'''
"""What can be configured."""

from datetime import timedelta
from typing import Literal

from connectors_sdk import (
    Base{self._base}ConnectorConfig,
    BaseConfigModel,
    BaseConnectorSettings,
    ListFromString,
)
from pydantic import Field, HttpUrl, SecretStr


class {self._class}ConnectorConfig(Base{self._base}ConnectorConfig):
    """The connector itself."""

    name: str = Field(default="{self._class}", description="Name of the connector.")
    scope: ListFromString = Field(default=["{self._name}"], description="Scope of the connector.")
    log_level: Literal["debug", "info", "warn", "warning", "error"] = Field(
        default="{rng.choice(["error", "info"])}", description="Least level that is logged."
    ){period}


class {self._class}Config(BaseConfigModel):
    """The source."""

    api_base_url: HttpUrl = Field(description="Address of the API.")
    api_key: {secret} = Field(description="Key of the API.")
    tlp_level: Literal["clear", "green", "amber", "red"] = Field(
        default="amber", description="Marking of what is imported."
    ){fields}


class ConnectorSettings(BaseConnectorSettings):
    """All settings."""

    connector: {self._class}ConnectorConfig = Field(default_factory={self._class}ConnectorConfig)
    {self._module}: {self._class}Config = Field(default_factory={self._class}Config)
'''

    def _client_init(self) -> str:
        return f'"""Speaks to {self._class}."""\n\nfrom .api_client import {self._class}Client\n\n__all__ = ["{self._class}Client"]\n'

    def _models(self) -> str:
        parts = [
            f'"""What {self._class} answers."""\n',
            "from datetime import datetime\n",
            "from pydantic import BaseModel, Field\n",
        ]
        for noun, fields in self._fields.items():
            lines = "\n".join(f'    {field}: str = ""' for field in fields)
            parts.append(f'''
class {noun.title()}(BaseModel):
    """One {noun}."""

    id: str
    name: str
    value: str = ""
    comment: str = ""
    tags: list[str] = Field(default_factory=list)
    created: datetime
    modified: datetime | None = None
{lines if "comment" not in fields else lines.replace('    comment: str = ""', '    remark: str = ""')}

    @property
    def label(self) -> str:
        """How it is called in logs."""
        return f"{{self.name}} ({{self.id}})" if self.id else self.name
''')
        return "\n".join(parts)

    def _client(self) -> str:
        timeout = self._rng.choice([", timeout=30", ", timeout=30", ""])
        methods = "".join(f'''
    def list_{noun}s(self, since: datetime | None = None) -> Iterator[{noun.title()}]:
        """Yield the {noun} records that were changed since a date."""
        params: dict[str, Any] = {{"per_page": self.page_size, "sort": "modified"}}
        if since is not None:
            params["modified_after"] = since.astimezone(timezone.utc).isoformat()
        for page in self._pages("/{noun}s", params):
            for raw in page:
                try:
                    yield {noun.title()}.model_validate(raw)
                except ValidationError as err:
                    self.helper.connector_logger.warning(
                        "A {noun} could not be read", {{"id": raw.get("id"), "error": str(err)}}
                    )

    def get_{noun}(self, {noun}_id: str) -> {noun.title()} | None:
        """Return one {noun}, or None."""
        data = self._request("GET", f"/{noun}s/{{{noun}_id}}")
        if not data:
            return None
        return {noun.title()}.model_validate(data.get("{noun}") or data)
''' for noun in self._nouns)
        names = ", ".join(noun.title() for noun in sorted(self._nouns))
        return f'''
"""Speaks to the API of {self._class}."""

from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any

import requests
from pycti import OpenCTIConnectorHelper
from pydantic import ValidationError
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

from .models import {names}


class {self._class}Client:
    """Reads records page by page."""

    def __init__(self, helper: OpenCTIConnectorHelper, base_url: str, api_key: str) -> None:
        self.helper = helper
        self.base_url = base_url.rstrip("/")
        self.page_size = 100
        self.session = requests.Session()
        self.session.headers.update({{"Authorization": f"Bearer {{api_key}}", "Accept": "application/json"}})
        retry = Retry(total=4, backoff_factor=2, status_forcelist=(429, 500, 502, 503, 504))
        self.session.mount("https://", HTTPAdapter(max_retries=retry))

    def _request(self, method: str, path: str, params: dict[str, Any] | None = None) -> Any:
        url = f"{{self.base_url}}{{path}}"
        try:
            response = self.session.request(method, url, params=params{timeout})
            if response.status_code == 404:
                return None
            response.raise_for_status()
            return response.json()
        except requests.exceptions.HTTPError as err:
            self.helper.connector_logger.error(
                "The source refused", {{"url": url, "status": err.response.status_code}}
            )
            raise
        except requests.exceptions.RequestException as err:
            self.helper.connector_logger.error("The source is away", {{"url": url, "error": str(err)}})
            raise

    def _pages(self, path: str, params: dict[str, Any]) -> Iterator[list[dict[str, Any]]]:
        page = 1
        while True:
            data = self._request("GET", path, {{**params, "page": page}}) or {{}}
            items = data.get("items") or data.get("data") or []
            if not items:
                return
            yield items
            if len(items) < params["per_page"]:
                return
            page += 1
{methods}'''

    def _converter(self) -> str:
        rng = self._rng
        parts = []
        for noun in self._nouns:
            name = rng.choice(list(_STIX))
            generator, key, more = _STIX[name]
            stix_id = f"{generator}.generate_id(name)"
            if rng.random() < 0.04:
                stix_id = f'f"{name.lower()}--{{uuid.uuid4()}}"'
            parts.append(f'''
    def convert_{noun}(self, record: Any) -> list[Any]:
        """Return what one {noun} means in STIX."""
        name = (record.name or record.value).strip()
        if not name:
            self.helper.connector_logger.debug("A {noun} without name is left out", {{"id": record.id}})
            return []
        reference = self._reference(record.id, "{noun}s")
        entity = stix2.{name}(
            id={stix_id},
            {key}=name,
            {more},
            created=record.created,
            modified=record.modified or record.created,
            created_by_ref=self.author["id"],
            object_marking_refs=[self.tlp_marking],
            external_references=[reference],
            labels=sorted({{tag.lower() for tag in record.tags}}),
            allow_custom=True,
            custom_properties={{"x_opencti_{self._fields[noun][0]}": record.{self._attribute(noun, 0)}}},
        )
        objects: list[Any] = [entity]
        for value in split_values(record.value):
            observable = self._observable(value, record.{self._attribute(noun, 1)})
            if observable is None:
                continue
            pattern = make_pattern(observable.type, value)
            indicator = stix2.Indicator(
                id=Indicator.generate_id(pattern),
                name=value,
                pattern=pattern,
                pattern_type="stix",
                valid_from=record.created,
                created_by_ref=self.author["id"],
                object_marking_refs=[self.tlp_marking],
                custom_properties={{
                    "x_opencti_score": to_score(record.{self._attribute(noun, 2)}),
                    "x_opencti_main_observable_type": OBSERVABLE_TYPES.get(observable.type, "Unknown"),
                }},
            )
            objects += [
                observable,
                indicator,
                self._relationship("based-on", indicator.id, observable.id),
                self._relationship("indicates", indicator.id, entity.id),
            ]
        return objects
''')
        return f'''
"""What {self._class} means in STIX."""

import uuid
from typing import Any

import stix2
from connector.utils import OBSERVABLE_TYPES, kind_of, make_pattern, split_values, to_score
from pycti import (
    Campaign,
    CustomObservableHostname,
    Identity,
    Indicator,
    Infrastructure,
    IntrusionSet,
    Malware,
    OpenCTIConnectorHelper,
    StixCoreRelationship,
    Tool,
    Vulnerability,
)

TLP = {{
    "clear": stix2.TLP_WHITE,
    "green": stix2.TLP_GREEN,
    "amber": stix2.TLP_AMBER,
    "red": stix2.TLP_RED,
}}
NAMESPACE = uuid.UUID("6ba7b811-9dad-11d1-80b4-00c04fd430c8")


class ConverterToStix:
    """Converts records."""

    def __init__(self, helper: OpenCTIConnectorHelper, tlp_level: str) -> None:
        self.helper = helper
        self.author = self.create_author()
        self.tlp_marking = TLP[tlp_level]

    @staticmethod
    def create_author() -> stix2.Identity:
        """Return the author of everything."""
        return stix2.Identity(
            id=Identity.generate_id("{self._class}", "organization"),
            name="{self._class}",
            identity_class="organization",
        )

    def _reference(self, external_id: str, path: str) -> stix2.ExternalReference:
        return stix2.ExternalReference(
            source_name="{self._class}",
            external_id=external_id,
            url=f"https://{self._name}.example.org/{{path}}/{{external_id}}",
        )

    def _relationship(self, kind: str, source_id: str, target_id: str) -> stix2.Relationship:
        return stix2.Relationship(
            id=StixCoreRelationship.generate_id(kind, source_id, target_id),
            relationship_type=kind,
            source_ref=source_id,
            target_ref=target_id,
            created_by_ref=self.author["id"],
            object_marking_refs=[self.tlp_marking],
        )

    def _observable(self, value: str, description: str) -> Any:
        properties = {{
            "x_opencti_description": description,
            "x_opencti_created_by_ref": self.author["id"],
        }}
        kind = kind_of(value)
        if kind == "ipv4":
            return stix2.IPv4Address(value=value, custom_properties=properties)
        if kind == "ipv6":
            return stix2.IPv6Address(value=value, custom_properties=properties)
        if kind == "domain":
            return stix2.DomainName(value=value, custom_properties=properties)
        if kind == "url":
            return stix2.URL(value=value, custom_properties=properties)
        if kind in ("MD5", "SHA-1", "SHA-256"):
            return stix2.File(hashes={{kind: value}}, custom_properties=properties)
        if kind == "hostname":
            return CustomObservableHostname(value=value, custom_properties=properties)
        return None
{"".join(parts)}'''

    def _attribute(self, noun: str, place: int) -> str:
        field = self._fields[noun][place]
        return "remark" if field == "comment" else field

    def _utils(self) -> str:
        return '''
            """What the modules share."""

            import ipaddress
            import re
            from datetime import datetime, timezone

            OBSERVABLE_TYPES = {
                "ipv4-addr": "IPv4-Addr",
                "ipv6-addr": "IPv6-Addr",
                "domain-name": "Domain-Name",
                "url": "Url",
                "file": "StixFile",
                "hostname": "Hostname",
            }
            HASHES = {32: "MD5", 40: "SHA-1", 64: "SHA-256"}
            DOMAIN = re.compile(r"^(?:[a-z0-9-]{1,63}\\.)+[a-z]{2,}$", re.IGNORECASE)


            def kind_of(value: str) -> str:
                """Return what a value is."""
                try:
                    return f"ipv{ipaddress.ip_address(value).version}"
                except ValueError:
                    pass
                if value.startswith(("http://", "https://")):
                    return "url"
                if re.fullmatch(r"[0-9a-fA-F]+", value) and len(value) in HASHES:
                    return HASHES[len(value)]
                if DOMAIN.match(value):
                    return "domain"
                return "hostname" if value.isascii() and " " not in value else "text"


            def make_pattern(stix_type: str, value: str) -> str:
                """Return the STIX pattern of a value."""
                escaped = value.replace("\\\\", "\\\\\\\\").replace("'", "\\\\'")
                if stix_type == "file":
                    return f"[file:hashes.'{kind_of(value)}' = '{escaped}']"
                return f"[{stix_type}:value = '{escaped}']"


            def split_values(text: str) -> list[str]:
                """Return the single values of a list."""
                return [part.strip() for part in re.split(r"[,;\\s]+", text or "") if part.strip()]


            def to_score(text: str) -> int:
                """Return a score of 0 to 100."""
                words = {"low": 20, "medium": 50, "high": 80, "critical": 100}
                if text.lower() in words:
                    return words[text.lower()]
                try:
                    return max(0, min(100, int(float(text))))
                except ValueError:
                    return 50


            def now() -> datetime:
                """Return the time."""
                return datetime.now(tz=timezone.utc)


            def parse_date(text: str | None) -> datetime | None:
                """Return a date with time zone."""
                if not text:
                    return None
                parsed = datetime.fromisoformat(text.replace("Z", "+00:00"))
                return parsed if parsed.tzinfo else parsed.replace(tzinfo=timezone.utc)
        '''

    def _connector(self) -> str:
        rng = self._rng
        naive = rng.choice(["now()", "now()", "datetime.now()"])
        chatty = rng.choice(["", "", "", '        print("run finished", total)\n'])
        steps = "".join(f'''
    def _process_{noun}s(self, since: datetime | None) -> int:
        """Import what is new among the {noun} records."""
        if not self.config.{self._module}.import_{noun}:
            return 0
        count = 0
        batch: list[Any] = []
        for record in self.client.list_{noun}s(since):
            try:
                objects = self.converter.convert_{noun}(record)
            except (KeyError, ValueError) as err:
                self.helper.connector_logger.warning(
                    "A {noun} could not be converted", {{"label": record.label, "error": str(err)}}
                )
                continue
            batch.extend(objects)
            count += 1
            if len(batch) >= self.config.{self._module}.{noun}_limit:
                self._send(batch, "{noun}s")
                batch = []
        self._send(batch, "{noun}s")
        return count
''' for noun in self._nouns)
        calls = "\n".join(
            f"            total += self._process_{noun}s(since)" for noun in self._nouns
        )
        return f'''
"""Joins source and conversion."""

from datetime import datetime
from typing import Any

from connector.converter_to_stix import ConverterToStix
from connector.settings import ConnectorSettings
from connector.utils import now, parse_date
from pycti import OpenCTIConnectorHelper
from {self._module}_client import {self._class}Client


class {self._class}Connector:
    """Reads the source and sends what is new."""

    def __init__(self, config: ConnectorSettings, helper: OpenCTIConnectorHelper) -> None:
        self.config = config
        self.helper = helper
        self.client = {self._class}Client(
            helper,
            str(config.{self._module}.api_base_url),
            str(config.{self._module}.api_key),
        )
        self.converter = ConverterToStix(helper, config.{self._module}.tlp_level)
        self.work_id: str | None = None

    def _send(self, objects: list[Any], name: str) -> None:
        """Send a batch with its author and marking."""
        if not objects:
            return
        if self.work_id is None:
            self.work_id = self.helper.api.work.initiate_work(
                self.helper.connect_id, f"{self._class} {{name}}"
            )
        everything = [self.converter.author, self.converter.tlp_marking, *objects]
        bundle = self.helper.stix2_create_bundle(everything)
        sent = self.helper.send_stix2_bundle(
            bundle, work_id=self.work_id, cleanup_inconsistent_bundle=True
        )
        self.helper.connector_logger.info("Sent", {{"bundles": len(sent), "objects": len(objects)}})
{steps}
    def process_message(self) -> None:
        """One run."""
        started = {naive}
        state = self.helper.get_state() or {{}}
        since = parse_date(state.get("last_run"))
        total = 0
        try:
{calls}
            self.helper.set_state({{**state, "last_run": started.isoformat()}})
            if self.work_id is not None:
                self.helper.api.work.to_processed(self.work_id, f"{{total}} records")
        except Exception as err:
            self.helper.connector_logger.error("The run failed", {{"error": str(err)}})
            if self.work_id is not None:
                self.helper.api.work.to_processed(self.work_id, str(err), in_error=True)
            raise
        finally:
            self.work_id = None
{chatty}
    def run(self) -> None:
        """Run for ever."""
        self.helper.schedule_process(
            message_callback=self.process_message,
            duration_period=self.config.connector.duration_period.total_seconds(),
        )
'''

    # -- tests ----------------------------------------------------------------------------------------------------

    def _conftest(self) -> str:
        return '''
            """Fixtures."""

            import sys
            from pathlib import Path
            from types import SimpleNamespace
            from unittest.mock import MagicMock

            import pytest

            sys.path.append(str(Path(__file__).resolve().parents[1] / "src"))


            @pytest.fixture(name="helper")
            def fixture_helper() -> MagicMock:
                helper = MagicMock()
                helper.get_state.return_value = {}
                helper.connect_id = "connector"
                return helper


            @pytest.fixture(name="record")
            def fixture_record() -> SimpleNamespace:
                return SimpleNamespace(id="1", name="A name", value="192.0.2.1, example.org", tags=["A"])
        '''

    def _test_converter(self) -> str:
        tests = "".join(f"""

def test_{noun}_is_converted(helper):
    record = {noun.title()}(
        id="1",
        name="Some {noun}",
        value="192.0.2.1, example.org",
        tags=["One", "Two"],
        created=WHEN,
        {self._attribute(noun, 0)}="high",
        {self._attribute(noun, 1)}="seen",
    )
    objects = ConverterToStix(helper, "green").convert_{noun}(record)
    types = [stix_object["type"] for stix_object in objects]
    assert types.count("indicator") == 2
    assert types.count("relationship") == 4
    assert objects[0]["labels"] == ["one", "two"]
    assert len({{stix_object["id"] for stix_object in objects}}) == len(objects)


def test_{noun}_without_name_is_left_out(helper):
    record = {noun.title()}(id="2", name="", value="", created=WHEN)
    assert ConverterToStix(helper, "red").convert_{noun}(record) == []
""" for noun in self._nouns)
        names = ", ".join(noun.title() for noun in sorted(self._nouns))
        return f'''
"""The converter."""

from datetime import datetime, timezone

from connector.converter_to_stix import ConverterToStix
from {self._module}_client.models import {names}

WHEN = datetime(2024, 5, 17, 12, tzinfo=timezone.utc)
{tests}'''

    def _test_settings(self) -> str:
        return f'''
            """Valid and invalid settings."""

            from typing import Any

            import pytest
            from connector.settings import ConnectorSettings
            from connectors_sdk import ConfigValidationError

            VALID = {{
                "opencti": {{"url": "http://localhost:8080", "token": "t"}},
                "connector": {{"id": "c"}},
                "{self._module}": {{"api_base_url": "https://{self._name}.example.org", "api_key": "k"}},
            }}


            def settings(values: dict[str, Any]) -> ConnectorSettings:
                class Fake(ConnectorSettings):
                    @classmethod
                    def _load_config_dict(cls, _, handler):
                        return handler(values)

                return Fake()


            def test_valid_settings():
                assert settings(VALID).connector.name == "{self._class}"


            def test_missing_key():
                with pytest.raises(ConfigValidationError):
                    settings({{**VALID, "{self._module}": {{}}}})
        '''

    # -- the other files ------------------------------------------------------------------------------------------

    def _rest(self) -> None:
        upper = self._module.upper()
        variables = f"""
            - OPENCTI_URL=http://localhost
            - OPENCTI_TOKEN=ChangeMe
            - CONNECTOR_ID=ChangeMe
            - {upper}_API_BASE_URL=ChangeMe
            - {upper}_API_KEY=ChangeMe
            """
        self._file(
            "docker-compose.yml",
            f"services:\n  connector-{self._name}:\n    image: opencti/connector-{self._name}:latest\n"
            f"    environment:\n{indent(dedent(variables).strip(), '      ')}\n    restart: always\n",
        )
        self._file(
            "config.yml.sample",
            f"opencti:\n  url: http://localhost\n  token: ChangeMe\n\nconnector:\n  id: ChangeMe\n\n"
            f"{self._module}:\n  api_base_url: ChangeMe\n  api_key: ChangeMe\n",
        )
        self._file(
            "Dockerfile",
            f"""
            FROM python:3.12-alpine
            ENV CONNECTOR_TYPE={self._type}
            COPY src /opt/opencti-connector-{self._name}
            WORKDIR /opt/opencti-connector-{self._name}
            RUN pip3 install --no-cache-dir -r requirements.txt
            USER 10001:10001
            ENTRYPOINT ["python3", "main.py"]
            """,
        )
        pin = self._rng.choice(["==", "~=", ">="])
        self._file(
            "src/requirements.txt", f"connectors-sdk==0.1.0\nrequests{pin}2.32.0\n"
        )
        self._file(
            "README.md", f"# {self._class}\n\n## Description\n\nImports records.\n"
        )
        manifest = {
            "title": self._class,
            "slug": self._name,
            "description": f"Imports from {self._class}.",
            "short_description": f"Imports from {self._class}.",
            "container_version": "rolling",
            "container_image": f"opencti/connector-{self._name}",
            "container_type": self._type,
            "license_type": "Commercial",
            "playbook_supported": False,
        }
        self._file(
            "__metadata__/connector_manifest.json", json.dumps(manifest, indent=2)
        )


def write_tree(root: Path, packages: int = 300, seed: int = 1) -> list[Path]:
    """Write packages below a folder, sorted into the folders of the connector types.

    Returns:
        the folders of the packages.
    """
    rng = random.Random(seed)
    total = sum(share for _, _, share in TYPES.values())
    kinds = [kind for kind, (_, _, share) in TYPES.items() for _ in range(share)]
    folders = []
    for number in range(packages):
        kind = kinds[number * total // packages]
        name = "".join(rng.sample(_SYLLABLES, 2)) + f"-{number:03}"
        folder = root / kind / name
        _Package(folder, kind, rng).write()
        folders.append(folder)
    return folders
