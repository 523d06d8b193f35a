"""A Python file as a tree that was walked once: nodes by type, parents, and what each name stands for.

What a name stands for is read from the order of statements, not by running them: the last binding before the place of use
that surely happens, and those after it that may happen (in a branch, in a loop).
"""

import ast
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TypeAlias, TypeVar, overload

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_SCOPES = (ast.Module, ast.ClassDef, *FUNCTIONS, *_COMPREHENSIONS)
_LOOPS = (ast.For, ast.AsyncFor, ast.While)
# Statements whose body is executed whenever they are.
_TRANSPARENT = (ast.With, ast.AsyncWith)
# Fields that hold no further nodes, or nodes that say nothing (`Load`, `Add`, ...).
_LEAVES = frozenset(
    "ctx op ops kind type_comment id attr n s level type_ignores simple conversion is_async".split()
)
_FIELDS: dict[type, tuple[str, ...]] = {ast.Constant: ()}

Position: TypeAlias = tuple[int, int]
_A = TypeVar("_A", bound=ast.AST)
_B = TypeVar("_B", bound=ast.AST)
_C = TypeVar("_C", bound=ast.AST)


@dataclass(frozen=True, eq=False)
class Binding:
    """One place where a name gets a value.

    Attributes:
        node: the statement or argument that binds it.
        since: from where on it holds.
        value: the expression that it is bound to, if it is one.
        module: for an import: the module's dotted name (empty for `from . import x`).
        level: for an import: the number of leading dots.
        member: for `from module import member`: the member.
    """

    node: ast.AST
    since: Position
    value: ast.expr | None = None
    module: str | None = None
    level: int = 0
    member: str | None = None

    @property
    def is_import(self) -> bool:
        """True when an import binds the name."""
        return self.module is not None


Names: TypeAlias = dict[str, list[Binding]]


