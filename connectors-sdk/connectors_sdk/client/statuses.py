"""Answers that are errors, put into words."""

from typing import Any

import requests
from urllib3.exceptions import HTTPError

from connectors_sdk.client.body import method_and_url
from connectors_sdk.client.exceptions import (
    ApiClientError,
    ApiForbiddenError,
    ApiNotFoundError,
    ApiRateLimitError,
    ApiServerError,
    ApiUnauthorizedError,
)
from connectors_sdk.client.redact import redact, shown_url

MAX_BODY_TEXT = 2000
_MAX_REASON = 200
# `errors` with a `detail` each: JSON:API.
_TELLING = "message error_description detail error errors title msg".split()
_ABROAD = " The host is not that of the base URL, so no credentials were sent; list it in `trusted_hosts` if it may have them."


def error_for(
    response: requests.Response, method: str, url: str, *, abroad: bool = False
) -> ApiClientError:
    """Return the error for an answer whose status is not a success.

    Args:
        response: The answer.
        method, url: What was asked for, unless the answer itself knows better.
        abroad: The answer is from a host that was not given the credentials.
    """
    _, actual_url = method_and_url(response)
    status = response.status_code
    body = safe_body(response)
    what = f"{method.upper()} {shown_url(actual_url or url)}: "
    details: dict[str, Any] = {"status_code": status, "response_body": body}
    if status == 401:
        text = "the source does not accept the credentials (401). Check the key or password in the configuration."
        return ApiUnauthorizedError(
            what + text + (_ABROAD if abroad else "") + _reason(body), **details
        )
    if status == 403:
        text = "the credentials do not allow this (403). Check what the account or plan may do."
        return ApiForbiddenError(
            what + text + (_ABROAD if abroad else "") + _reason(body), **details
        )
    if status == 404:
        text = "there is no such resource (404). Check the address and the base URL."
        return ApiNotFoundError(what + text + _reason(body), **details)
    retry_after = ApiRateLimitError.parse_retry_after(response.headers)
    asked = "" if retry_after is None else f" It asks to wait {retry_after:.0f} s."
    if status == 429:
        text = f"too many requests (429).{asked} Ask less often, or later."
        return ApiRateLimitError(
            what + text + _reason(body), retry_after=retry_after, **details
        )
    if status >= 500:
        text = f"the source failed ({status}).{asked} The next run tries again; ask the source if it stays."
        return ApiServerError(
            what + text + _reason(body), retry_after=retry_after, **details
        )
    text = f"the source refused the request ({status}). Check the request's parameters."
    return ApiClientError(what + text + _reason(body), **details)


def safe_body(response: requests.Response) -> Any:
    """Return the body of an error: parsed JSON, or text cut at 2000 characters; None when empty."""
    try:
        response.content  # pylint: disable=pointless-statement  # reads it, unless it is there already
    except (requests.exceptions.RequestException, HTTPError, RuntimeError):
        # It broke off; the status is known all the same.
        return None
    try:
        return response.json()
    except ValueError:
        text = response.text
    if not text:
        return None
    if len(text) > MAX_BODY_TEXT:
        return text[:MAX_BODY_TEXT] + "...[truncated]"
    return text


def _reason(body: Any) -> str:
    """Return what the source itself says, shortened: a word of the source is worth a hundred guesses."""
    # Secrets go before anything is cut: half of a key would not be known as one.
    text = redact(_said(body)) if isinstance(body, dict) else ""
    if len(text) > _MAX_REASON:
        text = f"{text[:_MAX_REASON]}…"
    return f" The source says: {text.rstrip('. ')}." if text else ""


def _said(body: Any, depth: int = 4) -> str:
    """Return the words of a body on one line: a text, or what is found where sources put such."""
    if isinstance(body, str):
        return " ".join(body.split())
    if isinstance(body, list) and depth:
        return "; ".join(filter(None, (_said(one, depth - 1) for one in body[:3])))
    if isinstance(body, dict) and depth:
        found = (_said(body.get(key), depth - 1) for key in _TELLING)
        return next(filter(None, found), "")
    return ""
