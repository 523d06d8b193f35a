"""Every check, over its own good and bad example, and what it must not be fooled by."""

import re
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent
sys.path[:0] = [str(TESTS), str(TESTS.parent)]

# pylint: disable=wrong-import-position
from connector_linter.config import Config  # noqa: E402
from connector_linter.discover import connectors_at  # noqa: E402
from connector_linter.model import (  # noqa: E402
    ALL,
    DOCUMENTATION,
    REGISTRY,
    Check,
    Files,
    Finding,
)
from connector_linter.runner import run  # noqa: E402
from linter_samples import clean_files, marked, write_connector  # noqa: E402

CHECKS = REGISTRY.all()
ROOT = TESTS.parents[3]


def found(folder: Path, code: str) -> list[Finding]:
    """Return what one check finds."""
    return run(folder, Config(select=(code,))).findings


@pytest.mark.parametrize("type_", ALL)
def test_the_sample_connector_keeps_every_rule(tmp_path: Path, type_: str) -> None:
    result = run(write_connector(tmp_path, type_), Config())
    assert not result.findings
    assert len(result.passed) == sum(type_ in check.types for check in CHECKS)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.code)
def test_the_bad_example_is_reported_where_it_says(
    tmp_path: Path, check: Check
) -> None:
    findings = found(write_connector(tmp_path, check.types[0], check.bad), check.code)
    assert findings
    expected = marked(check.bad, check.code)
    if expected:
        assert {(one.path, one.line) for one in findings} == expected
    assert any(one.severity is check.severity for one in findings)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.code)
def test_the_good_example_is_not_reported(tmp_path: Path, check: Check) -> None:
    assert not found(write_connector(tmp_path, check.types[0], check.good), check.code)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.code)
def test_every_check_says_what_why_and_what_instead(check: Check) -> None:
    for text in (check.what, check.why, check.fix):
        assert text.endswith(".") and "\n" not in text and len(text) > 12
    page = (ROOT / DOCUMENTATION).read_text(encoding="utf-8")
    assert f"### {check.code} {check.name}\n" in page


def test_the_checks_of_the_contract_and_ours_are_there() -> None:
    contract = (
        "101 102 103 104 105 202 203 301 302 303 304 305 306 307 308 309 310 311 312 313 314 315 316 317 318 319 320 "
        "321 322 323 324 325 326 401 402 501 502 503 504 505 506"
    )
    ours = "001 002 601 602 603 604 701 702 703 704 705 706 707"
    wanted = {f"VC{number}" for number in (*contract.split(), *ours.split())}
    assert {check.code for check in CHECKS} == wanted


# -- more of both verdicts: (check, files, expected number of findings) ---------------------------------------------

CODE = "src/connector/connector.py"
CONVERTER = "src/connector/converter_to_stix.py"
SETTINGS = "src/connector/settings.py"
COMPOSE = "docker-compose.yml"
IMPORT = "EXTERNAL_IMPORT"
ENRICHMENT = "INTERNAL_ENRICHMENT"


def compose(*environment: str) -> str:
    lines = "".join(f"      {line}\n" for line in environment)
    return f"services:\n  connector-sample:\n    image: opencti/connector-sample:latest\n    environment:\n{lines}"


def settings(*lines: str) -> str:
    body = "\n".join(lines)
    return (
        "from datetime import timedelta\nfrom typing import Literal\n\nimport pydantic_settings\n"
        "from connectors_sdk import *\nfrom connectors_sdk.settings.base_settings import BaseConnectorSettings\n"
        f"from pydantic import BaseModel, Field, SecretStr\n\n\n{body}\n"
    )


