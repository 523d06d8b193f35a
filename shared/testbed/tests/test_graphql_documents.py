"""All GraphQL documents that are written in the pinned client are parsed, validated and executed.

They are found by reading the client's methods: a document is the first argument of a call of `query`, a text or a
name that a text was given to in the same method. Texts are put together from attributes of the client's objects, so
they are evaluated with a real client.
"""

import ast
import inspect
import logging
import textwrap
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from graphql import OperationDefinitionNode, parse, print_ast
from graphql.type.validate import validate_schema
from pycti import OpenCTIApiClient

from opencti_testbed.graphql.absent import ABSENT
from opencti_testbed.graphql.execute import Api
from opencti_testbed.process import TestbedProcess
from opencti_testbed.server import registry

# Malformed in the client itself: a variable stands where an argument's name belongs.
MALFORMED = {"StixCoreObject.rule_rescan_async"}
# What a value of a type of variables may be.
VALUES: dict[str, Any] = {
    "Int": 3,
    "Boolean": False,
    "DateTime": "2024-01-01T00:00:00.000Z",
    "FilterGroup": {"mode": "and", "filters": [], "filterGroups": []},
    "OrderingMode": "asc",
}
LEFT_NULL = ("Ordering", "ID", "Upload")
REFUSALS_OF_THE_DOCUMENT = {
    "GRAPHQL_PARSE_FAILED",
    "GRAPHQL_VALIDATION_FAILED",
    "INTERNAL_ERROR",
}


def documents() -> dict[str, set[str]]:
    """Return every document with the methods (`Class.method`) that send it."""
    # Nothing is sent: the address is never called.
    client = OpenCTIApiClient(
        "http://127.0.0.1:9", "none", log_level="error", perform_health_check=False
    )
    found: dict[str, set[str]] = {}
    for owner in _objects(client):
        for name, method in inspect.getmembers(type(owner), inspect.isfunction):
            source = textwrap.dedent(inspect.getsource(method))
            if ".query(" not in source:
                continue
            for text in _texts(ast.parse(source), owner, method.__globals__):
                found.setdefault(text, set()).add(f"{type(owner).__name__}.{name}")
    return found


def _objects(client: Any) -> Iterator[Any]:
    waiting, seen = [client], set()
    while waiting:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        waiting += [
            member
            for member in vars(one).values()
            if type(member).__module__.startswith("pycti")
        ]


def _texts(tree: ast.AST, owner: Any, names: dict[str, Any]) -> Iterator[str]:
    assigned: dict[str, list[ast.expr]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            assigned.setdefault(node.targets[0].id, []).append(node.value)
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "query"
            and node.args
        ):
            argument = node.args[0]
            written = (
                assigned.get(argument.id, [])
                if isinstance(argument, ast.Name)
                else [argument]
            )
            for expression in written:
                for with_files in (False, True):
                    yield _evaluated(expression, owner, names, assigned, with_files)


def _evaluated(
    expression: ast.expr,
    owner: Any,
    names: dict[str, Any],
    assigned: dict[str, list[ast.expr]],
    with_files: bool,
) -> str:
    """Evaluate a text: what the caller would give is absent, flags are `with_files`."""
    local: dict[str, Any] = {"self": owner}
    for node in ast.walk(expression):
        if isinstance(node, ast.Name) and node.id not in names and node.id != "self":
            local[node.id] = with_files if node.id.startswith("with") else None
            for value in assigned.get(node.id, []):
                if isinstance(value, ast.Constant) and isinstance(value.value, str):
                    local[node.id] = value.value
    code = compile(ast.Expression(expression), "document", "eval")
    return str(eval(code, names, local))  # noqa: S307 # pylint: disable=eval-used


@pytest.fixture(name="served", scope="module")
def fixture_served() -> Iterator[TestbedProcess]:
    with TestbedProcess() as platform:
        yield platform


@pytest.fixture(name="known", scope="module")
def fixture_known() -> dict[str, set[str]]:
    return documents()


def variables(text: str, an_id: str) -> dict[str, Any]:
    (operation,) = (
        node
        for node in parse(text).definitions
        if isinstance(node, OperationDefinitionNode)
    )
    found: dict[str, Any] = {}
    for definition in operation.variable_definitions or ():
        written = print_ast(definition.type)
        name = written.strip("[]!")
        value: Any = VALUES.get(name)
        if written.endswith("!") and value is None:
            value = {} if name.endswith("Input") else an_id
        if name.endswith(LEFT_NULL) and not written.endswith("!"):
            value = None
        found[definition.variable.name.value] = (
            [value] if written.startswith("[") and value is not None else value
        )
    return found


def test_the_clients_documents_are_found(known: dict[str, set[str]]) -> None:
    assert len(known) >= 342
    assert len(set.union(*known.values())) >= 250


def test_every_document_runs(
    served: TestbedProcess, known: dict[str, set[str]]
) -> None:
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {served.token}"
    refused: dict[str, str] = {}
    for text, senders in known.items():
        if senders & MALFORMED:
            continue
        # Nothing has this id: nothing is changed, nothing is deleted.
        body = {"query": text, "variables": variables(text, str(uuid.uuid4()))}
        answer = session.post(f"{served.url}/graphql", json=body, timeout=30)
        assert answer.status_code == 200
        for error in answer.json().get("errors", []):
            if error["name"] in REFUSALS_OF_THE_DOCUMENT:
                refused[min(senders)] = error["message"]
    assert not refused


def test_what_is_malformed_is_said_to_be(
    served: TestbedProcess, known: dict[str, set[str]]
) -> None:
    (text,) = (text for text, senders in known.items() if senders & MALFORMED)
    answer = requests.post(
        f"{served.url}/graphql",
        json={"query": text},
        headers={"Authorization": f"Bearer {served.token}"},
        timeout=30,
    )
    assert answer.json()["errors"][0]["name"] == "GRAPHQL_PARSE_FAILED"


def test_what_is_absent_says_why(served: TestbedProcess) -> None:
    answer = requests.post(
        f"{served.url}/graphql",
        json={"query": 'mutation { ruleApply(elementId: "a", ruleId: "b") }'},
        headers={"Authorization": f"Bearer {served.token}"},
        timeout=30,
    )
    (error,) = answer.json()["errors"]
    assert error["name"] == "UNSUPPORTED_ERROR"
    assert ABSENT["ruleApply"][1] in error["message"]


def test_the_schema_is_valid() -> None:
    schema = Api(registry()).schema
    # The platform trusts its own schema at start; here it is looked at.
    schema._validation_errors = None  # pylint: disable=protected-access
    assert validate_schema(schema) == []


def test_documents_of_the_client_know_all_their_fields(
    known: dict[str, set[str]], caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever the client selects is in the schema: nothing is answered null for want of knowledge."""
    caplog.set_level(logging.INFO, logger="opencti_testbed.graphql")
    api = Api(registry())
    for text in known:
        api.prepare(text)
    noted = [r.message for r in caplog.records if "is unknown here" in r.message]
    assert [one for one in noted if not one.startswith("input type")] == []
