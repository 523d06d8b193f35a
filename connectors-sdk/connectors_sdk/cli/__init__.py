"""The command line of every connector: `python main.py <command>`.

`run_connector` comes here when arguments were given. Nothing heavy is loaded before a command needs it.
"""

from connectors_sdk.cli.commands import main

__all__ = ["main"]
