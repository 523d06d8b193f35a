"""The tests that all types have in common: the runtime keeps each clause, and each connector that breaks it is caught."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

import pytest
from listening_support import Kit, Lane, Violation

Check = Callable[[Kit], None]
# For each clause: what breaks it, and what is said about that.
Broken = Mapping[Check, Mapping[str, str]]


def clause_tests(
    program: str, broken: Broken, on_amqp: Broken, *, slowly: Collection[Check] = ()
) -> tuple[Callable[..., None], Callable[..., None], Callable[..., None]]:
    """Return the tests of a type: kept on both lanes; broken, over HTTP; broken, over AMQP.

    Args:
        program: the connector.
        broken: clauses with the variants of the program that break them; there may be none.
        on_amqp: the same of clauses that can be broken over AMQP only.
        slowly: the clauses that want a connector which takes its time.
    """

    @pytest.mark.parametrize("check", [*broken, *on_amqp], ids=_name)
    def kept(check: Check, lane: Lane, kit_of: Callable[..., Kit]) -> None:
        kit = kit_of(lane, program, "Slow" if check in slowly else "")
        try:
            check(kit)
        except Violation as violation:
            print(*kit.outputs(), sep="\n")
            raise violation

    @_for_each(broken)
    def caught(
        check: Check, variant: str, reason: str, http: Lane, kit_of: Callable[..., Kit]
    ) -> None:
        with pytest.raises(Violation, match=reason):
            check(kit_of(http, program, variant, reason))

    @_for_each(on_amqp)
    def caught_over_amqp(
        check: Check, variant: str, reason: str, amqp: Lane, kit_of: Callable[..., Kit]
    ) -> None:
        with pytest.raises(Violation, match=reason):
            check(kit_of(amqp, program, variant, reason))

    return kept, caught, caught_over_amqp


def _for_each(clauses: Broken) -> Any:
    return pytest.mark.parametrize(
        ("check", "variant", "reason"),
        [(check, *one) for check, ways in clauses.items() for one in ways.items()],
        ids=_name,
    )


def _name(parameter: Any) -> str:
    return parameter if isinstance(parameter, str) else str(parameter.__name__)
