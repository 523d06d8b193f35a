"""Whom to trust: the operating system's store, the authorities that come with `requests`, and a private one."""

import ssl
from pathlib import Path
from typing import Any

from requests.utils import DEFAULT_CA_BUNDLE_PATH

from connectors_sdk.client.exceptions import ApiConfigurationError

_PEM_MARK = "-----BEGIN "


class TrustStore:
    """Certificate authorities for verified connections.

    Args:
        ca: A private authority in addition to the usual ones: path of a PEM file or directory, or the PEM text itself
            (line breaks may be written as `\\n`, as they are in environment variables).

    Raises:
        ApiConfigurationError: There is no such file, or it holds no certificate.
    """

    def __init__(self, ca: str | Path | None = None) -> None:
        self._pem = _read_pem(ca)
        self._contexts: dict[Any, ssl.SSLContext] = {}
        if self._pem is not None:
            # Fail now and in words, not at the first request.
            self.context()

    def context(self, cert: Any = None) -> ssl.SSLContext:
        """Return the context for verified connections.

        Args:
            cert: Client certificate as `requests` names it. Connections with different ones do not share a context,
                because the certificate becomes part of it.
        """
        if cert not in self._contexts:
            self._contexts[cert] = self._build()
        return self._contexts[cert]

    def _build(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        context.load_verify_locations(DEFAULT_CA_BUNDLE_PATH)
        if self._pem is not None:
            try:
                context.load_verify_locations(cadata=self._pem)
            except (ssl.SSLError, ValueError):
                raise ApiConfigurationError(
                    "The private CA holds no readable certificate. Give a PEM file or PEM text "
                    "(-----BEGIN CERTIFICATE----- ...)."
                ) from None
        return context


def _read_pem(ca: str | Path | None) -> str | None:
    if ca is None or not str(ca).strip():
        return None
    text = str(ca)
    if _PEM_MARK in text:
        return text.replace("\\n", "\n")
    path = Path(text).expanduser()
    files = sorted(path.glob("*")) if path.is_dir() else [path]
    try:
        texts = [
            file.read_text("utf-8", "replace")
            for file in files
            if file.is_file() or file == path
        ]
    except OSError as error:
        raise ApiConfigurationError(
            f"The private CA {path} cannot be read ({error.strerror}). Give the path of a PEM file, or its text."
        ) from None
    return "\n".join(text for text in texts if _PEM_MARK in text)