CASES: dict[str, tuple[str, str, Files, int]] = {
    "a token that is commented out": (
        "VC101",
        IMPORT,
        {
            COMPOSE: compose(
                "- OPENCTI_URL=http://localhost", "# - OPENCTI_TOKEN=ChangeMe"
            )
        },
        1,
    ),
    "a token as a mapping": (
        "VC101",
        IMPORT,
        {COMPOSE: compose('OPENCTI_TOKEN: "ChangeMe"')},
        0,
    ),
    "a token in the environment sample": (
        "VC101",
        IMPORT,
        {".env.sample": "OPENCTI_TOKEN=0b23f787-1e5f-4a4a-8a3f-2a9d5f0d9f3c\n"},
        1,
    ),
    "an address with a port": (
        "VC102",
        IMPORT,
        {".env.sample": "OPENCTI_URL=http://localhost:8080\nOPENCTI_TOKEN=ChangeMe\n"},
        1,
    ),
    "a variable of a section of the settings": (
        "VC103",
        IMPORT,
        {
            COMPOSE: compose("- OPENCTI_TOKEN=ChangeMe", "- FEED_LIMIT=1"),
            SETTINGS: settings(
                "class FeedConfig(BaseConfigModel):",
                "    limit: int = 1",
                "class ConnectorSettings(BaseConnectorSettings):",
                "    feed: FeedConfig | None = None",
            ),
        },
        0,
    ),
    "no sample at all": ("VC104", IMPORT, {"config.yml.sample": None}, 1),
    "a sample in src": (
        "VC104",
        IMPORT,
        {
            "config.yml.sample": None,
            "src/config.yml.sample": "opencti:\n  token: ChangeMe\n",
        },
        1,
    ),
    "a default that is written out": (
        "VC104",
        IMPORT,
        {
            ".env.sample": "OPENCTI_TOKEN=ChangeMe\nSAMPLE_TLP_LEVEL=clear\nSAMPLE_API_KEY=ChangeMe\n"
        },
        1,
    ),
    "another value than the default": (
        "VC104",
        IMPORT,
        {".env.sample": "OPENCTI_TOKEN=ChangeMe\nSAMPLE_TLP_LEVEL=green\n"},
        0,
    ),
    "an address and a key in the code": (
        "VC104",
        IMPORT,
        {
            CODE: "API_URL = 'https://api.example.org'\nAPI_KEY = '0123456789abcdef'\nSTATE_KEY = 'last_run'\n"
        },
        2,
    ),
    "an absolute date as default": (
        "VC105",
        IMPORT,
        {
            SETTINGS: settings(
                "class SampleConfig(BaseConfigModel):",
                "    import_since: str = Field(default='2020-01-01T00:00:00Z')",
                "    certificate: str = '2020-01-01'",
            )
        },
        1,
    ),
    "a manifest that is no JSON": (
        "VC202",
        IMPORT,
        {"__metadata__/connector_manifest.json": "{"},
        1,
    ),
    "no manifest": ("VC202", IMPORT, {"__metadata__/connector_manifest.json": None}, 1),
    "an author through the API": (
        "VC301",
        IMPORT,
        {
            CONVERTER: "def author(helper):\n    return helper.api.identity.create(type='Organization')\n"
        },
        0,
    ),
    "an author of stix2": (
        "VC301",
        IMPORT,
        {
            CONVERTER: "import stix2\n\n\ndef author():\n    return stix2.Identity(name='a')\n"
        },
        0,
    ),
    "an author in a mapping": (
        "VC302",
        IMPORT,
        {CONVERTER: "def common(author):\n    return {'created_by_ref': author}\n"},
        0,
    ),
    "a type from the environment": (
        "VC303",
        IMPORT,
        {
            SETTINGS: "from pycti import get_config_variable\n"
            "TYPE = get_config_variable('CONNECTOR_TYPE', ['connector', 'type'])\n"
        },
        1,
    ),
    "a type that is written down": (
        "VC303",
        IMPORT,
        {SETTINGS: "CONFIG = {'connector': {'type': 'EXTERNAL_IMPORT'}}\n"},
        1,
    ),
    "another type's class": (
        "VC303",
        IMPORT,
        {
            SETTINGS: settings(
                "class Config(BaseStreamConnectorConfig):", "    name: str = ''"
            )
        },
        1,
    ),
    "a class between": (
        "VC303",
        IMPORT,
        {
            SETTINGS: settings(
                "class Common(BaseExternalImportConnectorConfig):",
                "    name: str = ''",
                "class Config(Common):",
                "    scope: str = ''",
            )
        },
        0,
    ),
    "settings on pydantic alone": (
        "VC305",
        IMPORT,
        {
            SETTINGS: settings(
                "class Config(pydantic_settings.BaseSettings):", "    a: int = 1"
            )
        },
        1,
    ),
    "settings whose class has another name": (
        "VC305",
        IMPORT,
        {
            SETTINGS: settings(
                "class ConfigLoader(BaseConnectorSettings):", "    a: int = 1"
            )
        },
        0,
    ),
    "a log level in a sample": (
        "VC306",
        IMPORT,
        {
            "config.yml.sample": "connector:\n  log_level: debug\n",
            ".env.sample": "OPENCTI_TOKEN=ChangeMe\nCONNECTOR_LOG_LEVEL=info\n",
        },
        2,
    ),
    "an exception that is raised again": (
        "VC307",
        IMPORT,
        {
            CODE: "def run(f, logger):\n    try:\n        f()\n    except OSError:\n        logger.info('x')\n        raise\n"
        },
        0,
    ),
    "an exception that nobody logs": (
        "VC307",
        IMPORT,
        {
            CODE: "def run(f):\n    try:\n        f()\n    except OSError:\n        return None\n"
        },
        0,
    ),
    "a program of another name": (
        "VC308",
        IMPORT,
        {
            "Dockerfile": 'FROM python:3.12-alpine\nENTRYPOINT ["python3", "start.py"]\n',
            "src/main.py": None,
            "src/start.py": "from connector import build\nfrom connectors_sdk.connectors import run_connector\n"
            "if __name__ == '__main__':\n    run_connector(build)\n",
        },
        0,
    ),
    "a package that is the program": (
        "VC308",
        IMPORT,
        {
            "Dockerfile": 'FROM python:3.12-alpine\nCMD ["python", "-m", "connector"]\n',
            "src/main.py": None,
            "src/connector/__main__.py": "import traceback\nfrom connector import build\n"
            "try:\n    build().run()\nexcept Exception:\n    traceback.print_exc()\n    raise SystemExit(1)\n",
        },
        0,
    ),
    "a program that runs when it is imported": (
        "VC308",
        IMPORT,
        {"src/main.py": "from connector import build\nbuild().run()\n"},
        1,
    ),
    "no program": ("VC308", IMPORT, {"src/main.py": None}, 1),
    "references of the record": (
        "VC310",
        IMPORT,
        {
            CONVERTER: "import stix2\n\n\ndef malware(name, record):\n"
            "    return stix2.Malware(name=name, external_references=record.external_references)\n"
        },
        0,
    ),
    "nothing is marked": (
        "VC311",
        IMPORT,
        {CONVERTER: "def convert(row):\n    return row\n"},
        1,
    ),
    "cleanup by a setting": (
        "VC312",
        IMPORT,
        {
            CODE: "def send(helper, bundle, config, **options):\n"
            "    helper.send_stix2_bundle(bundle, cleanup_inconsistent_bundle=config.cleanup)\n"
            "    helper.send_stix2_bundle(bundle, **options)\n"
        },
        0,
    ),
    "cleanup switched off": (
        "VC312",
        IMPORT,
        {
            CODE: "def send(h, b):\n    h.send_stix2_bundle(b, cleanup_inconsistent_bundle=False)\n"
        },
        1,
    ),
    "scheduled by the helper": (
        "VC314",
        IMPORT,
        {CODE: "def run(helper, f):\n    helper.schedule_iso(f, 'PT1H')\n"},
        0,
    ),
    "closed well only": (
        "VC316",
        IMPORT,
        {
            CODE: "def run(helper, work):\n    helper.api.work.to_processed(work, 'done')\n"
        },
        1,
    ),
    "a work inside a condition": (
        "VC317",
        IMPORT,
        {
            CODE: "def run(helper, objects):\n    if objects:\n"
            "        helper.api.work.initiate_work(helper.connect_id, 'run')\n"
        },
        0,
    ),
    "markings that are compared elsewhere": (
        "VC320",
        ENRICHMENT,
        {
            CODE: "def run(helper, entity):\n    tlp = entity['objectMarking']\n"
            "    return helper.check_max_tlp(tlp, 'TLP:RED')\n"
        },
        1,
    ),
    "a helper by position": (
        "VC321",
        ENRICHMENT,
        {
            CODE: "from pycti import OpenCTIConnectorHelper\n\n\ndef run(config, bundle):\n"
            "    OpenCTIConnectorHelper(config, True).send_stix2_bundle(bundle)\n"
        },
        0,
    ),
    "a bundle by get": (
        "VC322",
        ENRICHMENT,
        {CODE: "def run(data):\n    return data.get('stix_objects', [])\n"},
        0,
    ),
    "one time only": (
        "VC324",
        IMPORT,
        {
            CONVERTER: "import stix2\n\n\ndef relate(row):\n"
            "    return stix2.Relationship(id=row.id, start_time=row.first_seen, stop_time=None)\n"
        },
        0,
    ),
    "the source's own relationship": (
        "VC324",
        IMPORT,
        {
            CONVERTER: "import stix2\n\n\ndef relate(row):\n"
            "    return stix2.Relationship(id=row.id, start_time=row['start_time'], stop_time=row.get('stop_time'))\n"
        },
        0,
    ),
    "tests of something else": (
        "VC325",
        IMPORT,
        {
            "tests/test_settings.py": None,
            "tests/test_it.py": "def test():\n    assert 1 + 1 == 2\n",
        },
        1,
    ),
    "tests of valid settings only": (
        "VC325",
        IMPORT,
        {
            "tests/test_settings.py": "from connector.settings import ConnectorSettings\n\n\n"
            "def test_valid():\n    assert ConnectorSettings()\n"
        },
        1,
    ),
    "a list without default in the schema": (
        "VC326",
        IMPORT,
        {
            "__metadata__/connector_config_schema.json": '{"properties": {"A": {"type": "array"}, "B": {"type": '
            '"array", "default": []}, "C": {"type": "string"}}}'
        },
        1,
    ),
    "an image by digest beside others": (
        "VC401",
        IMPORT,
        {
            COMPOSE: "services:\n  redis:\n    image: redis:7\n  connector-sample:\n"
            "    image: opencti/connector-sample:latest\n    environment:\n      - OPENCTI_TOKEN=ChangeMe\n"
        },
        0,
    ),
    "no compose file": ("VC401", IMPORT, {COMPOSE: None}, 1),
    "a compose file that is no YAML": ("VC401", IMPORT, {COMPOSE: "services: [\n"}, 1),
    "an interval in a sample": (
        "VC501",
        IMPORT,
        {".env.sample": "OPENCTI_TOKEN=ChangeMe\nSAMPLE_INTERVAL=3\n"},
        1,
    ),
    "an interval of which only the old name is left": (
        "VC501",
        IMPORT,
        {
            SETTINGS: settings(
                "class SampleConfig(BaseConfigModel):",
                "    interval: int = DeprecatedField(new_namespace='connector')",
            )
        },
        0,
    ),
    "a status by keyword": (
        "VC502",
        IMPORT,
        {CODE: "def build(f):\n    return f(x_opencti_report_status=2)\n"},
        1,
    ),
    "a logger of another name": (
        "VC503",
        IMPORT,
        {
            CODE: "class A:\n    def run(self):\n        self.log_info('x')\n        self._helper.log_error('y')\n"
        },
        1,
    ),
    "a confidence level in a sample": (
        "VC504",
        IMPORT,
        {".env.sample": "OPENCTI_TOKEN=ChangeMe\nCONNECTOR_CONFIDENCE_LEVEL=80\n"},
        1,
    ),
    "calls of the API that are fine": (
        "VC505",
        IMPORT,
        {
            CODE: "class A:\n    def run(self, name):\n        self.helper.api.label.create(value=name)\n"
            "        self.api.identity.create(name=name)\n        return self.helper.api.tool.generate_id(name)\n"
        },
        0,
    ),
    "an update by the environment": (
        "VC506",
        IMPORT,
        {CODE: "import os\n\nUPDATE = os.environ['CONNECTOR_UPDATE_EXISTING_DATA']\n"},
        1,
    ),
    "variables of the template, one of them forgotten": (
        "VC601",
        IMPORT,
        {
            "../../templates/external-import/Dockerfile": "FROM python:3.12-alpine\nARG CONNECTOR_VERSION=rolling\n"
            "ENV CONNECTOR_VERSION=$CONNECTOR_VERSION\nENV A=1 \\\n    B=2\n",
            "Dockerfile": "FROM python:3.12-alpine\nARG CONNECTOR_VERSION=6\nARG MORE\nENV A=3 C=B=4\n"
            "ENV CONNECTOR_VERSION=$CONNECTOR_VERSION\n",
        },
        1,
    ),
    "a lock of the connector's own": (
        "VC601",
        IMPORT,
        {
            "../../templates/external-import/Dockerfile": "FROM python:3.12-alpine\nCOPY connectors-sdk/requirements.txt /build/\n",
            "Dockerfile": "FROM python:3.12-alpine\nCOPY external-import/sample/requirements.txt /build/\n",
        },
        0,
    ),
    "the lock of another connector": (
        "VC601",
        IMPORT,
        {
            "../../templates/external-import/Dockerfile": "FROM python:3.12-alpine\nCOPY connectors-sdk/requirements.txt /build/\n",
            "Dockerfile": "FROM python:3.12-alpine\nCOPY external-import/other/requirements.txt /build/\n",
        },
        1,
    ),
    "dependencies by reference": (
        "VC604",
        IMPORT,
        {
            "src/requirements.txt": "a @ git+https://example.org/a.git@master#subdirectory=x\n"
            "b @ git+https://example.org/b.git@v1.2.3\n"
            "c @ git+https://example.org/c.git@0123456789abcdef0123456789abcdef01234567\n"
            "-r other.txt\n# a comment\nd[extra]==1.0 ; python_version < '3.12'\ne\n"
        },
        2,
    ),
    "dependencies with hashes": (
        "VC604",
        IMPORT,
        {
            "src/requirements.txt": "a==1.0 \\\n    --hash=sha256:00 \\\n    --hash=sha256:11\n",
        },
        0,
    ),
    "dependencies of a project without lock": (
        "VC604",
        IMPORT,
        {
            "pyproject.toml": '[project]\nname = "a"\ndependencies = [\n  "requests>=2",\n  "a==1",\n]\n'
        },
        1,
    ),
    "dependencies of a project with a lock": (
        "VC604",
        IMPORT,
        {
            "pyproject.toml": '[project]\nname = "a"\ndependencies = ["requests>=2"]\n',
            "uv.lock": "",
        },
        0,
    ),
    "requests of all kinds": (
        "VC701",
        IMPORT,
        {
            CODE: "import urllib.request\n\nimport requests\nfrom requests import get\n\n\n"
            "def fetch(url, rows, options):\n    requests.post(url, json={})\n    get(url)\n"
            "    requests.get(url, timeout=None)\n    urllib.request.urlopen(url)\n"
            "    requests.get(url, **options)\n    urllib.request.urlopen(url, None, 10)\n"
            "    rows.get('timeout')\n    session = requests.Session()\n    session.get(url, timeout=(3, 10))\n"
        },
        4,
    ),
    "a session that comes as a parameter": (
        "VC701",
        IMPORT,
        {
            CODE: "import requests\n\n\ndef fetch(session: requests.Session, url):\n    return session.get(url)\n"
        },
        1,
    ),
    "an adapter with a timeout of its own": (
        "VC701",
        IMPORT,
        {
            CODE: "import requests\nfrom requests.adapters import HTTPAdapter\n\n\nclass Patient(HTTPAdapter):\n"
            "    def send(self, request, **kwargs):\n        kwargs.setdefault('timeout', 30)\n"
            "        return super().send(request, **kwargs)\n\n\n"
            "def fetch(url):\n    session = requests.Session()\n    session.mount('https://', Patient())\n"
            "    return session.get(url)\n"
        },
        0,
    ),
    "dates of all kinds": (
        "VC702",
        IMPORT,
        {
            CODE: "import datetime as dt\nfrom datetime import datetime, timezone\n\n\ndef dates(text, number):\n"
            "    yield dt.datetime.utcnow()\n    yield datetime.fromtimestamp(number)\n"
            "    yield datetime.strptime(text, '%Y-%m-%d')\n    yield datetime.today()\n"
            "    yield datetime.now(timezone.utc)\n    yield datetime.fromtimestamp(number, tz=timezone.utc)\n"
            "    yield datetime.strptime(text, '%Y-%m-%d').replace(tzinfo=timezone.utc)\n"
            "    yield datetime.strptime(text, '%Y-%m-%dT%H:%M:%S%z')\n    yield datetime.now().astimezone()\n"
        },
        4,
    ),
    "secrets of all kinds": (
        "VC703",
        IMPORT,
        {
            SETTINGS: settings(
                "class SampleConfig(BaseConfigModel):",
                "    client_secret: str | None = None",
                "    password: 'str' = ''",
                "    token: SecretStr | None = None",
                "    token_url: str = ''",
                "    api_key_header: str = ''",
                "class Plain(BaseModel):",
                "    token: str",
            )
        },
        2,
    ),
    "a secret in a section on pydantic": (
        "VC703",
        IMPORT,
        {
            SETTINGS: settings(
                "class Section(BaseModel):",
                "    token: str",
                "class Config(pydantic_settings.BaseSettings):",
                "    section: Section",
            )
        },
        1,
    ),
    "patterns of all kinds": (
        "VC704",
        IMPORT,
        {
            CONVERTER: "import ipaddress\n\n\ndef patterns(value, algorithm, row):\n"
            "    yield \"[url:value = '{}']\".format(value)\n"
            "    yield \"[url:value = '%s']\" % value\n"
            "    yield \"[url:value = '\" + row['url'] + \"']\"\n"
            "    yield f\"[file:hashes.'{algorithm}' = '{value}']\"\n"
            "    yield f\"[file:name LIKE '%{value}']\"\n"
            "    yield f\"[ipv4-addr:value = '{ipaddress.ip_address(value)}']\"\n"
            "    yield f\"[url:value = '{escape_value(value)}']\"\n"
            '    yield f"[network-traffic:dst_port = {value}]"\n'
            "    yield f\"rows['{value}'] = 1\"\n"
        },
        5,
    ),
    "what the program prints": (
        "VC705",
        IMPORT,
        {"src/main.py": "print('usage')\n"},
        0,
    ),
    "print of another object": (
        "VC705",
        IMPORT,
        {CODE: "def run(printer, print):\n    printer.print('x')\n"},
        0,
    ),
    "everything is caught and raised again": (
        "VC706",
        IMPORT,
        {
            CODE: "def run(f):\n    try:\n        f()\n    except BaseException:\n        f.close()\n        raise\n"
        },
        0,
    ),
    "everything is passed over": (
        "VC706",
        IMPORT,
        {
            CODE: "def run(f):\n    try:\n        f()\n    except Exception:\n        pass\n"
        },
        1,
    ),
    "a section that begins with connector": (
        "VC707",
        IMPORT,
        {
            SETTINGS: settings(
                "class Api(BaseConfigModel):",
                "    key: SecretStr",
                "class ConnectorSettings(BaseConnectorSettings):",
                "    connector_api: Api",
            )
        },
        1,
    ),
    "a file that is no UTF-8": ("VC001", IMPORT, {"src/connector/a.py": "# \x00\n"}, 1),
}