@dataclass(eq=False)
class Source:
    """One parsed file.

    Attributes:
        path: where it is; imports are looked for beside and above it.
        tree: its syntax tree.
        content: its text.
    """

    path: Path
    tree: ast.Module
    content: bytes = b""
    parents: dict[ast.AST, ast.AST] = field(default_factory=dict)
    _by_type: dict[type, list[ast.AST]] = field(default_factory=dict)
    _scopes: dict[ast.AST, ast.AST] = field(default_factory=dict)

    @classmethod
    def parse(cls, path: Path, content: bytes) -> "Source":
        """Parse a file's content.

        Raises:
            SyntaxError: it is no Python of this interpreter's version.
            ValueError: it holds null bytes.
        """
        source = cls(path, ast.parse(content), content)
        source._walk()
        return source

    def _walk(self) -> None:
        by_type, parents = self._by_type, self.parents
        stack: list[ast.AST] = [self.tree]
        while stack:
            node = stack.pop()
            kind = node.__class__
            if kind in by_type:
                by_type[kind].append(node)
            else:
                by_type[kind] = [node]
            names = _FIELDS.get(kind)
            if names is None:
                names = tuple(name for name in kind._fields if name not in _LEAVES)
                _FIELDS[kind] = names
            for name in names:
                value = getattr(node, name)
                if value.__class__ is list:
                    for child in value:
                        if isinstance(child, ast.AST):
                            parents[child] = node
                            stack.append(child)
                elif isinstance(value, ast.AST):
                    parents[value] = node
                    stack.append(value)

    @overload
    def of(self, kind: type[_A], /) -> Iterator[_A]: ...

    @overload
    def of(self, kind: type[_A], other: type[_B], /) -> Iterator[_A | _B]: ...

    @overload
    def of(
        self, kind: type[_A], other: type[_B], third: type[_C], /
    ) -> Iterator[_A | _B | _C]: ...

    def of(self, *kinds: type[ast.AST]) -> Iterator[ast.AST]:
        """Yield all nodes of some types, in no particular order."""
        for kind in kinds:
            yield from self._by_type.get(kind, ())

    def ancestors(self, node: ast.AST) -> Iterator[ast.AST]:
        """Yield what a node is in, from the inside out."""
        above = self.parents.get(node)
        while above is not None:
            yield above
            above = self.parents.get(above)

    def scope_of(self, node: ast.AST) -> ast.AST:
        """Return the function, lambda, comprehension, class or module that a node stands in."""
        passed = []
        above = self.parents.get(node)
        while above is not None and not isinstance(above, _SCOPES):
            if above in self._scopes:
                above = self._scopes[above]
                break
            passed.append(above)
            above = self.parents.get(above)
        scope = self.tree if above is None else above
        for one in passed:
            self._scopes[one] = scope
        return scope

    def function_of(self, node: ast.AST) -> Function | None:
        """Return the function that a node is executed in, comprehensions aside."""
        scope = self.scope_of(node)
        while isinstance(scope, _COMPREHENSIONS):
            scope = self.scope_of(scope)
        return scope if isinstance(scope, FUNCTIONS) else None

    def taker_of(self, parameter: ast.arg) -> Function:
        """Return the function that a parameter belongs to."""
        for above in self.ancestors(parameter):
            if isinstance(above, FUNCTIONS):
                return above
        raise ValueError(f"{parameter.arg} is no parameter of this file")

    def class_of(self, function: ast.AST) -> ast.ClassDef | None:
        """Return the class whose method a function is."""
        above = self.parents.get(function)
        while isinstance(above, (ast.If, ast.Try, ast.With)):
            above = self.parents.get(above)
        return above if isinstance(above, ast.ClassDef) else None

    @cached_property
    def _names(self) -> dict[ast.AST, Names]:
        names: dict[ast.AST, Names] = defaultdict(lambda: defaultdict(list))
        elsewhere = self._declared()
        for name, binding in self._bindings():
            scope = self._binding_scope(binding.node)
            names[elsewhere.get((scope, name), scope)][name].append(binding)
        for table in names.values():
            for bindings in table.values():
                bindings.sort(key=lambda binding: binding.since)
        return names

    def _declared(self) -> dict[tuple[ast.AST, str], ast.AST]:
        """Return the scope that `global` and `nonlocal` move names to."""
        moved: dict[tuple[ast.AST, str], ast.AST] = {}
        for to_module in self.of(ast.Global):
            for name in to_module.names:
                moved[self.scope_of(to_module), name] = self.tree
        for to_outer in self.of(ast.Nonlocal):
            scope = self.scope_of(to_outer)
            for name in to_outer.names:
                moved[scope, name] = self.scope_of(scope)
        return moved

    def _binding_scope(self, node: ast.AST) -> ast.AST:
        if isinstance(node, ast.arg):
            return self.taker_of(node)
        scope = self.scope_of(node)
        if isinstance(node, ast.NamedExpr):
            while isinstance(scope, _COMPREHENSIONS):
                scope = self.scope_of(scope)
        return scope

    def _bindings(self) -> Iterator[tuple[str, Binding]]:
        yield from self._imports()
        yield from self._assignments()
        for define in self.of(ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef):
            yield define.name, Binding(define, _start(define))
        for argument in self.of(ast.arg):
            yield argument.arg, Binding(argument, (0, 0))
        for loop in self.of(ast.For, ast.AsyncFor):
            yield from _targets(loop.target, None, loop, _end(loop.target))
        for generator in self.of(ast.comprehension):
            yield from _targets(generator.target, None, generator, (0, 0))
        for item in self.of(ast.withitem):
            if item.optional_vars is not None:
                statement = self.parents[item]
                yield from _targets(
                    item.optional_vars, None, statement, _end(item.optional_vars)
                )
        for named in self.of(ast.ExceptHandler, ast.MatchAs, ast.MatchStar):
            if named.name:
                yield named.name, Binding(named, _start(named))

    def _assignments(self) -> Iterator[tuple[str, Binding]]:
        for assign in self.of(ast.Assign):
            for target in assign.targets:
                yield from _targets(target, assign.value, assign, _end(assign))
        for one in self.of(ast.AnnAssign, ast.NamedExpr):
            if one.value is not None:
                yield from _targets(one.target, one.value, one, _end(one))

    def _imports(self) -> Iterator[tuple[str, Binding]]:
        for plain in self.of(ast.Import):
            for alias in plain.names:
                # `import a.b` binds `a`, `import a.b as c` binds `a.b`.
                bound = alias.asname or alias.name.partition(".")[0]
                module = alias.name if alias.asname else bound
                yield bound, Binding(plain, _end(plain), module=module)
        for chosen in self.of(ast.ImportFrom):
            for alias in chosen.names:
                if alias.name != "*":
                    yield alias.asname or alias.name, Binding(
                        chosen,
                        _end(chosen),
                        module=chosen.module or "",
                        level=chosen.level,
                        member=alias.name,
                    )

    @cached_property
    def stars(self) -> list[tuple[str, int]]:
        """Module and level of every `from module import *`."""
        return [
            (chosen.module or "", chosen.level)
            for chosen in self.of(ast.ImportFrom)
            if any(alias.name == "*" for alias in chosen.names)
        ]

    def imported_modules(self) -> Iterator[tuple[str, int, list[str]]]:
        """Yield module, level and members of every import."""
        for plain in self.of(ast.Import):
            for alias in plain.names:
                yield alias.name, 0, []
        for chosen in self.of(ast.ImportFrom):
            names = [alias.name for alias in chosen.names]
            yield chosen.module or "", chosen.level, names

    def module_names(self) -> Names:
        """Return what the module's own names are bound to."""
        return self._names[self.tree]

    def class_names(self, class_: ast.ClassDef) -> Names:
        """Return what a class's own names are bound to."""
        return self._names[class_]

    def lookup(self, name: str, at: ast.AST) -> list[Binding]:
        """Return the bindings that a name may have at a place, the most likely one last."""
        scope = self.scope_of(at)
        inside = True
        while True:
            if inside or not isinstance(scope, ast.ClassDef):
                found = self._names[scope].get(name)
                if found:
                    return self._reaching(found, at, scope) if inside else found
            if scope is self.tree:
                return []
            # A comprehension is executed where it stands, a function some time later.
            inside = inside and isinstance(scope, _COMPREHENSIONS)
            scope = self.scope_of(scope)

    def _reaching(
        self, bindings: list[Binding], at: ast.AST, scope: ast.AST
    ) -> list[Binding]:
        if len(bindings) == 1:
            return bindings
        place = _start(at)
        around = self._blocks(at, scope)
        reaching: list[Binding] = []
        for binding in reversed([b for b in bindings if b.since <= place]):
            reaching.append(binding)
            if self.is_sure(binding.node, around):
                break
        loops = {above for above in self.ancestors(at) if isinstance(above, _LOOPS)}
        if loops:
            # What a loop assigns further down holds the next time round.
            reaching += [
                binding
                for binding in bindings
                if binding.since > place
                and not loops.isdisjoint(self.ancestors(binding.node))
            ]
        return reaching[::-1] or bindings

    def _blocks(self, node: ast.AST, scope: ast.AST) -> set[int]:
        """Return the lists of statements that a node stands in, as ids."""
        return {
            id(block)
            for above in (node, *self.ancestors(node))
            if above is not scope
            for block in [self.block_of(above)]
            if block is not None
        }

    def block_of(self, node: ast.AST) -> list[ast.stmt] | None:
        """Return the list of statements that a statement is part of; that of the outer one inside `with`."""
        while isinstance(node, ast.stmt):
            above = self.parents[node]
            if isinstance(above, _TRANSPARENT):
                node = above
                continue
            for name in ("body", "orelse", "finalbody"):
                block: list[ast.stmt] = getattr(above, name, None) or []
                if isinstance(block, list) and any(one is node for one in block):
                    return block
            break
        return None

    def is_sure(self, node: ast.AST, around: set[int]) -> bool:
        """Tell whether a statement was executed whenever one of the blocks around a place is."""
        if isinstance(node, ast.arg):
            return True
        statement = node
        while not isinstance(statement, ast.stmt) and statement in self.parents:
            statement = self.parents[statement]
        return id(self.block_of(statement)) in around

    def happens_before(self, statement: ast.AST, at: ast.AST) -> tuple[bool, bool]:
        """Tell whether a statement stands before a place in its function, and whether it surely was executed."""
        if _end(statement) > _start(at):
            return False, False
        return True, self.is_sure(statement, self._blocks(at, self.scope_of(at)))

    @cached_property
    def names_used(self) -> dict[str, list[ast.Name]]:
        """Every use of a name, by name, in the order of the text."""
        used: dict[str, list[ast.Name]] = defaultdict(list)
        for node in self.of(ast.Name):
            used[node.id].append(node)
        for nodes in used.values():
            nodes.sort(key=_start)
        return used


def _start(node: ast.AST) -> Position:
    return getattr(node, "lineno", 0), getattr(node, "col_offset", 0)


def _end(node: ast.AST) -> Position:
    return getattr(node, "end_lineno", 0) or 0, getattr(node, "end_col_offset", 0) or 0


def _targets(
    target: ast.expr, value: ast.expr | None, node: ast.AST, since: Position
) -> Iterator[tuple[str, Binding]]:
    """Yield the names in the target of an assignment, each with its part of the value."""
    if isinstance(target, ast.Name):
        yield target.id, Binding(node, since, value)
    elif isinstance(target, (ast.Tuple, ast.List)):
        parts: list[ast.expr | None] = [None] * len(target.elts)
        if isinstance(value, (ast.Tuple, ast.List)) and len(value.elts) == len(parts):
            if not any(isinstance(e, ast.Starred) for e in (*target.elts, *value.elts)):
                parts = list(value.elts)
        for element, part in zip(target.elts, parts, strict=True):
            yield from _targets(element, part, node, since)
    elif isinstance(target, ast.Starred):
        yield from _targets(target.value, None, node, since)
