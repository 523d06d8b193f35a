"""Run flake8 without its checks of style: `.flake8` ignores what they find, but they take four fifths of the time.

flake8_mistakes.py [ARGUMENT ...]
"""

import sys
from collections.abc import Callable
from typing import Any

from flake8.main import cli
from flake8.plugins import finder

STYLE = "pycodestyle"


def main() -> int:
    """Run as a program; see the module's description."""
    find: Callable[..., list[Any]] = finder.find_plugins

    def without_style(*arguments: object) -> list[Any]:
        return [plugin for plugin in find(*arguments) if plugin.package != STYLE]

    finder.find_plugins = without_style
    code: int = cli.main()
    return code


if __name__ == "__main__":
    sys.exit(main())
