"""The table of the helper's own settings, held against the installed pycti."""

import ast
from importlib.util import find_spec
from pathlib import Path

from connectors_sdk.settings.base_settings import _BaseConnectorConfig, _OpenCTIConfig
from connectors_sdk.settings.helper_variables import (
    HELPER_VARIABLES,
    RUNTIME_VARIABLES,
)


def read_by_pycti() -> set[tuple[str, str]]:
    """Find every `get_config_variable("VARIABLE", ["section", "key"], ...)` in pycti's helper."""
    spec = find_spec("pycti")
    assert spec and spec.origin
    source = Path(spec.origin).parent / "connector" / "opencti_connector_helper.py"
    found = set()
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        given = {keyword.arg: keyword.value for keyword in node.keywords}
        if getattr(node.func, "id", "") == "get_config_variable":
            variable, path = [*node.args, *given.values()][:2]
            found.add((ast.literal_eval(variable), ".".join(ast.literal_eval(path))))
    return found


def test_table_is_complete() -> None:
    declared = {
        (f"{section}_{name}".upper(), f"{section}.{name}")
        for section, model in (
            ("opencti", _OpenCTIConfig),
            ("connector", _BaseConnectorConfig),
        )
        for name in [*model.model_fields, "type"]
    }
    table = {(row.variable, row.key) for row in HELPER_VARIABLES}
    pycti = read_by_pycti()
    assert len(pycti) > 50
    assert pycti - table - declared == set()
    assert table - pycti == set()


def test_every_row_says_what_it_is_for() -> None:
    rows = [*HELPER_VARIABLES, *RUNTIME_VARIABLES]
    assert all(row.description for row in rows)
    assert len({row.variable for row in rows}) == len(rows)
