"""The command `testbed`."""

import logging
import signal
import sys
import tempfile
from pathlib import Path
from types import FrameType
from typing import Annotated, NoReturn

import typer

from opencti_testbed.config import DEFAULT_TOKEN, MEBIBYTE, ServerOptions
from opencti_testbed.content.commands import export, reset, seed
from opencti_testbed.run.command import run

app = typer.Typer(
    help="An embedded, OpenCTI-compatible platform to run and test connectors on a laptop.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in (run, seed, export, reset):
    app.command()(command)


@app.command()
def serve(  # pylint: disable=too-many-arguments,too-many-positional-arguments  # one per option
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="TCP port; 0 takes a free one.")
    ] = 8080,
    data: Annotated[
        Path | None,
        typer.Option(
            help="Folder of the platform's data; kept. Default: a temporary one."
        ),
    ] = None,
    token: Annotated[
        str,
        typer.Option(
            envvar="TESTBED_TOKEN",
            help="Token that clients must send. The default is public and good for loopback only.",
        ),
    ] = DEFAULT_TOKEN,
    max_body_mb: Annotated[
        float, typer.Option(min=0.001, help="Largest accepted request, in MB.")
    ] = 50,
    heartbeat: Annotated[
        float,
        typer.Option(min=0.1, help="Seconds between two heartbeats of a live stream."),
    ] = 5,
    amqp: Annotated[
        str | None,
        typer.Option(
            envvar="TESTBED_AMQP",
            help="RabbitMQ broker for connectors that use one: amqp://user:password@host:port/vhost. Default: HTTP alone.",
        ),
    ] = None,
    connector: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ID=FOLDER",
            help="Folder of a connector: its page shows the settings and the description found there; repeatable.",
        ),
    ] = None,
    strict: Annotated[
        bool,
        typer.Option(
            "--strict",
            help="Refuse unknown fields of known types instead of answering null.",
        ),
    ] = False,
    log_level: Annotated[
        str, typer.Option(help="debug, info, warning or error.")
    ] = "warning",
) -> None:
    """Start the platform and serve until Ctrl-C or SIGTERM; exit code 0 then."""
    from opencti_testbed.server import CannotServe
    from opencti_testbed.server import serve as serve_platform

    if not token.strip() or not token.isascii() or not token.isprintable():
        raise typer.BadParameter(
            "it must be a word that can stand in a header", param_hint="--token"
        )
    level = logging.getLevelNamesMapping().get(log_level.upper())
    if level is None:
        raise typer.BadParameter(
            f"{log_level!r} is no log level", param_hint="--log-level"
        )
    logging.basicConfig(
        level=level, format="%(asctime)s %(levelname)s %(name)s %(message)s"
    )
    folders = tuple(_connector_folder(text) for text in connector or [])
    for number in (signal.SIGTERM, signal.SIGINT):
        # The server hands on the signal that ended it: without this it would end the process before the temporary
        # folder is gone.
        signal.signal(number, _end)
    with tempfile.TemporaryDirectory(prefix="opencti-testbed-") as temporary:
        options = ServerOptions(
            data_dir=data or Path(temporary),
            host=host,
            port=port,
            token=token.strip(),
            heartbeat_seconds=heartbeat,
            strict=strict,
            max_body_bytes=int(max_body_mb * MEBIBYTE),
            amqp=amqp,
            connector_folders=folders,
        )
        if not options.is_local and token == DEFAULT_TOKEN:
            print(
                f"{host} can be reached from other machines: choose a token of your own with --token",
                file=sys.stderr,
            )
            raise typer.Exit(2)
        try:
            serve_platform(options)
        except CannotServe as error:
            print(error, file=sys.stderr)
            raise typer.Exit(1) from error


def _end(_: int, __: FrameType | None) -> NoReturn:
    raise SystemExit(0)


def _connector_folder(text: str) -> tuple[str, Path]:
    connector_id, _, folder = text.partition("=")
    if not connector_id or not Path(folder).is_dir() or not folder:
        raise typer.BadParameter(f"{text!r} is no ID=FOLDER", param_hint="--connector")
    return connector_id, Path(folder)


@app.command()
def source(
    folder: Annotated[
        Path, typer.Argument(help="Folder with source.yml and the files it names.")
    ],
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="TCP port; 0 takes a free one.")
    ] = 8090,
) -> None:
    """Play an outside API from a folder of files, until Ctrl-C.

    The requests so far are shown at /_simulator/requests (DELETE forgets them).
    """
    from opencti_testbed.simulator import Simulator
    from opencti_testbed.simulator.description import WrongDescription

    try:
        Simulator(folder, host=host, port=port).serve()
    except WrongDescription as error:
        print(error, file=sys.stderr)
        raise typer.Exit(2) from error
    except OSError as error:
        print(f"Cannot serve on {host}:{port}: {error}", file=sys.stderr)
        raise typer.Exit(1) from error


def main() -> None:
    """Run the command line."""
    app(prog_name="testbed")
