"""Run GraphQL documents with graphql-core.

A document is parsed and validated once and then remembered by its text. Clients may be newer than this platform: an
unknown root field is refused, an unknown field of a known type answers null and is logged once, unless the platform
is strict.

Source: the GraphQL specification (October 2021), sections 5 and 6; error shape as the platform's client reads it:
`errors[0]` with `message`, `name` and `extensions.code`.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from graphql import (
    ExecutionResult,
    Executor,
    FieldNode,
    GraphQLError,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
    Undefined,
    execute_sync,
    get_named_type,
    is_leaf_type,
    parse,
    specified_rules,
    validate,
    visit,
)
from graphql.language import (
    ArgumentNode,
    DocumentNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    NamedTypeNode,
    NameNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableDefinitionNode,
    Visitor,
)
from graphql.pyutils import Path
from graphql.utilities import value_from_ast_untyped
from graphql.validation import (
    ASTValidationRule,
    FieldsOnCorrectTypeRule,
    KnownArgumentNamesRule,
    KnownTypeNamesRule,
    OverlappingFieldsCanBeMergedRule,
    PossibleFragmentSpreadsRule,
    ScalarLeafsRule,
    ValidationRule,
    VariablesInAllowedPositionRule,
)

from opencti_testbed.graphql.registry import ApiError, Node, Registry, Resolver
from opencti_testbed.graphql.schema import ANYTHING, build_schema

__all__ = ["Api", "ApiError", "Node", "Registry", "Resolver", "execute", "failure"]

LOGGER = logging.getLogger("opencti_testbed.graphql")
REMEMBERED_DOCUMENTS = 1_000
# Rules that are replaced by softer ones, or never asked: a client of another version may be wrong about the types
# and positions of inputs, and about what clashes.
REPLACED = (
    FieldsOnCorrectTypeRule,
    KnownArgumentNamesRule,
    KnownTypeNamesRule,
    OverlappingFieldsCanBeMergedRule,
    PossibleFragmentSpreadsRule,
    ScalarLeafsRule,
    VariablesInAllowedPositionRule,
)


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


class _KnownFields(ValidationRule):
    """Refuses unknown root fields and unknown actions; what else is unknown is noted."""

    strict = False

    def enter_field(self, node: FieldNode, *_: Any) -> None:
        """Look at one field."""
        parent = self.context.get_parent_type()
        if not parent or parent.name == ANYTHING or self.context.get_field_def():
            return
        field, name = node.name.value, parent.name
        acts = name in ("Query", "Mutation") or name.endswith("EditMutations")
        if acts or self.strict:
            message = f'Cannot query field "{field}" on type "{name}".'
            self.report_error(GraphQLError(message))
        else:
            _note("field", f"{name}.{field}", "answered null")


class _KnownArguments(ValidationRule):
    """Notes arguments that a field does not have."""

    strict = False

    def enter_argument(self, node: ArgumentNode, *_: Any) -> None:
        """Look at one argument."""
        field, parent = self.context.get_field_def(), self.context.get_parent_type()
        if (
            not field
            or not parent
            or self.context.get_argument()
            or get_named_type(field.type).name == ANYTHING
        ):
            return
        if self.strict:
            message = f'Unknown argument "{node.name.value}" on type "{parent.name}".'
            self.report_error(GraphQLError(message))
        else:
            _note("argument", f"{parent.name}…({node.name.value})", "left out")


class _StrictFields(_KnownFields):
    """Refuses all unknown fields."""

    strict = True


class _StrictArguments(_KnownArguments):
    """Refuses all unknown arguments."""

    strict = True


class _LeavesOfKnownTypes(ScalarLeafsRule):
    """Lets values of free form be selected or not."""

    def enter_field(self, node: FieldNode, *args: Any) -> None:
        """Look at one field."""
        answered = self.context.get_type()
        if answered and get_named_type(answered).name != ANYTHING:
            super().enter_field(node, *args)


@lru_cache(maxsize=10_000)
def _note(kind: str, what: str, deed: str) -> None:
    # Remembered calls are not repeated: each thing is logged once.
    LOGGER.info("%s %s is unknown here: %s", kind, what, deed)


COMMON_RULES: tuple[type[ASTValidationRule], ...] = (
    *(rule for rule in specified_rules if rule not in REPLACED),
    _LeavesOfKnownTypes,
)
RULES = (*COMMON_RULES, _KnownFields, _KnownArguments)
STRICT_RULES = (*COMMON_RULES, _StrictFields, _StrictArguments)


class _KnownInputs(Visitor):
    """Takes variables of types that are unknown here as they come."""

    def __init__(self, schema: GraphQLSchema) -> None:
        super().__init__()
        self._schema = schema

    def leave_named_type(
        self, node: NamedTypeNode, _key: Any, parent: Any, *_: Any
    ) -> NamedTypeNode | None:
        if isinstance(parent, InlineFragmentNode) or self._schema.get_type(
            node.name.value
        ):
            return None
        if not getattr(parent, "kind", "").endswith("type") and not isinstance(
            parent, VariableDefinitionNode
        ):
            return None
        _note("input type", node.name.value, "taken as it comes")
        return NamedTypeNode(name=NameNode(value="Any"))


@dataclass(frozen=True, slots=True)
class Prepared:
    """A document that was parsed and validated; `refusal` says why it cannot run."""

    document: DocumentNode | None
    refusal: dict[str, Any] | None


class Api:
    """The schema and what runs documents against it."""

    def __init__(self, registry: Registry, strict: bool = False) -> None:
        """Serve what is registered.

        Args:
            strict: refuse unknown fields and arguments too.
        """
        self.schema = build_schema(registry)
        self._strict = strict
        self.prepare = lru_cache(maxsize=REMEMBERED_DOCUMENTS)(self._prepare)

    def _prepare(self, text: str) -> Prepared:
        """Parse and validate a document."""
        try:
            document = parse(text, no_location=True)
        except (GraphQLError, RecursionError) as error:
            message = getattr(error, "message", "the document is nested too deeply")
            return Prepared(None, failure(message, "GRAPHQL_PARSE_FAILED"))
        operations = sum(
            isinstance(definition, OperationDefinitionNode)
            for definition in document.definitions
        )
        if operations != 1:
            reason = f"Send one operation, not {operations}"
            return Prepared(None, failure(reason, "BAD_USER_INPUT"))
        document = visit(document, _KnownInputs(self.schema))
        errors = validate(
            self.schema,
            document,
            STRICT_RULES if self._strict else RULES,
            hide_suggestions=True,
        )
        if errors:
            reason = errors[0].message
            return Prepared(None, failure(reason, "GRAPHQL_VALIDATION_FAILED"))
        return Prepared(document, None)

    def execute(self, context: Any, text: str, variables: Any) -> dict[str, Any]:
        """Run a document and return the body of the answer; never raises for what a client can do wrong."""
        prepared = self.prepare(text)
        if prepared.document is None:
            return prepared.refusal or {}
        if not isinstance(variables, Mapping):
            return failure("variables must be an object", "BAD_USER_INPUT")
        result = execute_sync(
            self.schema,
            prepared.document,
            context_value=context,
            variable_values=dict(variables),
            field_resolver=resolve_field,
            executor_class=_Execution,
        )
        assert isinstance(result, ExecutionResult)
        if result.errors:
            return _failed(result.errors[0])
        return {"data": result.data}


def execute(
    registry: Registry, context: Any, text: str, variables: Any
) -> dict[str, Any]:
    """Run a document against what is registered; the schema is made when the first document comes."""
    if registry.compiled is None:
        registry.compiled = Api(registry, registry.strict)
    api: Api = registry.compiled
    return api.execute(context, text, variables)


def _failed(error: GraphQLError) -> dict[str, Any]:
    cause = error.original_error
    if isinstance(cause, ApiError):
        return failure(str(cause), cause.code)
    if cause is None or isinstance(cause, GraphQLError):
        return failure(error.message, "BAD_USER_INPUT")
    raise cause


def resolve_field(source: Any, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
    """Return a field that nobody registered a resolver for: the node's own, or a dictionary's member."""
    return _value(source, info.field_name, arguments)


def _value(source: Any, name: str, arguments: Mapping[str, Any]) -> Any:
    if isinstance(source, Mapping):
        return source.get(name)
    return source.field(name, arguments)


class _Execution(Executor[Any]):
    """Executes one document; plain values are read without ceremony.

    Most of what clients select are plain values of stored objects: the general way through arguments, resolver and
    coercion costs ten times as much as reading them.
    """

    def execute_fields(
        self,
        parent_type: GraphQLObjectType,
        source_value: Any,
        path: Any,
        grouped_field_set: Any,
        position_context: Any,
    ) -> Any:
        """Execute the fields of one object."""
        plans = self.__dict__.setdefault("plans", {})
        key = (parent_type.name, id(grouped_field_set))
        plan = plans.get(key)
        if plan is None:
            # The grouped fields are kept with their plan, so that their identity is not given to others.
            plan = plans[key] = (
                grouped_field_set,
                [
                    (answer, details, self._plain(parent_type, details))
                    for answer, details in grouped_field_set.items()
                ],
            )
        results: dict[str, Any] = {}
        for answer, details, plain in plan[1]:
            if plain:
                try:
                    results[answer] = _value(source_value, plain, NO_ARGUMENTS)
                    continue
                except Exception:  # pylint: disable=broad-exception-caught
                    pass  # told below, the general way
            value = self.execute_field(
                parent_type,
                source_value,
                details,
                Path(path, answer, parent_type.name),
                position_context,
            )
            results[answer] = None if value is Undefined else value
        return results

    def _plain(self, parent_type: GraphQLObjectType, details: Any) -> str | None:
        """Return the name of a field that is a plain value, None for any other."""
        node = details[0].node
        field = self.schema.get_field(parent_type, node.name.value)
        if (
            field is None
            or field.resolve
            or field.args
            or not is_leaf_type(get_named_type(field.type))
            or node.name.value.startswith("__")
        ):
            return None
        return str(node.name.value)

    def complete_object_value(
        self,
        return_type: GraphQLObjectType,
        field_details_list: Any,
        info: GraphQLResolveInfo[Any],
        path: Any,
        result: Any,
        position_context: Any,
    ) -> Any:
        """Complete an object; a value of free form is cut to what is selected."""
        if return_type.name == ANYTHING:
            selections = [
                details.node.selection_set
                for details in field_details_list
                if details.node.selection_set
            ]
            return self._cut(result, selections) if selections else result
        return super().complete_object_value(
            return_type, field_details_list, info, path, result, position_context
        )

    def _cut(self, value: Any, selections: list[SelectionSetNode]) -> Any:
        if isinstance(value, list | tuple):
            return [self._cut(member, selections) for member in value]
        if value is None or not isinstance(value, Mapping | Node):
            return value
        found: dict[str, Any] = {}
        for node in self._selected(selections):
            inner = [node.selection_set] if node.selection_set else []
            arguments = {
                argument.name.value: value_from_ast_untyped(
                    argument.value, self.variable_values.coerced
                )
                for argument in node.arguments or ()
            }
            member = _value(value, node.name.value, arguments)
            key = node.alias.value if node.alias else node.name.value
            found[key] = self._cut(member, inner) if inner else member
        return found

    def _selected(self, selections: list[SelectionSetNode]) -> list[FieldNode]:
        fields: list[FieldNode] = []
        for node in (n for selection in selections for n in selection.selections):
            if isinstance(node, FieldNode):
                fields.append(node)
            elif isinstance(node, FragmentSpreadNode):
                fragment = self.fragment_definitions[node.name.value]
                fields += self._selected([fragment.selection_set])
            else:
                assert isinstance(node, InlineFragmentNode)
                fields += self._selected([node.selection_set])
        return fields


NO_ARGUMENTS: Mapping[str, Any] = {}
