"""What the groups of the client's methods need of each other."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import requests

from connectors_sdk.client.body import BodyReader
from connectors_sdk.client.redact import shown_url
from connectors_sdk.client.timing import Timing


class RequestApi(ABC):
    """Sending single requests; `BaseClientApi` does it.

    Attributes:
        _body: How bodies are read.
        _timing: Clock.
    """

    _body: BodyReader
    _timing: Timing

    @abstractmethod
    def _get(
        self, path: str, *, params: Mapping[str, Any] | None = None, **kwargs: Any
    ) -> Any: ...

    @abstractmethod
    def _post(
        self,
        path: str,
        *,
        json: Any = None,
        data: Any = None,
        params: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> Any: ...

    @abstractmethod
    def _checked_request(
        self, method: str, path: str, **kwargs: Any
    ) -> requests.Response: ...

    @abstractmethod
    def _parse_response(self, response: requests.Response) -> Any: ...

    @abstractmethod
    def _build_url(self, path: str) -> str: ...

    def _what(self, path: str) -> str:
        """Return the address of a path for messages."""
        try:
            return shown_url(self._build_url(path))
        except ValueError:
            # Not an address; the request itself will say so in words.
            return shown_url(path)
