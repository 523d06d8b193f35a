"""STIX patterns taken apart into the values that they look for (STIX 2.1 section 9)."""

import re
from itertools import product
from typing import Any, NamedTuple

Value = str | int | float | bool


class Comparison(NamedTuple):
    """That a property has a value.

    Attributes:
        object_type: for example `file`.
        path: for example `values.name`: without quotes and indexes; of hashes see `hash_path`.
        value: what the property has.
    """

    object_type: str
    path: str
    value: Value


Together = tuple[Comparison, ...]


class TakenApart(NamedTuple):
    """What a pattern looks for.

    Attributes:
        alternatives: each is what is seen together; any of them fits.
        partial: whether the pattern demands more than any alternative says: an order, a number, a negation, a part
            of a text, too many combinations.
    """

    alternatives: list[Together]
    partial: bool


# What feeds are made of: comparisons for equality, joined by OR. Nothing is tried twice, whatever the value.
_ONE = (
    r"(?P<type>[a-z][a-z0-9-]*+):(?P<path>[A-Za-z_]\w*+(?:\.(?:\w++|'[\w-]++'))*+)"
    r"\s*+=\s*+(?P<value>'(?:[^'\\]++|\\['\\])*+'|[0-9]++(?![0-9.]))"
)
_EACH = re.compile(_ONE)
_BARE = re.sub(r"\(\?P<\w+>", "(?:", _ONE)
_SIMPLE = re.compile(rf"\s*+\[\s*+{_BARE}(?:\s++OR\s++{_BARE})*+\s*+\]\s*+\Z")
_ESCAPED = re.compile(r"\\(['\\])")
_HASHES = "hashes."
_QUOTES_AND_INDEXES = re.compile(r"'|\[[^\]]*\]")
# Of more combinations than these the values are taken one by one.
_MOST_COMBINATIONS = 10_000


def take_apart(pattern: str) -> TakenApart:
    """Return what a pattern looks for; no alternatives when it names no values.

    Raises:
        ValueError: it is no STIX pattern.
    """
    if _SIMPLE.match(pattern):
        found: list[Together] = [
            (_comparison(f"{one['type']}:{one['path']}", one["value"]),)
            for one in _EACH.finditer(pattern)
        ]
        return TakenApart(_one_file(found), False)
    from stix2patterns.v21.pattern import (  # type: ignore[import-untyped]
        ParseException,
        Pattern,
    )

    try:
        parsed = Pattern(pattern)
    except ParseException as error:
        raise ValueError(f"not a STIX pattern: {error}") from error
    visitor = _visitor()
    found = list(dict.fromkeys(parsed.visit(visitor)))
    return TakenApart(_one_file(found), visitor.partial)


def _comparison(path: str, literal: str) -> Comparison:
    object_type, _, properties = path.partition(":")
    plain = _QUOTES_AND_INDEXES.sub("", properties)
    if plain.startswith(_HASHES):
        plain = hash_path(plain.removeprefix(_HASHES))
    return Comparison(object_type, plain, _value(literal))


def hash_path(algorithm: str) -> str:
    """Return the path of a hash, for example `hashes.sha256`, however its algorithm is spelled."""
    return _HASHES + algorithm.lower().replace("-", "").replace("_", "")


def _value(literal: str) -> Value:
    if literal.endswith("'"):
        return _ESCAPED.sub(r"\1", literal[literal.index("'") + 1 : -1])
    if literal.lower() in ("true", "false"):
        return literal.lower() == "true"
    return float(literal) if "." in literal else int(literal)


def _one_file(
    found: list[Together],
) -> list[Together]:
    """Join alternatives that are hashes of different kinds: such patterns describe one file."""
    hashes = [
        one[0]
        for one in found
        if len(one) == 1
        and one[0].object_type in ("file", "artifact")
        and one[0].path.startswith(_HASHES)
    ]
    kinds = {(one.object_type, one.path) for one in hashes}
    one_type = len({one.object_type for one in hashes}) == 1
    if one_type and len(hashes) == len(found) == len(kinds):
        return [tuple(hashes)]
    return found


def _visitor() -> Any:
    """Return what walks through a parsed pattern. The parser is loaded for rare forms only."""
    from stix2patterns.v21.grammars.STIXPatternVisitor import (  # type: ignore[import-untyped]
        STIXPatternVisitor,
    )

    class Visitor(STIXPatternVisitor):  # type: ignore[misc]
        """Collects alternatives; what it has no method for is the sum of its parts."""

        partial = False

        def defaultResult(self) -> list[Together]:
            """Return what a token means: nothing."""
            return []

        def aggregateResult(
            self,
            aggregate: list[Together],
            nextResult: list[Together],
        ) -> list[Together]:
            """Return both."""
            return aggregate + nextResult

        def visitComparisonExpressionAnd(self, ctx: Any) -> list[Together]:
            """Return each of the left together with each of the right."""
            children: list[list[Together]] = [*map(self.visit, ctx.getChildren())]
            if len(children) == 1:
                return children[0]
            left, _, right = children
            if left and right and len(left) * len(right) <= _MOST_COMBINATIONS:
                return [one + other for one, other in product(left, right)]
            self.partial = self.partial or bool(left and right)
            return left + right

        def visitPropTestEqual(self, ctx: Any) -> list[Together]:
            """Return the value, unless it is what must not be."""
            if ctx.NEQ() or ctx.NOT():
                return self._more(ctx)
            return [
                (_comparison(_text(ctx.objectPath()), _text(ctx.primitiveLiteral())),)
            ]

        def visitPropTestSet(self, ctx: Any) -> list[Together]:
            """Return each value of a set."""
            if ctx.NOT():
                return self._more(ctx)
            path = _text(ctx.objectPath())
            values = ctx.setLiteral().primitiveLiteral()
            return [(_comparison(path, _text(value)),) for value in values]

        def _more(self, ctx: Any) -> list[Together]:
            """Note a demand that is no value."""
            del ctx
            self.partial = True
            return []

        visitPropTestOrder = visitPropTestLike = visitPropTestRegex = _more
        visitPropTestIsSubset = visitPropTestIsSuperset = visitPropTestExists = _more
        visitStartStopQualifier = visitWithinQualifier = visitRepeatedQualifier = _more

        def _all_of(self, ctx: Any) -> list[Together]:
            """Return the parts of what must be seen one after the other, or at several places."""
            if ctx.getChildCount() > 1:
                self.partial = True
            found: list[Together] = self.visitChildren(ctx)
            return found

        visitObservationExpressions = visitObservationExpressionAnd = _all_of

    return Visitor()


def _text(ctx: Any) -> str:
    return str(ctx.getText())
