"""`testbed seed`, `testbed export` and `testbed reset`: the content of a platform that is running."""

import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import orjson
import requests
import typer
from rich.console import Console

from opencti_testbed.config import DEFAULT_TOKEN

PAGE = 1000

Url = Annotated[
    str, typer.Option(envvar="OPENCTI_URL", help="Address of the platform.")
]
Token = Annotated[
    str, typer.Option(envvar="OPENCTI_TOKEN", help="Token of the platform.")
]
HERE = "http://127.0.0.1:8080"


class _Platform:
    """The testbed's own API of a running platform."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url.rstrip("/")
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Bearer {token}"

    def ask(self, method: str, path: str, **more: Any) -> Any:
        response = self._session.request(
            method, f"{self._url}/testbed/{path}", timeout=600, **more
        )
        if response.status_code == 401:
            raise _Refused("The platform does not accept this token: see --token")
        if not response.ok:
            try:
                reason = response.json()["error"]
            except (ValueError, KeyError, TypeError):
                reason = f"HTTP {response.status_code}"
            raise _Refused(str(reason))
        return response.json()


class _Refused(Exception):
    """The platform says no, with a reason."""


@contextmanager
def _said(url: str) -> Iterator[None]:
    """End with one line for what a person can mend."""
    try:
        yield
    except requests.ConnectionError as error:
        print(
            f"No platform answers at {url}: start one with `testbed serve`, or say where with --url",
            file=sys.stderr,
        )
        raise typer.Exit(1) from error
    except (_Refused, requests.RequestException, OSError, ValueError) as error:
        print(error, file=sys.stderr)
        raise typer.Exit(1) from error


def seed(
    files: Annotated[
        list[Path],
        typer.Argument(help="STIX 2.1 bundles, or lists of objects, as JSON."),
    ],
    url: Url = HERE,
    token: Token = DEFAULT_TOKEN,
) -> None:
    """Put STIX files into a running platform and wait until they are ingested.

    Exit code: 0 when everything was taken, 1 when objects were rejected or a file could not be sent.
    """
    rejected = 0
    with _said(url):
        platform = _Platform(url, token)
        for path in files:
            with Console(stderr=True).status(f"{path.name}..."):
                content = _bundle_of(path)
                work_id = platform.ask("POST", "bundles", data=orjson.dumps(content))[
                    "work"
                ]
                platform.ask("GET", "wait", params={"timeout": 600})
            (work,) = [
                work
                for work in platform.ask("GET", "works", params={"limit": 1000})
                if work["id"] == work_id
            ]
            counts: dict[str, int] = {}
            for by_outcome in work["counts"].values():
                for outcome, number in by_outcome.items():
                    counts[outcome] = counts.get(outcome, 0) + number
            shown = ", ".join(f"{n} {name}" for name, n in counts.items() if n)
            print(f"{path}: {shown or 'nothing'}")
            rejected += work["errors"]
            for error in work["error_messages"][:5]:
                print(f"  {error['message']}", file=sys.stderr)
    if rejected:
        raise typer.Exit(1)


def export(
    out: Annotated[
        Path | None, typer.Option(help="File to write; default: the terminal.")
    ] = None,
    url: Url = HERE,
    token: Token = DEFAULT_TOKEN,
) -> None:
    """Write everything that a running platform holds as one STIX 2.1 bundle."""
    with _said(url):
        objects = _objects(_Platform(url, token))
        if out is None:
            count = _write(objects, sys.stdout.buffer)
        else:
            # An older export stays until the new one is complete.
            part = out.with_name(f"{out.name}.part")
            try:
                with part.open("wb") as target:
                    count = _write(objects, target)
                part.replace(out)
            finally:
                part.unlink(missing_ok=True)
    print(f"{count} objects", file=sys.stderr)


def reset(
    url: Url = HERE,
    token: Token = DEFAULT_TOKEN,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Throw away all objects, works and waiting bundles of a running platform; connectors and their state stay."""
    if not yes:
        typer.confirm(f"Throw away the content of {url}?", abort=True)
    with _said(url):
        removed = _Platform(url, token).ask("DELETE", "content")["removed"]
    print(f"{removed} objects thrown away")


def _write(objects: Iterator[dict[str, Any]], target: BinaryIO) -> int:
    """Write objects as one bundle and return how many there were."""
    count = 0
    head = f'{{"type":"bundle","id":"bundle--{uuid.uuid4()}","objects":['
    target.write(head.encode())
    for stix in objects:
        target.write(b",\n" if count else b"\n")
        target.write(orjson.dumps(stix))
        count += 1
    target.write(b"\n]}\n")
    target.flush()
    return count


def _bundle_of(path: Path) -> dict[str, Any]:
    try:
        content = orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError as error:
        raise ValueError(f"{path} is no JSON: {error}") from error
    if isinstance(content, list):
        return {"type": "bundle", "id": f"bundle--{uuid.uuid4()}", "objects": content}
    if not isinstance(content, dict):
        raise ValueError(f"{path} holds neither a bundle nor a list of objects")
    if content.get("type") != "bundle":
        return {"type": "bundle", "id": f"bundle--{uuid.uuid4()}", "objects": [content]}
    return content


def _objects(platform: _Platform) -> Iterator[dict[str, Any]]:
    after: int | None = 0
    while after is not None:
        page = platform.ask("GET", "objects", params={"after": after, "limit": PAGE})
        yield from page["objects"]
        after = page["after"]
