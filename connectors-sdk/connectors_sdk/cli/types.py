"""What the commands take."""

from collections.abc import Callable
from typing import Any, TypeAlias

# Reads the settings and returns the connector.
Build: TypeAlias = Callable[[], Any]
