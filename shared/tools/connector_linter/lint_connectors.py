"""Starts the connector linter from a checkout, without installing anything: `python lint_connectors.py check FOLDER`."""

import sys

from connector_linter.cli import main

if __name__ == "__main__":
    sys.exit(main())
