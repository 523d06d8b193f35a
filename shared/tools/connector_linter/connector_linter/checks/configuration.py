"""VC1: configuration samples."""

import ast
import re
from collections.abc import Iterator

from connector_linter.connector import Connector, Variable
from connector_linter.model import Problem, Severity, check
from connector_linter.syntax import at, module_constants, text

_REFERENCE = re.compile(r"\$\{[^}]+\}")
# Variables that any program may have.
_COMMON = re.compile(
    r"(HTTPS?|NO|ALL)_PROXY|REQUESTS_CA_BUNDLE|SSL_CERT_(FILE|DIR)|CURL_CA_BUNDLE|TZ|LANG|LC_\w+|PYTHON\w+|OTEL_\w+"
)
_PLACEHOLDER = re.compile(
    r"change[\s_-]*me|your[\s_-].*|<.*>|x{3,}|todo", re.IGNORECASE
)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}([T ].*)?")
_DATE_NAME = re.compile(r"date|since|start|from", re.IGNORECASE)
_SECRET_NAME = re.compile(r"(^|_)(API_?KEY|TOKEN|PASSWORD|PASSWD|SECRET)$")
_URL_NAME = re.compile(r"(^|_)(API|BASE)_(URL|ENDPOINT)$")
_MUST_BE_GIVEN = {"OPENCTI_URL", "OPENCTI_TOKEN", "CONNECTOR_ID"}

_COMPOSE = """\
services:
  connector-sample:
    image: opencti/connector-sample:latest
    environment:
{}
"""


def _compose(*lines: str) -> str:
    return _COMPOSE.format("\n".join(f"      {line}" for line in lines))


def _wrong(
    connector: Connector, name: str, right: str
) -> Iterator[tuple[Variable | None, str]]:
    """Yield where a variable is not what it should be, with the file."""
    paths = dict.fromkeys(variable.path for variable in connector.variables)
    for path in paths:
        own = [v for v in connector.variables if v.path == path and v.name == name]
        active = [variable for variable in own if variable.active]
        if not active:
            yield (own[0] if own else None), path
        for variable in active:
            if variable.value != right and not _REFERENCE.fullmatch(variable.value):
                yield variable, path


@check(
    "VC101",
    "config-token-default",
    Severity.ERROR,
    what="`OPENCTI_TOKEN` is `ChangeMe` or a reference `${…}` in `docker-compose.yml` and `.env.sample`.",
    why="Everybody has to give it, everybody looks for the same word, and no true token gets into the repository.",
    fix="Write `OPENCTI_TOKEN=ChangeMe`.",
    bad={
        "docker-compose.yml": _compose(
            "- OPENCTI_URL=http://localhost", "- OPENCTI_TOKEN=CHANGEME  # <- VC101"
        )
    },
    good={
        "docker-compose.yml": _compose(
            "- OPENCTI_URL=http://localhost", "- OPENCTI_TOKEN=${OPENCTI_ADMIN_TOKEN}"
        )
    },
)
def config_token_default(connector: Connector) -> Iterator[Problem]:
    """Report another placeholder, or none."""
    for variable, path in _wrong(connector, "OPENCTI_TOKEN", "ChangeMe"):
        message = "OPENCTI_TOKEN must be ChangeMe or ${…}, and not commented out"
        yield Problem(message, path, variable.line if variable else 0)


@check(
    "VC102",
    "config-url-default",
    Severity.ERROR,
    what="`OPENCTI_URL` is `http://localhost` or a reference `${…}` in `docker-compose.yml` and `.env.sample`.",
    why="One placeholder everywhere can be replaced by one command, and no address of somebody's own gets published.",
    fix="Write `OPENCTI_URL=http://localhost`.",
    bad={
        "docker-compose.yml": _compose(
            "- OPENCTI_URL=http://opencti.internal:8080  # <- VC102",
            "- OPENCTI_TOKEN=ChangeMe",
        )
    },
    good={
        "docker-compose.yml": _compose(
            "OPENCTI_URL: http://localhost", "OPENCTI_TOKEN: ChangeMe"
        )
    },
)
def config_url_default(connector: Connector) -> Iterator[Problem]:
    """Report another address, or none."""
    for variable, path in _wrong(connector, "OPENCTI_URL", "http://localhost"):
        message = "OPENCTI_URL must be http://localhost or ${…}, and not commented out"
        yield Problem(message, path, variable.line if variable else 0)


@check(
    "VC103",
    "config-variable-prefix",
    Severity.WARNING,
    what="Every variable begins with `OPENCTI_`, `CONNECTOR_`, the connector's name or a section of its settings.",
    why="A variable without a section cannot be told from those of other programs, and the settings do not read it.",
    fix="Give the variable the prefix of its section.",
    bad={
        "docker-compose.yml": _compose(
            "- OPENCTI_URL=http://localhost",
            "- OPENCTI_TOKEN=ChangeMe",
            "- FEED_LIMIT=10  # <- VC103",
        )
    },
    good={
        "docker-compose.yml": _compose(
            "- OPENCTI_URL=http://localhost",
            "- OPENCTI_TOKEN=ChangeMe",
            "- SAMPLE_API_KEY=ChangeMe",
            "- HTTPS_PROXY=http://proxy.example.org:3128",
        )
    },
)
def config_variable_prefix(connector: Connector) -> Iterator[Problem]:
    """Report variables without a section."""
    sections = {"opencti", "connector", connector.name.replace("-", "_")}
    sections |= {one.setting.name for one in connector.settings.namespaces}
    prefixes = tuple(f"{section}_".upper() for section in sections)
    for variable in connector.variables:
        if not variable.name.startswith(prefixes) and not _COMMON.fullmatch(
            variable.name
        ):
            message = (
                f"{variable.name} begins with none of {', '.join(sorted(prefixes))}"
            )
            yield Problem(message, variable.path, variable.line)


