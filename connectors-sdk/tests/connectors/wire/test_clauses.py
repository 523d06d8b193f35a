"""The runtime of external imports keeps its clauses."""

import pytest
from wire_clauses import WATCHERS, Bench


@pytest.mark.parametrize("clause", WATCHERS)
def test_the_clause_is_kept(bench: Bench, clause: str) -> None:
    WATCHERS[clause](bench)
