"""Command lines of the tools: what is the same for all of them, and for those that are about chosen connectors or projects."""

import argparse


def command_line(name: str, description: str | None) -> argparse.ArgumentParser:
    """Return a parser of a tool's arguments.

    Args:
        name: The command.
        description: The module's description, shown as it is written.
    """
    return argparse.ArgumentParser(
        prog=name,
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def add_choice(parser: argparse.ArgumentParser, names: str, placeholder: str) -> None:
    """Add the arguments that choose what a command is about: names, or what is changed.

    Args:
        parser: It gets them.
        names: Where names are found in what it returns.
        placeholder: What stands for a name in the help.
    """
    parser.add_argument(names, nargs="*", metavar=placeholder)
    parser.add_argument("--changed", action="store_true", help="those that are touched")
    parser.add_argument("--base", default="", help="what --changed compares with")
