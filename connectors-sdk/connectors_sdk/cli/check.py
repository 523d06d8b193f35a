"""`check`: why the connector does not work, and what to do about it."""

import argparse
import json
import os
import socket
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import requests
from pydantic import BaseModel
from requests.utils import get_environ_proxies

from connectors_sdk.cli.building import build_connector, single_run
from connectors_sdk.cli.output import coloured, say, table
from connectors_sdk.cli.platform import PlatformApi, PlatformError, verification
from connectors_sdk.cli.types import Build
from connectors_sdk.connectors._causes import describe
from connectors_sdk.connectors._redaction import Redactor
from connectors_sdk.connectors._startup import (
    PlatformUnavailableError,
    without_credentials,
)
from connectors_sdk.connectors.base_connector import BaseConnector
from connectors_sdk.connectors.check import Check
from connectors_sdk.connectors.exit_codes import ExitCode
from connectors_sdk.settings.base_settings import BaseConnectorSettings
from connectors_sdk.settings.exceptions import (
    ConfigValidationError,
    UnknownSettingWarning,
)

_TIMEOUT = 10.0
_SKEW_WARNING = 30.0
_SKEW_FAILURE = 300.0
_MEGA = 1_000_000
_CAPABILITIES = {
    "CONNECTORAPI": "connectors API usage",
    "KNOWLEDGE": "access knowledge",
    "KNOWLEDGE_KNUPDATE": "create and update knowledge",
}
# What to do about a cause, by words of it.
_FIXES = (
    (
        "name resolution",
        "Correct the host name, or the DNS of this machine or container; in one compose network use the service's name",
    ),
    (
        "refused: nothing listens",
        "Start the service, or correct host and port; inside a container `localhost` is the container itself",
    ),
    (
        "TLS failed",
        "Give the private authority as HTTPS_CA_CERTIFICATES (a PEM file), or correct the certificate",
    ),
    (
        "proxy failed",
        "Correct HTTP_PROXY and HTTPS_PROXY, or list the host in NO_PROXY",
    ),
    ("refuses the token", "Set OPENCTI_TOKEN to the API token of the connector's user"),
    (
        "not an OpenCTI API",
        "Set OPENCTI_URL to the platform's own address, with its base path, if it has one",
    ),
    ("no answer in time", "Look for a firewall between here and there"),
)


def check(build: Build, options: argparse.Namespace) -> int:
    """Look at everything, show what was found; exit code 2 for a wrong configuration, 1 for any other failure."""
    checks, connector, settings = _configuration(build)
    sources = settings.config_sources() if settings else []
    if connector is not None:
        redact = Redactor(connector.settings)
        checks += [
            Check(c.name, c.verdict, redact(c.found), c.fix) for c in _all(connector)
        ]
    failed = sum(c.verdict == "failed" for c in checks)
    if options.json:
        report = {
            "settings": [asdict(source) for source in sources],
            "checks": [asdict(one) for one in checks],
        }
        say(json.dumps(report, indent=2, ensure_ascii=False))
    else:
        rows = [(s.variable, s.value, s.source) for s in sources]
        if rows:
            say(*table(("setting", "value", "from"), rows), "")
        _show(checks)
        say("", f"{len(checks)} checks, {failed or 'none'} failed")
    if connector is None:
        return ExitCode.CONFIGURATION
    return ExitCode.FAILURE if failed else ExitCode.OK


def _show(checks: list[Check]) -> None:
    size = max(len(one.name) for one in checks)
    for one in checks:
        verdict = one.verdict if one.verdict != "failed" else "FAILED"
        say(
            f"{coloured(verdict.ljust(8), one.verdict)} {one.name.ljust(size)}  {one.found}".rstrip()
        )
        if one.fix:
            say(f"{' ' * 9}{' ' * size}  -> {one.fix}.")


# -- configuration ---------------------------------------------------------------------------------------------------


def _configuration(
    build: Build,
) -> tuple[list[Check], BaseConnector | None, type[BaseConnectorSettings] | None]:
    name = "configuration"
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            connector = build_connector(build)
            connector.prepare()
        except ConfigValidationError as error:
            found = [
                Check.failed(
                    name,
                    f"{problem.variable} ({problem.key}): {problem.wrong}".strip(),
                    f"Give {problem.expected}" if problem.expected else "Set it",
                )
                for problem in error.problems
            ] or [Check.failed(name, str(error))]
            declared = error.settings_class
            known = (
                declared
                if declared and issubclass(declared, BaseConnectorSettings)
                else None
            )
            return found, None, known
    checks = [
        Check.warning(name, str(one.message), "Correct the name, or remove it")
        for one in caught
        if issubclass(one.category, UnknownSettingWarning)
    ]
    checks.insert(0, Check.ok(name, "complete and valid"))
    return checks, connector, type(connector.settings)


