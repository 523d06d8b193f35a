"""Where an id comes from: made by a `generate_id`, random, the clock, nothing, or given by a caller."""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import Enum

from stix_ids.catalogue import (
    BY_ATTRIBUTE,
    CLOCK_CALLS,
    RANDOM_CALLS,
    RANDOM_METHOD,
    RANDOM_PACKAGES,
)
from stix_ids.project import Callee, External, Parameter, Project
from stix_ids.source import Function, Source

_DEEPEST = 12
# What one calls on a text or a UUID and gets the same thing in another form.
_SAME_THING = frozenset(
    "replace lower upper strip encode decode format join hexdigest isoformat timestamp hex".split()
)
_CASTS = frozenset({"str", "int", "float", "repr"})
_HASHES = frozenset({"uuid.uuid3", "uuid.uuid5", "uuid.UUID"})


class Origin(Enum):
    """Where an id comes from."""

    RANDOM = "random"
    CLOCK = "clock"
    NONE = "none"
    GENERATED = "generated"
    PARAMETER = "parameter"
    OTHER = "other"


@dataclass(frozen=True)
class Id:
    """One thing that an id may be.

    Attributes:
        origin: where it comes from.
        detail: what is random (`uuid.uuid4`), or the pycti class whose `generate_id` made it.
        call: the call of `generate_id`, and `source` where it stands.
        parameter: the parameter that it comes in by.
        optional: a parameter that something else stands in for when it is None.
        part: a parameter that is only a part of the id.
    """

    origin: Origin
    detail: str = ""
    call: ast.Call | None = None
    source: Source | None = None
    parameter: Parameter | None = None
    optional: bool = False
    part: bool = False


OTHER = Id(Origin.OTHER)
_NONE = Id(Origin.NONE)


class Ids:
    """Tells where ids come from."""

    def __init__(self, project: Project) -> None:
        """Read the files of a project."""
        self._project = project
        self._active: set[ast.expr] = set()

    def of(self, source: Source, node: ast.expr) -> list[Id]:
        """Return everything that the value of an expression may be, as an id."""
        if node in self._active or len(self._active) > _DEEPEST:
            return [OTHER]
        self._active.add(node)
        try:
            return list(dict.fromkeys(self._of(source, node))) or [OTHER]
        finally:
            self._active.discard(node)

    def _of(self, source: Source, node: ast.expr) -> Iterable[Id]:
        found: Iterable[Id] = ()
        match node:
            case ast.Constant():
                found = [_NONE if node.value is None else OTHER]
            case ast.IfExp():
                found = [*self.of(source, node.body), *self.of(source, node.orelse)]
            case ast.BoolOp():
                found = self._either(source, node)
            case ast.NamedExpr() | ast.Await():
                found = self.of(source, node.value)
            case ast.FormattedValue():
                found = self.of(source, node.value)
                # A format may leave of a time what is the same all day.
                found = found if node.format_spec is None else _random(found)
            case ast.JoinedStr():
                found = self._made_of(source, node.values)
            case ast.BinOp():
                found = self._made_of(source, (node.left, node.right))
            case ast.Tuple() | ast.List():
                found = self._made_of(source, node.elts)
            case ast.Name():
                found = self._name(source, node)
            case ast.Attribute():
                found = self._attribute(source, node)
            case ast.Call():
                found = self._call(source, node)
            case ast.Subscript() if isinstance(node.value, ast.Call):
                found = _random(self._made_of(source, (node.value,)))
        return found

    def _either(self, source: Source, node: ast.BoolOp) -> Iterator[Id]:
        if isinstance(node.op, ast.And):
            yield from self.of(source, node.values[-1])
            return
        for value in node.values[:-1]:
            # `x or y`: nothing that x lacks is left to be None.
            for found in self.of(source, value):
                if found.origin is not Origin.NONE:
                    yield replace(found, optional=True)
        yield from self.of(source, node.values[-1])

    def _made_of(self, source: Source, parts: Iterable[ast.expr]) -> list[Id]:
        """Return what a text is that is put together of parts."""
        found = [one for part in parts for one in self.of(source, part)]
        for origin in (Origin.RANDOM, Origin.CLOCK):
            for one in found:
                if one.origin is origin:
                    return [one]
        return [
            replace(one, part=True) for one in found if one.origin is Origin.PARAMETER
        ]

    @staticmethod
    def _alternatives(found: list[Id]) -> list[Id]:
        """Drop the None that something is set to before it gets its value."""
        given = [one for one in found if one.origin is not Origin.NONE]
        if not given or len(found) == 1:
            return found
        if len(given) > 1:
            return [
                replace(one, optional=True) if one.parameter is not None else one
                for one in given
            ]
        return given

    def _name(self, source: Source, node: ast.Name) -> list[Id]:
        found: list[Id] = []
        for binding in source.lookup(node.id, node):
            if binding.value is not None:
                found += self.of(source, binding.value)
            elif isinstance(binding.node, ast.arg):
                function = source.taker_of(binding.node)
                parameter = Parameter(source, function, node.id)
                found.append(Id(Origin.PARAMETER, parameter=parameter))
            elif binding.is_import:
                for there, value in self._project.value_of(source, node):
                    found += self.of(there, value)
                break
            else:
                found.append(OTHER)
        return self._alternatives(found)

    def _attribute(self, source: Source, node: ast.Attribute) -> list[Id]:
        if node.attr in _SAME_THING or isinstance(node.value, ast.Call):
            return _random(self._made_of(source, (node.value,)))
        # What an object was given when it was made is not followed further, and None is what it may be set to later.
        return [
            one
            for there, value in self._project.value_of(source, node)
            for one in self.of(there, value)
            if one.origin not in (Origin.PARAMETER, Origin.NONE)
        ]

    # -- calls ----------------------------------------------------------------------------------------------------

    def _call(self, source: Source, node: ast.Call) -> Iterable[Id]:
        name = self._project.dotted(source, node.func)
        if name in RANDOM_CALLS or name.startswith(RANDOM_PACKAGES):
            return [Id(Origin.RANDOM, name)]
        if name in CLOCK_CALLS:
            return [Id(Origin.CLOCK, name.removeprefix("datetime."))]
        method = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        if method == RANDOM_METHOD:
            return [Id(Origin.RANDOM, method)]
        generator = self.generator(source, node)
        if generator:
            return self._generated(source, node, generator)
        callees = [
            thing
            for thing in self._project.resolve(source, node.func)
            if isinstance(thing, Callee)
        ]
        if callees:
            return [
                one
                for callee in callees
                for one in self._returned(callee, node, source)
            ]
        return self._converted(source, node, name, method)

    def _converted(
        self, source: Source, node: ast.Call, name: str, method: str
    ) -> list[Id]:
        """Return what comes of texts, UUIDs and dates when they are put into another form."""
        arguments = [*node.args, *(keyword.value for keyword in node.keywords)]
        receiver = node.func.value if isinstance(node.func, ast.Attribute) else None
        if receiver is not None and method in _SAME_THING:
            found = self._made_of(source, (receiver, *arguments))
            # `replace(hour=0)` is a date's, not a text's.
            is_text = method != "replace" or not node.keywords
            return found if is_text else _random(found)
        if receiver is not None and method == "strftime":
            found = self.of(source, receiver)
            return found if _tells_the_time(arguments) else _random(found)
        found = self._made_of(source, arguments)
        if name in _HASHES:
            return found
        if isinstance(node.func, ast.Name) and node.func.id in _CASTS:
            return found
        # Of what a function does with its arguments only this is sure: random stays random.
        return _random(found)

    def generator(self, source: Source, node: ast.Call) -> str:
        """Return the pycti class whose `generate_id` is called, or an empty text."""
        function = node.func
        if not isinstance(function, ast.Attribute):
            return ""
        if function.attr not in ("generate_id", "generate_id_from_data"):
            return ""
        for thing in self._project.resolve(source, function):
            if isinstance(thing, External):
                parts = thing.path.split(".")
                if parts[0] == "pycti" and "()" not in thing.path:
                    return parts[-2]
            if isinstance(thing, Callee):
                return ""
        # `helper.api.indicator.generate_id`: the classes are attributes of the API client.
        owner = function.value
        name = owner.attr if isinstance(owner, ast.Attribute) else ""
        return BY_ATTRIBUTE.get(name, "")

    def _generated(self, source: Source, node: ast.Call, generator: str) -> list[Id]:
        arguments = [*node.args, *(keyword.value for keyword in node.keywords)]
        for one in self._made_of(source, arguments):
            if one.origin in (Origin.RANDOM, Origin.CLOCK):
                return [one]
        return [Id(Origin.GENERATED, generator, call=node, source=source)]

    def _returned(self, callee: Callee, call: ast.Call, source: Source) -> Iterator[Id]:
        """Yield what a function of the code base returns to a call."""
        for value in returns(callee.source, callee.node):
            for one in self.of(callee.source, value):
                if one.parameter is None or one.parameter.function is not callee.node:
                    # Its values are another function's business.
                    yield replace(one, call=None, source=None)
                    continue
                given = argument(callee, call, one.parameter.name)
                if given is None:
                    continue
                for inner in self.of(source, given):
                    if one.part and inner.origin in (Origin.NONE, Origin.GENERATED):
                        continue
                    yield replace(inner, part=inner.part or one.part)


