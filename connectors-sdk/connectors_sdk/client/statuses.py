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
from connectors_sdk.client.redact import shown_url

MAX_BODY_TEXT = 2000
_MAX_REASON = 200
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
        text = f"too many requests (429).{asked} Set a lower rate limit, or let the next run go on."
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
    """Return what the source itself says, when that is short: a word of the source is worth a hundred guesses."""
    if isinstance(body, dict):
        for key in ("message", "error_description", "detail", "error", "title", "msg"):
            value = body.get(key)
            if isinstance(value, dict):
                value = value.get("message")
            if isinstance(value, str) and value.strip():
                return f" The source says: {' '.join(value.split())[:_MAX_REASON]}"
    return ""
