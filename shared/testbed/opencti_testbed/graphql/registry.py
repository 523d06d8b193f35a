"""What the API serves: root fields, fields of types, and the types themselves, registered by family."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

Resolver = Callable[[Any, Mapping[str, Any]], Any]
FieldResolver = Callable[[Any, Any, Mapping[str, Any]], Any]


class ApiError(Exception):
    """An application error that the client can read: a code and a sentence."""

    def __init__(self, code: str, message: str) -> None:
        """Keep the code (`FUNCTIONAL_ERROR`, `WORK_NOT_ALIVE`, ...) and the sentence."""
        super().__init__(message)
        self.code = code


@runtime_checkable
class Node(Protocol):
    """An answer that knows its type and gives its own fields."""

    @property
    def own_name(self) -> str:
        """GraphQL name of the node's type."""

    def field(self, name: str, arguments: Mapping[str, Any]) -> Any:
        """Return a field's value; None when it has none."""


@dataclass(frozen=True, slots=True)
class RegisteredField:
    """A field as it was registered: `signature` is empty when only its name was given."""

    name: str
    signature: str
    resolver: FieldResolver


class Registry:
    """The fields that are served.

    A field is registered by its signature in GraphQL's schema language, `work(id: ID!): Work`. A bare name serves a
    field of free form: any argument is passed on, any selection is taken from the dictionary that is answered.
    Input types that nobody describes are taken as they come.
    """

    def __init__(self, strict: bool = False) -> None:
        """Begin with none; `strict` refuses everything that is unknown, not only root fields."""
        self.strict = strict
        self.compiled: Any = None
        self.fields: dict[str, dict[str, RegisteredField]] = {
            "Query": {},
            "Mutation": {},
        }
        self.definitions: list[str] = []

    def query(self, *signatures: str) -> Callable[[Resolver], Resolver]:
        """Register the decorated function, called with the context and the arguments, for query fields."""
        return self._register("Query", signatures)

    def mutation(self, *signatures: str) -> Callable[[Resolver], Resolver]:
        """Register the decorated function, called with the context and the arguments, for mutation fields."""
        return self._register("Mutation", signatures)

    def on(
        self, type_name: str, *signatures: str
    ) -> Callable[[FieldResolver], FieldResolver]:
        """Register the decorated function, called with context, parent and arguments, for fields of a type."""

        def register(resolver: FieldResolver) -> FieldResolver:
            for signature in signatures:
                self._put(type_name, signature, resolver)
            return resolver

        return register

    def types(self, definitions: str) -> None:
        """Add object types in GraphQL's schema language: `type Work { id: ID! name: String }`."""
        self.definitions.append(definitions)

    def _register(
        self, type_name: str, signatures: tuple[str, ...]
    ) -> Callable[[Resolver], Resolver]:
        def register(resolver: Resolver) -> Resolver:
            for signature in signatures:
                self._put(type_name, signature, _without_parent(resolver))
            return resolver

        return register

    def _put(self, type_name: str, signature: str, resolver: FieldResolver) -> None:
        name = signature.partition(":")[0].partition("(")[0].strip()
        described = signature if name != signature.strip() else ""
        self.fields.setdefault(type_name, {})[name] = RegisteredField(
            name, described, resolver
        )


def _without_parent(resolver: Resolver) -> FieldResolver:
    return lambda context, _, arguments: resolver(context, arguments)
