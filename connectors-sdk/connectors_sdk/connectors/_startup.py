"""Meeting the platform: wait until it is there, say why it is not."""

import logging
import os
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import requests

from connectors_sdk.connectors._causes import (
    NO_ANSWER,
    describe,
    describe_graphql,
    describe_status,
)
from connectors_sdk.connectors._patience import growing_pauses
from connectors_sdk.settings.runtime import RuntimeSettings

_PROBE = "query healthCheck { about { version } }"
_PROBE_TIMEOUT = 10.0
_PYCTI_API_LOGGER = "api"

HelperT = TypeVar("HelperT")


class PlatformUnavailableError(Exception):
    """The platform could not be reached within the limit, or did not accept the connector."""


def platform_timeout(config: Mapping[str, Any]) -> float:
    """Return for how many seconds the connector waits for a platform that is away.

    Input: the helper's configuration.

    Raises:
        ConfigValidationError: a setting of the runtime is wrong.
    """
    return RuntimeSettings.read(config).platform_timeout.total_seconds()


def connect(
    make_helper: Callable[[dict[str, Any]], HelperT],
    config: dict[str, Any],
    limit: float,
    notice: Callable[[str | None], None] = lambda problem: None,
) -> HelperT:
    """Build pycti's helper, which registers the connector; wait while the platform is not there.

    Args:
        make_helper: `OpenCTIConnectorHelper`, called with the configuration.
        config: the helper's configuration.
        limit: for how many seconds to go on trying, with growing pauses.
        notice: called with the cause when an attempt was in vain, and with None when one was not.

    Raises:
        PlatformUnavailableError: it was in vain; the text names the true cause.
    """
    url = without_credentials(str((config.get("opencti") or {}).get("url", "")))
    started = time.monotonic()
    for pause in growing_pauses(limit):
        helper, cause = _attempt(make_helper, config)
        if helper is not None:
            notice(None)
            return helper
        notice(cause)
        left = max(limit - (time.monotonic() - started), 0)
        _say(
            config,
            f"Cannot connect to OpenCTI at {url}: {cause}. Trying again in {pause:.3g} s, for {left:.0f} s more.",
        )
        time.sleep(pause)
    helper, cause = _attempt(make_helper, config)
    if helper is not None:
        return helper
    text = (
        f"Cannot connect to OpenCTI at {url}: {cause}. Giving up after {limit:.0f} s."
    )
    _say(config, text)
    raise PlatformUnavailableError(text)


def _attempt(
    make_helper: Callable[[dict[str, Any]], HelperT], config: dict[str, Any]
) -> tuple[HelperT | None, str]:
    # pycti would wait five minutes for a server that accepts connections but never answers.
    cause = probe(config)
    if cause == NO_ANSWER:
        return None, cause
    hook = sys.excepthook
    # pycti logs a traceback of every attempt; the cause, where it is known, is said in a sentence.
    pyctis = logging.getLogger(_PYCTI_API_LOGGER)
    before, pyctis.disabled = pyctis.disabled, pyctis.disabled or bool(cause)
    try:
        return make_helper(config), ""
    except Exception as err:  # pylint: disable=broad-exception-caught
        # pycti raises bare ValueErrors, which only say that the platform is not reachable.
        return None, cause or describe(err)
    finally:
        pyctis.disabled = before
        # pycti's hook kills the process without printing the exception.
        sys.excepthook = hook


def probe(config: Mapping[str, Any]) -> str | None:
    """Ask the platform for its version as pycti would; return why that does not work, or None when it does."""
    opencti = config.get("opencti") or {}
    url = str(opencti.get("url", "")).rstrip("/") + "/graphql"
    # As pycti: with a private CA the certificate is checked, whatever ssl_verify says.
    verify = str(opencti.get("ssl_verify")).lower() in ("true", "yes") or bool(
        os.environ.get("HTTPS_CA_CERTIFICATES")
    )
    try:
        response = requests.post(
            url,
            json={"query": _PROBE, "variables": {}},
            headers=request_headers(opencti),
            timeout=_PROBE_TIMEOUT,
            verify=verify,
            allow_redirects=False,
        )
    except requests.RequestException as err:
        return describe(err)
    return describe_status(response.status_code) or _wrong_answer(response)


def without_credentials(url: str) -> str:
    scheme, separator, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}{separator}{host.rpartition('@')[2]}{slash}{path}"


def request_headers(opencti: Mapping[str, Any]) -> dict[str, str]:
    headers = {"Authorization": f"Bearer {opencti.get('token', '')}"}
    for pair in str(opencti.get("custom_headers") or "").split(";"):
        name, colon, value = pair.partition(":")
        if colon:
            headers[name.strip()] = value.strip()
    return headers


def _wrong_answer(response: requests.Response) -> str | None:
    try:
        answer = response.json()
    except ValueError:
        return "what answers is not an OpenCTI API: its answer is not JSON"
    errors = answer.get("errors") if isinstance(answer, dict) else None
    if errors:
        first = errors[0]
        extensions = first.get("extensions") or {}
        message = first.get("message")
        return describe_graphql(
            first.get("name") or extensions.get("code") or message, message
        )
    try:
        version = answer["data"]["about"]["version"]
    except (TypeError, KeyError):
        version = None
    if not version:
        return "what answers is not an OpenCTI API: it does not tell its version"
    return None


def _say(config: Mapping[str, Any], message: str) -> None:
    """Write an error to the log as pycti's helper would, which is not there yet."""
    # pycti is imported by then; at the top it would make every import of this module slow.
    from pycti.utils.opencti_logger import logger

    connector = config.get("connector") or {}
    opencti = config.get("opencti") or {}
    json_lines = str(opencti.get("json_logging", "true")).lower() not in ("false", "no")
    logger(str(connector.get("log_level", "error")).upper(), json_lines)
    # Not through pycti's logger: it adds an empty traceback to every error.
    logging.getLogger(str(connector.get("name", "connector"))).error(message)