@pytest.mark.parametrize("name", CASES)
def test_case(tmp_path: Path, name: str) -> None:
    code, type_, changed, expected = CASES[name]
    findings = found(write_connector(tmp_path, type_, changed), code)
    assert len(findings) == expected, findings


@pytest.mark.parametrize(
    "code", ["VC304", "VC314", "VC315", "VC316", "VC318", "VC320", "VC321", "VC323"]
)
def test_what_the_runtime_of_the_sdk_does_is_not_asked_of_the_connector(
    tmp_path: Path, code: str
) -> None:
    type_ = next(check for check in CHECKS if check.code == code).types[0]
    runtime = clean_files(type_)[CODE]
    assert not found(write_connector(tmp_path / "with", type_, {CODE: runtime}), code)
    without = {CODE: "def run():\n    return None\n"}
    assert found(write_connector(tmp_path / "without", type_, without), code)


@pytest.mark.parametrize("slug", ["template", "other"])
def test_a_template_goes_by_the_name_of_all_templates(
    tmp_path: Path, slug: str
) -> None:
    files = {
        path: text.replace("connector-sample", f"connector-{slug}")
        for path, text in clean_files(IMPORT).items()
    }
    template = write_connector(tmp_path, IMPORT, files)
    template.rename(tmp_path / "template")
    template.parent.rmdir()
    (tmp_path / "templates").mkdir()
    (tmp_path / "template").rename(tmp_path / "templates" / "external-import")
    (folder,), _ = connectors_at(tmp_path)
    codes = {one.code for one in run(folder, Config()).findings}
    assert codes == (set() if slug == "template" else {"VC202", "VC401"})


