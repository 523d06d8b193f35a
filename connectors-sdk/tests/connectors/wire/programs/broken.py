"""Variants of the program `feed`, each with one thing broken."""

from types import ModuleType
from typing import Any


def apply(name: str, program: ModuleType) -> None:
    """Break one thing in the program."""
    globals()[f"_{name}"](program)


def _fixed(program: ModuleType) -> None:
    """Not broken: a later release that knows what to do about records without a name."""

    class Fixed(program.Families):  # type: ignore[name-defined]
        def convert(self, record: dict[str, Any]) -> Any:
            return super().convert({**record, "name": record["name"] or "nameless"})

    Fixed.__name__ = "Families"
    program.PROCESSOR = Fixed