@check(
    "VC104",
    "config-file-samples",
    Severity.ERROR,
    what="There are samples of the configuration: `config.yml.sample`, and variables in the compose file or `.env.sample`.",
    why="They are the first thing that people copy. What has a default is commented out, what must be given says ChangeMe.",
    fix="Generate them from the settings class: `make connector_config_schema CONNECTOR=<folder>`.",
    bad={
        "config.yml.sample": "opencti:\n  url: http://localhost\n  token: changeme  # <- VC104\n"
    },
    good={
        "config.yml.sample": "opencti:\n  url: http://localhost\n  token: ChangeMe\n"
    },
)
def config_file_samples(connector: Connector) -> Iterator[Problem]:
    """Report missing samples, other placeholders, defaults that are not commented out, values fixed in the code."""
    yield from _missing_samples(connector)
    yield from _placeholders(connector)
    yield from _defaults_written_out(connector)
    for source in connector.sources:
        for name, value, node in module_constants(source):
            given = text(value)
            is_secret = _SECRET_NAME.search(name) and len(given) > 7
            is_url = _URL_NAME.search(name) and given.startswith("http")
            if (is_secret or is_url) and not _PLACEHOLDER.search(given):
                message = f"{name} is fixed in the code; make it a setting"
                yield at(connector, source, node, message, Severity.WARNING)


def _missing_samples(connector: Connector) -> Iterator[Problem]:
    if "config.yml.sample" not in connector.samples:
        if "src/config.yml.sample" in connector.samples:
            message = "config.yml.sample belongs beside the README, not into src"
            yield Problem(message, "src/config.yml.sample", 0, Severity.WARNING)
        else:
            yield Problem("there is no config.yml.sample")
    if not connector.variables:
        yield Problem(
            "there are variables neither in the compose file nor in .env.sample"
        )


def _placeholders(connector: Connector) -> Iterator[Problem]:
    for variable in connector.variables:
        if _is_other_placeholder(variable.value):
            message = f"the placeholder of {variable.name} must be ChangeMe"
            yield Problem(message, variable.path, variable.line)
    for path in ("config.yml.sample", "src/config.yml.sample"):
        for number, line in enumerate(connector.lines(path), start=1):
            name, _, value = line.strip().lstrip("# ").partition(":")
            if re.fullmatch(r"[\w-]+", name) and _is_other_placeholder(_bare(value)):
                yield Problem(
                    f"the placeholder of {name} must be ChangeMe", path, number
                )


def _bare(value: str) -> str:
    return re.sub(r"\s+#.*$", "", value).strip().strip("'\"")


def _is_other_placeholder(value: str) -> bool:
    return value != "ChangeMe" and bool(re.fullmatch(r"change[\s_-]*me", value, re.I))


def _defaults_written_out(connector: Connector) -> Iterator[Problem]:
    """Report what is set to its own default in a sample: it would stay when the default changes."""
    defaults = {
        name: setting
        for name, setting in connector.settings.variables()
        if setting.has_default and name not in _MUST_BE_GIVEN
    }
    for variable in connector.variables:
        setting = defaults.get(variable.name)
        if setting is None or not variable.active:
            continue
        default = setting.default
        if isinstance(default, ast.Constant) and _same(default.value, variable.value):
            message = f"{variable.name} has this default; comment it out"
            yield Problem(message, variable.path, variable.line, Severity.WARNING)


def _same(default: object, value: str) -> bool:
    return str(default).casefold() == value.casefold()


@check(
    "VC105",
    "no-absolute-import-date",
    Severity.WARNING,
    what="The start of an import is a period (`P30D`), not a date.",
    why="A date that was sensible when it was written asks for years of data later.",
    fix="Use an ISO 8601 duration, e.g. `P30D`, with `DatetimeFromIsoString` in the settings.",
    bad={
        "docker-compose.yml": _compose(
            "- OPENCTI_URL=http://localhost",
            "- OPENCTI_TOKEN=ChangeMe",
            "- SAMPLE_IMPORT_START_DATE=2021-01-01  # <- VC105",
        )
    },
    good={
        "docker-compose.yml": _compose(
            "- OPENCTI_URL=http://localhost",
            "- OPENCTI_TOKEN=ChangeMe",
            "- SAMPLE_IMPORT_START_DATE=P30D",
        )
    },
)
def no_absolute_import_date(connector: Connector) -> Iterator[Problem]:
    """Report absolute dates in samples and as defaults of settings."""
    for variable in connector.variables:
        if _DATE_NAME.search(variable.name) and _DATE.fullmatch(variable.value):
            message = f"{variable.name} is an absolute date"
            yield Problem(message, variable.path, variable.line)
    for setting in connector.settings.all:
        if _DATE_NAME.search(setting.name) and _DATE.fullmatch(text(setting.default)):
            message = f"{setting.name} is an absolute date by default"
            yield at(connector, setting.source, setting.node, message)
