"""Secrets stay out of logs and tracebacks."""

import io
import logging
import sys
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict, SecretBytes, SecretStr

from connectors_sdk.connectors._redaction import Redactor


class _Section(BaseModel):
    model_config = ConfigDict(extra="allow")
    key: SecretStr = SecretStr('canary-1"quoted\\')
    raw: SecretBytes = SecretBytes(b"canary-2")
    password: str = "canary-3"
    many: list[SecretStr] = [SecretStr("canary-4"), SecretStr("canary-4-longer")]
    name: str = "harmless"
    short: SecretStr = SecretStr("abc")


class _Settings(BaseModel):
    section: _Section = _Section.model_validate({"vendor_token": "canary-5"})
    mapping: dict[str, Any] = {"api_key": "canary-6", "other": "visible"}


@pytest.fixture(name="redact")
def _redact() -> Redactor:
    return Redactor(_Settings())


def test_every_secret_is_masked_and_nothing_else(redact: Redactor) -> None:
    text = (
        "canary-2 canary-3 canary-4-longer canary-4 canary-5 canary-6 harmless visible"
    )
    masked = redact(text)
    assert "canary" not in masked and "longer" not in masked
    assert masked.endswith("harmless visible")
    assert redact("abc") == "abc"


def test_secrets_inside_json(redact: Redactor) -> None:
    assert "canary" not in redact('{"x": "canary-1\\"quoted\\\\"}')


def test_settings_without_secrets() -> None:
    assert Redactor(object())("text") == "text"


def test_log_lines_with_traceback(redact: Redactor) -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    root = logging.getLogger()
    root.addHandler(handler)
    former = {h: h.formatter for h in root.handlers}
    try:
        redact.guard_logs()
        guarded = handler.formatter
        redact.guard_logs()
        assert handler.formatter is guarded
        try:
            raise ValueError("canary-3")
        except ValueError:
            logging.getLogger("any").exception("it was %s", "canary-2")
    finally:
        root.removeHandler(handler)
        for other, formatter in former.items():
            other.setFormatter(formatter)
    assert "ValueError: **********" in stream.getvalue()
    assert "it was **********" in stream.getvalue()


def test_uncaught_exceptions(
    redact: Redactor,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    redact.guard_excepthook()
    try:
        raise ValueError("canary-3")
    except ValueError as err:
        sys.excepthook(type(err), err, err.__traceback__)
    written = capsys.readouterr().err
    assert "Traceback" in written and "ValueError: **********" in written
