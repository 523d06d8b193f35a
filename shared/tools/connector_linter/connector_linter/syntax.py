"""Small questions about syntax that several checks ask."""

import ast
from collections.abc import Iterator

from connector_linter.connector import Connector
from connector_linter.model import Problem, Severity
from stix_ids import Source


def at(
    connector: Connector,
    source: Source,
    node: ast.AST,
    message: str,
    severity: Severity | None = None,
) -> Problem:
    """Return a problem at a node."""
    return Problem(
        message, connector.path_of(source), getattr(node, "lineno", 0), severity
    )


def keyword(call: ast.Call, name: str) -> ast.expr | None:
    """Return what a call is given by a name, or None."""
    return next((one.value for one in call.keywords if one.arg == name), None)


def unpacks(call: ast.Call) -> bool:
    """Tell whether a call is given a `**mapping`."""
    return any(one.arg is None for one in call.keywords)


def constant(node: ast.expr | None) -> object:
    """Return the value of a constant; None for anything else."""
    return node.value if isinstance(node, ast.Constant) else None


def text(node: ast.expr | None) -> str:
    """Return the value of a text constant; an empty text for anything else."""
    value = constant(node)
    return value if isinstance(value, str) else ""


def last_name(node: ast.expr) -> str:
    """Return the last name of an access: `c` of `a.b.c` and of `c`."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def names_in(node: ast.AST | None) -> set[str]:
    """Return every name and attribute in an expression, those in quoted annotations included."""
    found: set[str] = set()
    if node is None:
        return found
    for part in ast.walk(node):
        if isinstance(part, ast.Name):
            found.add(part.id)
        elif isinstance(part, ast.Attribute):
            found.add(part.attr)
        elif isinstance(part, ast.Constant) and isinstance(part.value, str):
            try:
                found |= names_in(ast.parse(part.value, mode="eval").body)
            except SyntaxError:
                pass
    return found


def inside(source: Source, node: ast.AST, *kinds: type[ast.AST]) -> bool:
    """Tell whether a node stands in another one of some types, within its function."""
    for above in source.ancestors(node):
        if isinstance(above, kinds):
            return True
        if isinstance(above, (ast.FunctionDef, ast.AsyncFunctionDef)):
            return False
    return False


def body_of(source: Source, node: ast.AST) -> ast.AST:
    """Return the function that a node stands in, or the module."""
    return source.function_of(node) or source.tree


def module_constants(source: Source) -> Iterator[tuple[str, ast.expr, ast.stmt]]:
    """Yield the names that a module itself assigns to, each with its value."""
    for node in source.tree.body:
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    yield target.id, node.value, node
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            if isinstance(node.target, ast.Name):
                yield node.target.id, node.value, node
