"""A state that starts each run from what is remembered, not from what a failed run left in memory."""

import copy
from typing import Any

from pydantic import BaseModel


class InitialState:
    """The values of a state as its author built it.

    `load` sets only the keys that the platform remembers. Starting from the initial values, a key that it does not
    remember (because the run that set it failed, or because an operator has reset the state) has its default again.
    """

    def __init__(self, state: Any) -> None:
        self._state = state
        self._values = self._extra = None
        if isinstance(state, BaseModel):
            self._values = copy.deepcopy(state.__dict__)
            self._extra = copy.deepcopy(state.__pydantic_extra__)

    def restore(self) -> None:
        """Give the state its initial values again."""
        if self._values is None:
            return
        # Around validation and its hooks: these values were valid when the state was built.
        object.__setattr__(self._state, "__dict__", copy.deepcopy(self._values))
        object.__setattr__(
            self._state, "__pydantic_extra__", copy.deepcopy(self._extra)
        )