@pytest.mark.parametrize(
    ("type_", "package", "config", "runtime"),
    [
        ("STREAM", "stream", "StreamConnectorConfig", "StreamConnector"),
        (
            "INTERNAL_ENRICHMENT",
            "internal_enrichment",
            "EnrichmentConnectorConfig",
            "InternalEnrichmentConnector",
        ),
        (
            "INTERNAL_IMPORT_FILE",
            "internal_import_file",
            "ImportFileConnectorConfig",
            "InternalImportFileConnector",
        ),
        (
            "INTERNAL_EXPORT_FILE",
            "internal_export_file",
            "ExportFileConnectorConfig",
            "InternalExportFileConnector",
        ),
    ],
)
def test_the_runtimes_packages_are_known(
    tmp_path: Path, type_: str, package: str, config: str, runtime: str
) -> None:
    """Their settings fix the type, and a runtime is recognised by way of its package, too."""
    files = clean_files(type_)
    files[SETTINGS] = files[SETTINGS].replace(
        re.findall(r"class ConnectorConfig\((\w+)\)", files[SETTINGS])[0],
        f"{package}.{config}",
    )
    imported = f"from connectors_sdk.connectors import {package}\n"
    files[SETTINGS] = (
        files[SETTINGS]
        .replace(f"    {package}.{config},\n", "")
        .replace("from pydantic", f"{imported}from pydantic")
    )
    files[CODE] = (
        files[CODE]
        .replace(f"import {runtime}", f"import {package}")
        .replace(f"({runtime})", f"({package}.{runtime})")
    )
    folder = write_connector(tmp_path, type_, files)
    assert not run(folder, Config()).findings


