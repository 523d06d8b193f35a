"""What can be wrong with a manifest."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """Something that is not as it should be.

    Attributes:
        field: Field of the manifest; empty for the manifest as a whole.
        text: In words.
        is_error: False for what could be better.
    """

    field: str
    text: str
    is_error: bool = True

    def __str__(self) -> str:
        place = f"{self.field}: " if self.field else ""
        return f"{'' if self.is_error else 'could be better: '}{place}{self.text}"
