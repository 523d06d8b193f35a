"""Run one GraphQL document: root fields to resolvers, answers projected onto the selection.

Sources: the GraphQL specification (October 2021), sections 2 and 6; error shape as the platform's client reads it:
`errors[0]` with `message`, `name` and `extensions.code`.
"""

import logging
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Protocol, runtime_checkable

from graphql import GraphQLError, parse
from graphql.language import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
)
from graphql.utilities import value_from_ast_untyped

LOGGER = logging.getLogger("opencti_testbed.graphql")

type_names_seen: set[tuple[str, str]] = set()


class ApiError(Exception):
    """An application error that the client can read: a code and a sentence."""

    def __init__(self, code: str, message: str) -> None:
        """Keep the code (`FUNCTIONAL_ERROR`, `WORK_NOT_ALIVE`, ...) and the sentence."""
        super().__init__(message)
        self.code = code


@runtime_checkable
class Node(Protocol):
    """An answer that knows its fields and types."""

    @property
    def type_names(self) -> frozenset[str]:
        """GraphQL names of the node's own type and of all its ancestors."""

    def field(self, name: str, arguments: Mapping[str, Any]) -> Any:
        """Return a field's value.

        Raises:
            KeyError: the type has no such field.
        """


Resolver = Callable[[Any, Mapping[str, Any]], Any]


class Registry:
    """The root fields that are served."""

    def __init__(self) -> None:
        """Begin with none."""
        self.resolvers: dict[str, dict[str, Resolver]] = {"query": {}, "mutation": {}}

    def query(self, *names: str) -> Callable[[Resolver], Resolver]:
        """Register the decorated function for query fields."""
        return self._register("query", names)

    def mutation(self, *names: str) -> Callable[[Resolver], Resolver]:
        """Register the decorated function for mutation fields."""
        return self._register("mutation", names)

    def _register(
        self, operation: str, names: tuple[str, ...]
    ) -> Callable[[Resolver], Resolver]:
        def register(resolver: Resolver) -> Resolver:
            for name in names:
                self.resolvers[operation][name] = resolver
            return resolver

        return register


@lru_cache(maxsize=512)
def parsed(text: str) -> DocumentNode:
    """Return the parsed document; clients send the same few documents over and over."""
    return parse(text, no_location=True)


def failure(message: str, code: str) -> dict[str, Any]:
    """Return the body of an answer that says what went wrong."""
    return {
        "errors": [
            {
                "message": message,
                "name": code,
                "extensions": {"code": code, "data": {"reason": message}},
            }
        ],
        "data": None,
    }


def execute(
    registry: Registry, context: Any, text: str, variables: Mapping[str, Any]
) -> dict[str, Any]:
    """Run a document and return the body of the answer; never raises for what a client can do wrong."""
    try:
        document = parsed(text)
    except GraphQLError as error:
        return failure(error.message, "GRAPHQL_PARSE_FAILED")
    operations = [
        definition
        for definition in document.definitions
        if isinstance(definition, OperationDefinitionNode)
    ]
    if len(operations) != 1:
        return failure(f"Send one operation, not {len(operations)}", "BAD_USER_INPUT")
    fragments = {
        definition.name.value: definition
        for definition in document.definitions
        if isinstance(definition, FragmentDefinitionNode)
    }
    operation = operations[0]
    run = _Run(fragments, _with_defaults(operation, variables))
    try:
        return {"data": run.root(registry, context, operation)}
    except ApiError as error:
        return failure(str(error), error.code)


def _with_defaults(
    operation: OperationDefinitionNode, variables: Mapping[str, Any]
) -> dict[str, Any]:
    values = dict(variables)
    for definition in operation.variable_definitions or ():
        name = definition.variable.name.value
        if name not in values and definition.default_value is not None:
            values[name] = value_from_ast_untyped(definition.default_value)
    return values


class _Run:
    """One document's execution: its fragments and variables."""

    def __init__(
        self,
        fragments: Mapping[str, FragmentDefinitionNode],
        variables: Mapping[str, Any],
    ) -> None:
        self._fragments = fragments
        self._variables = dict(variables)

    def root(
        self, registry: Registry, context: Any, operation: OperationDefinitionNode
    ) -> dict[str, Any]:
        kind = operation.operation.value
        resolvers = registry.resolvers.get(kind, {})
        answer: dict[str, Any] = {}
        for field in self._fields(operation.selection_set, frozenset()):
            name = field.name.value
            if name == "__typename":
                answer[_key(field)] = kind.capitalize()
                continue
            resolver = resolvers.get(name)
            if resolver is None:
                raise ApiError(
                    "GRAPHQL_VALIDATION_FAILED",
                    f'Cannot query field "{name}" on type "{kind.capitalize()}".',
                )
            value = resolver(context, self._arguments(field))
            answer[_key(field)] = self._project(value, field.selection_set)
        return answer

    def _arguments(self, field: FieldNode) -> dict[str, Any]:
        return {
            argument.name.value: value_from_ast_untyped(argument.value, self._variables)
            for argument in field.arguments or ()
        }

    def _project(self, value: Any, selection: SelectionSetNode | None) -> Any:
        if value is None:
            return None
        if isinstance(value, list | tuple):
            return [self._project(member, selection) for member in value]
        if selection is None:
            return value
        names = _type_names(value)
        answer: dict[str, Any] = {}
        for field in self._fields(selection, names):
            answer[_key(field)] = self._project(
                self._field(value, field), field.selection_set
            )
        return answer

    def _field(self, value: Any, field: FieldNode) -> Any:
        name = field.name.value
        if name == "__typename":
            return _own_name(value)
        try:
            if isinstance(value, Node):
                return value.field(name, self._arguments(field))
            return value[name]
        except (KeyError, TypeError):
            seen = (_own_name(value), name)
            if seen not in type_names_seen:
                type_names_seen.add(seen)
                LOGGER.info("field %s.%s is unknown here: answered null", *seen)
            return None

    def _fields(
        self, selection: SelectionSetNode, names: frozenset[str]
    ) -> list[FieldNode]:
        """Return the selected fields, fragments that apply to the types `names` spread out."""
        fields: list[FieldNode] = []
        for node in selection.selections:
            if isinstance(node, FieldNode):
                fields.append(node)
                continue
            if isinstance(node, FragmentSpreadNode):
                fragment = self._fragments.get(node.name.value)
                if fragment is None:
                    raise ApiError(
                        "GRAPHQL_VALIDATION_FAILED",
                        f'Unknown fragment "{node.name.value}".',
                    )
                condition = fragment.type_condition.name.value
                inner = fragment.selection_set
            else:
                assert isinstance(node, InlineFragmentNode)
                on = node.type_condition
                condition = on.name.value if on else ""
                inner = node.selection_set
            # A plain dictionary has no type to compare: every fragment applies.
            if not condition or not names or condition in names:
                fields.extend(self._fields(inner, names))
        return fields


def _key(field: FieldNode) -> str:
    return field.alias.value if field.alias else field.name.value


def _type_names(value: Any) -> frozenset[str]:
    return value.type_names if isinstance(value, Node) else frozenset()


def _own_name(value: Any) -> str:
    return str(getattr(value, "own_name", type(value).__name__))