# -- everything else -------------------------------------------------------------------------------------------------


def _all(connector: BaseConnector) -> Iterator[Check]:
    config = connector.settings.to_helper_config()
    yield from _folder(connector)
    yield _memory(connector)
    api = PlatformApi(config)
    yield from _addresses(connector.settings, config)
    reachable = True
    for one in _platform(api):
        reachable = reachable and one.verdict != "failed"
        yield one
    if not reachable:
        for name in ("registration", "broker", "source"):
            yield Check.skipped(name, "the platform comes first")
        return
    yield from _connected(connector)


def _folder(connector: BaseConnector) -> Iterator[Check]:
    name, folder = "data folder", connector.data_path
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        writable = os.access(folder, os.W_OK)
    except OSError:
        writable = False
    if not writable:
        yield Check.failed(
            name,
            f"{folder} cannot be written: bad records could not be set aside",
            "Set CONNECTOR_DATA_PATH to a folder (in a container: a volume) that the connector's user may write",
        )
    elif connector.runtime.data_path is None:
        yield Check.warning(
            name,
            f"{folder}, because CONNECTOR_DATA_PATH is not set",
            "In a container set it to a volume: anything else is gone with the container",
        )
    else:
        yield Check.ok(name, str(folder))


def _memory(connector: BaseConnector) -> Check:
    limit = connector.fuse.limit
    if limit is None:
        return Check.ok("memory", "no limit")
    return Check.ok("memory", f"{limit // _MEGA} MB at most")


def _addresses(settings: Any, config: Mapping[str, Any]) -> Iterator[Check]:
    """Look at every address of the configuration: name, way, TLS, clock."""
    platform = str((config.get("opencti") or {}).get("url", ""))
    seen: set[tuple[str, int | None]] = set()
    for name, url in [("opencti.url", platform), *_urls(settings)]:
        parts = urlsplit(url)
        if not parts.hostname or (parts.hostname, parts.port) in seen:
            continue
        seen.add((parts.hostname, parts.port))
        proxies = get_environ_proxies(url)
        proxy = proxies.get(parts.scheme) or proxies.get("all")
        if proxy:
            shown = without_credentials(proxy)
            yield Check.ok(
                f"{name}: way", f"{parts.hostname} through the proxy {shown}"
            )
        else:
            yield _resolution(name, parts.hostname)
        yield from _reach(name, url, config, is_platform=name == "opencti.url")