def _tells_the_time(arguments: list[ast.expr]) -> bool:
    """Tell whether a format of dates leaves more of them than the day or the hour."""
    form = arguments[0] if arguments else None
    text = form.value if isinstance(form, ast.Constant) else None
    return isinstance(text, str) and any(part in text for part in ("%M", "%S", "%f"))


def _random(found: list[Id]) -> list[Id]:
    return [one for one in found if one.origin is Origin.RANDOM]


def returns(source: Source, function: Function) -> list[ast.expr]:
    """Return the expressions that a function returns."""
    if isinstance(function, ast.Lambda):
        return [function.body]
    return [
        node.value
        for node in source.of(ast.Return)
        if node.value is not None and source.function_of(node) is function
    ]


def argument(callee: Callee, call: ast.Call, name: str) -> ast.expr | None:
    """Return what a call gives for a parameter by position or by name, or None."""
    for keyword in call.keywords:
        if keyword.arg == name:
            return keyword.value
    arguments = callee.node.args
    positional = [one.arg for one in (*arguments.posonlyargs, *arguments.args)]
    if callee.bound:
        positional = positional[1:]
    for parameter, value in zip(positional, call.args, strict=False):
        if isinstance(value, ast.Starred):
            return None
        if parameter == name:
            return value
    return None


def default(function: Function, name: str) -> ast.expr | None:
    """Return the default of a parameter, or None when it has none."""
    arguments = function.args
    positional = [*arguments.posonlyargs, *arguments.args]
    defaults = arguments.defaults
    for parameter, value in zip(
        positional[len(positional) - len(defaults) :], defaults, strict=True
    ):
        if parameter.arg == name:
            return value
    for parameter, given in zip(
        arguments.kwonlyargs, arguments.kw_defaults, strict=True
    ):
        if parameter.arg == name:
            return given
    return None
