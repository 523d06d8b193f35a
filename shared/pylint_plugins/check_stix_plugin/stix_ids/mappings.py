"""What is known of the keys of a dictionary that is unpacked into a call."""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import product

from stix_ids.ids import returns
from stix_ids.project import Callee, Parameter, Project
from stix_ids.source import Source

_MOST_ALTERNATIVES = 4
_DEEPEST = 8
_COPIES = frozenset({"copy.copy", "copy.deepcopy"})
# What a dictionary is given to and comes back from as it was.
_HARMLESS = frozenset(
    "len print str repr sorted list tuple set isinstance dumps debug info warning error exception".split()
)


@dataclass
class Keys:
    """What a dictionary holds.

    Attributes:
        entries: the keys that are known, each with its value and the file where that stands.
        complete: False when there may be further keys.
        parameters: the parameters through which further keys come in.
    """

    entries: dict[str, tuple[Source, ast.expr]] = field(default_factory=dict)
    complete: bool = True
    parameters: tuple[Parameter, ...] = ()

    def joined(self, other: "Keys") -> "Keys":
        """Return what both hold; of equal keys the other's."""
        return Keys(
            {**self.entries, **other.entries},
            self.complete and other.complete,
            (*self.parameters, *other.parameters),
        )


def _unknown() -> list[Keys]:
    return [Keys(complete=False)]