def _urls(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield the web addresses among settings, with their names."""
    if isinstance(value, BaseModel):
        items = {**value.__dict__, **(value.model_extra or {})}.items()
        for key, inner in items:
            yield from _urls(inner, f"{path}.{key}" if path else str(key))
    elif path and not path.startswith(("opencti.", "connector.")):
        text = str(value)
        if text.startswith(("http://", "https://")) and " " not in text:
            yield path, text


def _resolution(name: str, host: str) -> Check:
    title = f"{name}: name"
    try:
        found = socket.getaddrinfo(host, None, proto=socket.IPPROTO_TCP)
    except OSError as error:
        return Check.failed(title, f"{host}: {describe(error)}", _fix(describe(error)))
    addresses = sorted({str(entry[4][0]) for entry in found})
    return Check.ok(title, f"{host} is {', '.join(addresses)}")


def _reach(
    name: str, url: str, config: Mapping[str, Any], *, is_platform: bool
) -> Iterator[Check]:
    """Ask for an address without credentials: any answer shows that the way there is open."""
    title = f"{name}: connection"
    verify = verification(config.get("opencti") or {}) if is_platform else True
    try:
        with warnings.catch_warnings():
            # pycti does not check the platform's certificate unless it is told to; that is no news here.
            warnings.simplefilter("ignore")
            response = requests.head(
                url, timeout=_TIMEOUT, verify=verify, allow_redirects=False
            )
    except requests.RequestException as error:
        cause = describe(error)
        yield Check.failed(title, cause, _fix(cause))
        return
    secure = "unencrypted"
    if url.startswith("https://"):
        secure = (
            "TLS, certificate checked" if verify else "TLS, certificate not checked"
        )
    yield Check.ok(title, f"{secure}, HTTP {response.status_code}")
    yield from _clock(f"{name}: clock", response)


def _clock(title: str, response: requests.Response) -> Iterator[Check]:
    try:
        there = parsedate_to_datetime(response.headers.get("Date", ""))
    except (TypeError, ValueError):
        return
    if there.tzinfo is None:
        there = there.replace(tzinfo=UTC)
    skew = (datetime.now(UTC) - there).total_seconds()
    found = f"{abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} the other side"
    fix = "Synchronise the clock of this machine (NTP)"
    if abs(skew) >= _SKEW_FAILURE:
        yield Check.failed(title, found, fix)
    elif abs(skew) >= _SKEW_WARNING:
        yield Check.warning(title, found, fix)
    else:
        yield Check.ok(title, "as on the other side")


def _platform(api: PlatformApi) -> Iterator[Check]:
    try:
        about = api.ask("query About { about { version } }")
        yield Check.ok("platform: version", str(about["about"]["version"]))
    except (PlatformError, TypeError, KeyError) as error:
        cause = str(error) if isinstance(error, PlatformError) else "no version"
        yield Check.failed("platform: version", cause, _fix(cause))
        return
    title = "platform: permissions"
    try:
        me = api.ask("query Me { me { name capabilities { name } } }")["me"]
        granted = {str(one["name"]) for one in me.get("capabilities") or ()}
    except (PlatformError, TypeError, KeyError) as error:
        yield Check.warning(title, f"the platform does not tell: {error}")
        return
    missing = (
        [] if "BYPASS" in granted else [c for c in _CAPABILITIES if c not in granted]
    )
    if missing:
        words = ", ".join(f"{_CAPABILITIES[c]} ({c})" for c in missing)
        yield Check.failed(
            title,
            f"the user {me.get('name')} lacks: {words}",
            "Give the user of the token the role or group for connectors",
        )
    else:
        yield Check.ok(title, f"user {me.get('name')}")


def _connected(connector: BaseConnector) -> Iterator[Check]:
    with single_run():
        try:
            with connector.opened(patience=timedelta(0)):
                yield Check.ok(
                    "registration", f"as {connector.health.identity.get('id')}"
                )
                yield _broker(connector.helper)
                yield from _source(connector)
        except PlatformUnavailableError as error:
            yield Check.failed("registration", str(error), _fix(str(error)))
        # An author's code may fail in any way; that is what the command is for.
        except Exception as error:  # pylint: disable=broad-exception-caught
            yield Check.failed(
                "connector",
                f"it cannot be set up: {type(error).__name__}: {describe(error)}",
            )


def _broker(helper: Any) -> Check:
    if helper.queue_protocol == "api":
        return Check.ok("broker", "not used: bundles go through the platform's API")
    import pika

    from connectors_sdk.connectors._broker import broker_parameters

    connection = helper.connector_config["connection"]
    place = f"{connection['host']}:{connection['port']}"
    fix = (
        "Let this machine reach the broker under that name, say where it is (MQ_HOST, MQ_PORT), or set "
        "CONNECTOR_QUEUE_PROTOCOL=api"
    )
    parameters = broker_parameters(
        helper,
        socket_timeout=_TIMEOUT,
        blocked_connection_timeout=_TIMEOUT,
        connection_attempts=1,
    )
    try:
        with pika.BlockingConnection(parameters) as opened:
            exchange = helper.connector_config["push_exchange"]
            opened.channel().exchange_declare(exchange, passive=True)
    except Exception as error:  # pylint: disable=broad-exception-caught
        return Check.failed("broker", f"{place}: {describe(error)}", fix)
    return Check.ok("broker", f"{place}, user {connection['user']}")


def _source(connector: BaseConnector) -> Iterator[Check]:
    found = False
    try:
        for one in connector.check_source():
            found = True
            yield one
    except Exception as error:  # pylint: disable=broad-exception-caught
        found = True
        yield Check.failed("source", describe(error), _fix(describe(error)))
    if not found:
        yield Check.skipped("source", "the connector has no check of its own for it")


def _fix(cause: str) -> str:
    return next((fix for words, fix in _FIXES if words in cause), "")
