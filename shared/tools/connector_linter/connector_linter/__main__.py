"""`python -m connector_linter`."""

import sys

from connector_linter.cli import main

if __name__ == "__main__":
    sys.exit(main())