BARE = "from connectors_sdk.models import Malware, OrganizationAuthor\n\n\ndef convert(row):\n    return Malware(name=row)\n"


@pytest.mark.parametrize(
    ("type_", "author", "expected"),
    [
        (IMPORT, "    author = OrganizationAuthor(name='A')\n", {"VC302", "VC311"}),
        ("INTERNAL_ENRICHMENT", "", set()),
        ("INTERNAL_IMPORT_FILE", "", {"VC301", "VC302"}),
        (
            "INTERNAL_IMPORT_FILE",
            "    author = OrganizationAuthor(name='A')\n",
            set(),
        ),
        (
            "INTERNAL_IMPORT_FILE",
            "    def post_init(self):\n        self.author = OrganizationAuthor(name='A')\n",
            set(),
        ),
    ],
)
def test_author_and_markings_that_the_runtime_gives(
    tmp_path: Path, type_: str, author: str, expected: set[str]
) -> None:
    files = clean_files(type_)
    code = files[CODE].replace(
        "):\n    def transform", f"):\n{author}    def transform"
    )
    plain = files[SETTINGS].replace("    tlp_level: str = Field(default='clear')\n", "")
    changed = {CODE: code, CONVERTER: BARE, SETTINGS: plain}
    codes = {"VC301", "VC302", "VC311"}
    folder = write_connector(tmp_path, type_, changed)
    found_codes = {one.code for one in run(folder, Config()).findings}
    assert found_codes & codes == expected


def test_our_own_connectors_are_clean() -> None:
    folders, _ = connectors_at(ROOT)
    assert any(folder.name == "mitre" for folder in folders)
    for folder in folders:
        assert not run(folder, Config()).findings
