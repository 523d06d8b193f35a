"""HTTP client for sources: retries, rate limits, paginators, downloads, typed errors.

The names are loaded when they are first used, so that naming an error costs no HTTP library.
"""

from typing import TYPE_CHECKING

from connectors_sdk._lazy import names_from

if TYPE_CHECKING:
    from connectors_sdk.client.base_client_api import BaseClientApi
    from connectors_sdk.client.conditional import (
        ConditionalDownload,
        ConditionalResult,
        Validators,
    )
    from connectors_sdk.client.download import DownloadedFile
    from connectors_sdk.client.exceptions import (
        ApiClientError,
        ApiConfigurationError,
        ApiConnectionError,
        ApiContentEncodingError,
        ApiDecodeError,
        ApiForbiddenError,
        ApiJsonDecodeError,
        ApiNotFoundError,
        ApiPaginationError,
        ApiProxyError,
        ApiRateLimitError,
        ApiRedirectError,
        ApiRequestError,
        ApiServerError,
        ApiStorageError,
        ApiTimeoutError,
        ApiTlsError,
        ApiTooLargeError,
        ApiTruncatedError,
        ApiUnauthorizedError,
        QuotaExceededError,
    )
    from connectors_sdk.client.paginate import Page
    from connectors_sdk.client.quota import DailyQuota
    from connectors_sdk.client.rate_limit import RateLimit
    from connectors_sdk.client.redact import RedactingFilter, redact, register_secret
    from connectors_sdk.client.retry import RetryPolicy
    from connectors_sdk.client.stream import (
        BadRecord,
        StreamOptions,
        iter_csv,
        iter_json_array,
        iter_json_lines,
    )
    from connectors_sdk.client.timing import Timing

_MODULES = {
    "base_client_api": ("BaseClientApi",),
    "conditional": ("ConditionalDownload", "ConditionalResult", "Validators"),
    "download": ("DownloadedFile",),
    "exceptions": (
        "ApiClientError",
        "ApiConfigurationError",
        "ApiConnectionError",
        "ApiContentEncodingError",
        "ApiDecodeError",
        "ApiForbiddenError",
        "ApiJsonDecodeError",
        "ApiNotFoundError",
        "ApiPaginationError",
        "ApiProxyError",
        "ApiRateLimitError",
        "ApiRedirectError",
        "ApiRequestError",
        "ApiServerError",
        "ApiStorageError",
        "ApiTimeoutError",
        "ApiTlsError",
        "ApiTooLargeError",
        "ApiTruncatedError",
        "ApiUnauthorizedError",
        "QuotaExceededError",
    ),
    "paginate": ("Page",),
    "quota": ("DailyQuota",),
    "rate_limit": ("RateLimit",),
    "redact": ("RedactingFilter", "redact", "register_secret"),
    "retry": ("RetryPolicy",),
    "stream": (
        "BadRecord",
        "StreamOptions",
        "iter_csv",
        "iter_json_array",
        "iter_json_lines",
    ),
    "timing": ("Timing",),
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}

__all__ = [  # pylint: disable=undefined-all-variable  # resolved by __getattr__
    "ApiClientError",
    "ApiConfigurationError",
    "ApiConnectionError",
    "ApiContentEncodingError",
    "ApiDecodeError",
    "ApiForbiddenError",
    "ApiJsonDecodeError",
    "ApiNotFoundError",
    "ApiPaginationError",
    "ApiProxyError",
    "ApiRateLimitError",
    "ApiRedirectError",
    "ApiRequestError",
    "ApiServerError",
    "ApiStorageError",
    "ApiTimeoutError",
    "ApiTlsError",
    "ApiTooLargeError",
    "ApiTruncatedError",
    "ApiUnauthorizedError",
    "BadRecord",
    "BaseClientApi",
    "ConditionalDownload",
    "ConditionalResult",
    "DailyQuota",
    "DownloadedFile",
    "Page",
    "QuotaExceededError",
    "RateLimit",
    "RedactingFilter",
    "RetryPolicy",
    "StreamOptions",
    "Timing",
    "Validators",
    "iter_csv",
    "iter_json_array",
    "iter_json_lines",
    "redact",
    "register_secret",
]


__getattr__ = names_from(__name__, _MODULE_OF)
