"""Periods that end after they begin."""

from typing import Any

from pydantic import model_validator


def period(first: str, last: str, *, moment_will_do: bool = True) -> Any:
    """Return the validator that refuses a period that ends before it begins.

    Args:
        first: field with the begin.
        last: field with the end.
        moment_will_do: both may be the same instant.
    """

    def check(self: Any) -> Any:
        values = self.__dict__
        end = values[last]
        if end is not None and values[first] is not None:
            begin = values[first]
            if begin > end or (begin == end and not moment_will_do):
                raise ValueError(
                    f"{last} ({end}) must not be before {first} ({begin})"
                    if moment_will_do
                    else f"{last} ({end}) must be after {first} ({begin})"
                )
        return self

    return model_validator(mode="after")(check)
