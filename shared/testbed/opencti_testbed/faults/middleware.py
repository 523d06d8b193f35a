"""Where faults meet requests: before anything else sees them."""

import asyncio
from collections.abc import Callable
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from opencti_testbed.admin import json_response
from opencti_testbed.faults.rules import Action, Fault, Faults
from opencti_testbed.graphql.execute import failure

# The API that orders faults must not meet them.
_EXEMPT = "/testbed"


class ResettableProtocol(HttpToolsProtocol):
    """uvicorn's protocol, with a way to reset the connection of a request."""

    def on_message_begin(self) -> None:
        """Give the request access to its connection."""
        super().on_message_begin()
        self.scope["state"]["reset"] = self._reset

    def _reset(self) -> None:
        if self.transport is not None:
            self.transport.abort()


class FaultMiddleware:
    """Lets requests meet the faults that are in force."""

    def __init__(self, app: ASGIApp, faults: Faults) -> None:
        """Wrap an application."""
        self._app = app
        self._faults = faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http" or scope["path"].startswith(_EXEMPT):
            await self._app(scope, receive, send)
            return
        body = b""
        if self._faults.needs_body(scope["path"]):
            body, receive = await _read_ahead(receive)
        for fault in self._faults.meeting(scope["path"], body):
            if fault.action is Action.DELAY:
                await asyncio.sleep(fault.seconds)
            elif fault.action is Action.BREAK_STREAM:
                scope["state"]["break_after"] = fault.amount
            elif fault.action is Action.TRUNCATE:
                send = _breaking_off(send, fault.amount, scope["state"]["reset"])
            else:
                await self._fail(fault, scope, receive, send)
                return
        await self._app(scope, receive, send)

    async def _fail(
        self, fault: Fault, scope: Scope, receive: Receive, send: Send
    ) -> None:
        if fault.action is Action.DROP:
            scope["state"]["reset"]()
            return
        if fault.action is Action.STATUS:
            response = json_response({"error": fault.message}, fault.status)
        elif fault.action is Action.ANSWER:
            response = json_response(fault.body)
        elif fault.action is Action.EXPIRE_TOKEN:
            response = json_response(
                failure("You must be logged in to do this.", "AUTH_REQUIRED"),
                200 if scope["path"] == "/graphql" else 401,
            )
        else:
            response = json_response(failure(fault.message, fault.code))
        await response(scope, receive, send)


def _breaking_off(send: Send, amount: int, reset: Callable[[], None]) -> Send:
    """Return a `send` that resets the connection after so many bytes of the body."""
    left = amount

    async def send_some(message: Message) -> None:
        nonlocal left
        if message["type"] != "http.response.body":
            await send(message)
            return
        part = message.get("body", b"")[:left]
        left -= len(part)
        await send({**message, "body": part, "more_body": True})
        if not left or not message.get("more_body"):
            # What was written is on its way before the connection is gone.
            await asyncio.sleep(0.05)
            reset()

    return send_some


async def _read_ahead(receive: Receive) -> tuple[bytes, Receive]:
    """Return the body of a request, and a `receive` that gives the same messages again."""
    messages: list[Message] = []
    body = bytearray()
    while True:
        message = await receive()
        messages.append(message)
        body += message.get("body", b"")
        if message["type"] != "http.request" or not message.get("more_body"):
            break

    async def again() -> Message:
        return messages.pop(0) if messages else await receive()

    return bytes(body), again


def reset_connection(state: Any) -> None:
    """Reset the connection of a request, by its scope's state."""
    state["reset"]()
