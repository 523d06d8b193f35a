"""The command line.

    connector-linter check PATH ... [options]
    connector-linter list
    connector-linter docs [-o FILE] [--check]

Exit codes: 0 no error was found, 1 at least one was (or, with `docs --check`, the page is out of date), 2 wrong usage:
an unknown option or check, a path that is no connector, a configuration or baseline that cannot be read.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from connector_linter import __version__, baseline, config, docs
from connector_linter.connector import UnknownConnectorError
from connector_linter.discover import connectors_at
from connector_linter.formats import (
    Options,
    Render,
    as_github,
    as_json,
    as_markdown,
    as_sarif,
    as_text,
)
from connector_linter.model import REGISTRY, Severity, select
from connector_linter.runner import Result, run_all, worst

_FORMATS: dict[str, Render] = {
    "text": as_text.render,
    "json": as_json.render,
    "github": as_github.render,
    "markdown": as_markdown.render,
    "sarif": as_sarif.render,
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="connector-linter",
        description="Check OpenCTI connectors against the rules of the field.",
        epilog="Exit code: 0 no error found, 1 an error found, 2 wrong usage.",
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True)
    check = commands.add_parser("check", help="check connectors")
    check.add_argument(
        "paths",
        nargs="+",
        type=Path,
        metavar="PATH",
        help="a connector, a file in one, or a folder of connectors",
    )
    check.add_argument("--format", choices=_FORMATS, default="text")
    check.add_argument("-o", "--output", type=Path, metavar="FILE", help="write there")
    check.add_argument("--select", action="append", default=[], metavar="CODE")
    check.add_argument("--ignore", action="append", default=[], metavar="CODE")
    check.add_argument(
        "--severity",
        choices=[str(one) for one in Severity],
        default=str(Severity.WARNING),
        help="the least severity that is shown",
    )
    check.add_argument("-v", "--verbose", action="store_true", help="say how to fix it")
    check.add_argument("--disable-noqa", action="store_true")
    check.add_argument("--abspath", action="store_true", help="show whole paths")
    check.add_argument("--config", type=Path, metavar="FILE", help="a pyproject.toml")
    check.add_argument(
        "--root", type=Path, metavar="FOLDER", help="where templates/ is"
    )
    check.add_argument(
        "--baseline", type=Path, metavar="FILE", help="leave out its findings"
    )
    check.add_argument("--write-baseline", type=Path, metavar="FILE")
    check.add_argument("--jobs", type=int, metavar="N", help="processes at a time")
    commands.add_parser("list", help="list the checks")
    page = commands.add_parser("docs", help="write the documentation of the checks")
    page.add_argument("-o", "--output", type=Path, metavar="FILE")
    page.add_argument("--check", action="store_true", help="only compare with the file")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.command == "list":
        return _list()
    if options.command == "docs":
        return _docs(parser, options)
    try:
        return _check(parser, options)
    except (UnknownConnectorError, config.ConfigError, baseline.BaselineError) as error:
        print(f"connector-linter: {error}", file=sys.stderr)
        return 2


def _list() -> int:
    for one in REGISTRY.all():
        print(f"{one.code}  {one.severity:8} {one.name:36} {one.what}")
    return 0


def _docs(parser: argparse.ArgumentParser, options: argparse.Namespace) -> int:
    page = docs.render()
    if options.output is None:
        if options.check:
            parser.error("--check needs --output")
        sys.stdout.write(page)
        return 0
    known = options.output.read_text("utf-8") if options.output.is_file() else ""
    if options.check and known != page:
        print(f"{options.output} is not what the checks say: run `make docs`")
        return 1
    if not options.check:
        options.output.parent.mkdir(parents=True, exist_ok=True)
        options.output.write_text(page, encoding="utf-8")
    return 0


def _check(parser: argparse.ArgumentParser, options: argparse.Namespace) -> int:
    if options.jobs is not None and options.jobs < 1:
        parser.error("--jobs must be at least 1")
    results: list[Result] = []
    for path in options.paths:
        folders, file = connectors_at(path)
        settings = _config(parser, options, folders[0])
        results += run_all(folders, replace(settings, only=file), jobs=options.jobs)
    if options.write_baseline is not None:
        count = baseline.write(options.write_baseline, results)
        print(f"{count} findings written to {options.write_baseline}", file=sys.stderr)
        return 0
    known = gone = 0
    if options.baseline is not None:
        results, known, gone = baseline.apply(options.baseline, results)
    shown = Options(
        severity=Severity(options.severity),
        verbose=options.verbose,
        absolute=options.abspath,
        known=known,
        gone=gone,
    )
    text = _FORMATS[options.format](results, shown)
    if options.output is not None:
        options.output.write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)
    return 1 if worst(results) is Severity.ERROR else 0


def _config(
    parser: argparse.ArgumentParser, options: argparse.Namespace, folder: Path
) -> config.Config:
    """Return what the configuration file says, and the command line over it."""
    file: dict[str, Any] = config.read(folder, options.config)
    chosen = tuple(options.select or file.get("select", ()))
    ignored = (*file.get("ignore", ()), *options.ignore)
    for code in (*chosen, *ignored):
        if not any(select(REGISTRY.all(), (code,), ())):
            parser.error(f"there is no check {code}; `connector-linter list` shows all")
    return config.Config(
        select=chosen,
        ignore=ignored,
        per_file_ignores=file.get("per-file-ignores", {}),
        honour_noqa=not options.disable_noqa,
        root=options.root.resolve() if options.root is not None else None,
    )


if __name__ == "__main__":
    sys.exit(main())