class Mappings:
    """Tells what dictionaries hold."""

    def __init__(self, project: Project) -> None:
        """Read the files of a project.

        Attributes:
            consumed: the dictionaries and assignments to their items that were looked at.
        """
        self._project = project
        self._active: set[ast.AST] = set()
        self.consumed: set[ast.AST] = set()

    def of_call(self, source: Source, call: ast.Call) -> list[Keys]:
        """Return what a call may be given by name."""
        parts: list[list[Keys]] = []
        for keyword in call.keywords:
            if keyword.arg is None:
                parts.append(self.of(source, keyword.value))
            else:
                parts.append([Keys({keyword.arg: (source, keyword.value)})])
        return _joined(parts)

    def of(self, source: Source, node: ast.expr) -> list[Keys]:
        """Return what a dictionary may hold."""
        if node in self._active or len(self._active) > _DEEPEST:
            return _unknown()
        self._active.add(node)
        try:
            return self._of(source, node)[:_MOST_ALTERNATIVES] or _unknown()
        finally:
            self._active.discard(node)

    def _of(self, source: Source, node: ast.expr) -> list[Keys]:
        if isinstance(node, ast.Dict):
            return self._literal(source, node)
        if isinstance(node, ast.Call):
            return self._call(source, node)
        if isinstance(node, ast.Name):
            return self._name(source, node)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
            return _joined([self.of(source, node.left), self.of(source, node.right)])
        if isinstance(node, ast.IfExp):
            return [*self.of(source, node.body), *self.of(source, node.orelse)]
        if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.Or):
            return [one for value in node.values for one in self.of(source, value)]
        if isinstance(node, ast.Attribute):
            values = self._project.value_of(source, node)
            return [one for there, value in values for one in self.of(there, value)]
        return _unknown()

    def _literal(self, source: Source, node: ast.Dict) -> list[Keys]:
        self.consumed.add(node)
        parts: list[list[Keys]] = []
        for key, value in zip(node.keys, node.values, strict=True):
            if key is None:
                parts.append(self.of(source, value))
            elif isinstance(key, ast.Constant) and isinstance(key.value, str):
                parts.append([Keys({key.value: (source, value)})])
            else:
                parts.append(_unknown())
        return _joined(parts)

    def _call(self, source: Source, node: ast.Call) -> list[Keys]:
        function = node.func
        if isinstance(function, ast.Name) and function.id == "dict":
            self.consumed.add(node)
            given = [self.of(source, argument) for argument in node.args]
            return _joined([*given, self.of_call(source, node)])
        if isinstance(function, ast.Attribute) and function.attr == "copy":
            if not node.args:
                return self.of(source, function.value)
        things = self._project.resolve(source, function)
        if node.args and self._project.dotted(source, function) in _COPIES:
            return self.of(source, node.args[0])
        found: list[Keys] = []
        for callee in things:
            if isinstance(callee, Callee):
                for value in returns(callee.source, callee.node):
                    # Keys that come in by the function's own parameters are not followed to this call.
                    found += [
                        replace(keys, parameters=())
                        for keys in self.of(callee.source, value)
                    ]
        return found

    def _name(self, source: Source, node: ast.Name) -> list[Keys]:
        found: list[Keys] = []
        for binding in source.lookup(node.id, node):
            if binding.value is not None:
                keys = self.of(source, binding.value)
                found += self._changed(source, node, binding.node, keys)
            elif isinstance(binding.node, ast.arg):
                function = source.taker_of(binding.node)
                parameter = Parameter(source, function, node.id)
                keys = [Keys(complete=False, parameters=(parameter,))]
                found += self._changed(source, node, function, keys)
            elif binding.is_import:
                for there, value in self._project.value_of(source, node):
                    found += self.of(there, value)
            else:
                found += _unknown()
        return found

    # -- what happens to a dictionary between its assignment and its use ------------------------------------------

    def _changed(
        self, source: Source, use: ast.Name, since: ast.AST, keys: list[Keys]
    ) -> list[Keys]:
        """Return what a name's dictionary holds at the place of use."""
        start = (getattr(since, "lineno", 0), getattr(since, "col_offset", 0))
        end = (use.lineno, use.col_offset)
        scope = source.scope_of(use)
        for name in source.names_used.get(use.id, ()):
            if not start <= (name.lineno, name.col_offset) < end:
                continue
            if source.scope_of(name) is scope:
                keys = self._change(source, name, keys)
        return keys

    def _change(self, source: Source, name: ast.Name, keys: list[Keys]) -> list[Keys]:
        above = source.parents[name]
        around = source.parents.get(above)
        if isinstance(above, ast.Subscript) and above.value is name:
            if isinstance(above.ctx, ast.Store) and isinstance(around, ast.Assign):
                return self._set(source, above.slice, around, keys)
            if isinstance(above.ctx, ast.Del):
                return [_without(one, above.slice) for one in keys]
        elif isinstance(above, ast.Attribute):
            call = around
            if isinstance(call, ast.Call) and call.func is above:
                return self._method(source, above.attr, call, keys)
        elif isinstance(above, ast.AugAssign) and above.target is name:
            return _joined([keys, self.of(source, above.value)])
        elif isinstance(above, ast.Call) and name in above.args:
            if _called(above) not in _HARMLESS:
                # Whoever gets the dictionary may add to it.
                return [replace(one, complete=False) for one in keys]
        return keys

    def _set(
        self, source: Source, key: ast.expr, assign: ast.Assign, keys: list[Keys]
    ) -> list[Keys]:
        if not isinstance(key, ast.Constant) or not isinstance(key.value, str):
            return [replace(one, complete=False) for one in keys]
        self.consumed.add(assign)
        added = Keys({key.value: (source, assign.value)})
        return [one.joined(added) for one in keys]

    def _method(
        self, source: Source, method: str, call: ast.Call, keys: list[Keys]
    ) -> list[Keys]:
        if method == "update":
            given = [self.of(source, argument) for argument in call.args]
            return _joined([keys, *given, self.of_call(source, call)])
        if method == "setdefault" and len(call.args) == 2:
            key = call.args[0]
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                added = Keys({key.value: (source, call.args[1])})
                return [added.joined(one) for one in keys]
        if method == "pop" and call.args:
            return [_without(one, call.args[0]) for one in keys]
        return keys


def _called(call: ast.Call) -> str:
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else ""


def _without(keys: Keys, key: ast.expr) -> Keys:
    name = key.value if isinstance(key, ast.Constant) else None
    entries = {known: value for known, value in keys.entries.items() if known != name}
    return replace(keys, entries=entries)


def _joined(parts: Iterable[list[Keys]]) -> list[Keys]:
    """Return every way to join one alternative of each part."""

    def ways() -> Iterator[Keys]:
        for way in product(*parts):
            keys = Keys()
            for one in way:
                keys = keys.joined(one)
            yield keys

    found: list[Keys] = []
    for keys in ways():
        found.append(keys)
        if len(found) == _MOST_ALTERNATIVES:
            break
    return found
