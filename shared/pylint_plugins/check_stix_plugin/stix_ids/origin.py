"""Whether an id is evidently made from other values than those of the object that it belongs to.

Only what the text of the program shows is evident: two different constants, the value of another property of the same
object, or another entry of the same record.
"""

import ast

from stix_ids.catalogue import GENERATORS
from stix_ids.ids import Id
from stix_ids.mappings import Keys, Mappings
from stix_ids.project import Project
from stix_ids.source import Source

# pycti lower-cases most of what ids are made from, but not these.
_EXACT = frozenset({"relationship_type", "x_opencti_location_type"})
# What pycti does itself, or what changes the form of a value only.
_SAME_VALUE = frozenset({"strip", "lower", "casefold", "isoformat"})
_ID_KEYS = frozenset({"id", "standard_id"})
# The object that a sighting is about travels beside the indicator that STIX demands.
_SIGHTED = {
    "sighting_of_ref": "x_opencti_sighting_of_ref",
    "where_sighted_refs": "x_opencti_where_sighted_refs",
}


class Origins:
    """Compares what an id is made from with what the object holds."""

    def __init__(self, project: Project, mappings: Mappings) -> None:
        """Read the files of a project."""
        self._project = project
        self._mappings = mappings

    def mistake(self, made: Id, keys: Keys) -> str:
        """Return in words what an id is made from by mistake, or an empty text.

        Args:
            made: an id made by a `generate_id` that is right for the object.
            keys: what the object is made from.
        """
        if made.call is None or made.source is None:
            return ""
        parameters = GENERATORS.get(made.detail, {})
        given = _arguments(made.call, list(parameters))
        for parameter, argument in given.items():
            found = self._compare(made.source, argument, parameters[parameter], keys)
            if found:
                return found
        if "x_mitre_id" in parameters and "x_mitre_id" not in given:
            own = self._properties(keys, "x_mitre_id")
            if own and "*" not in given and not _is_none(own[0][1]):
                return "without its x_mitre_id, which decides where there is one"
        return ""

    def _compare(
        self, source: Source, argument: ast.expr, wanted: str, keys: Keys
    ) -> str:
        own = self._properties(keys, wanted)
        if isinstance(argument, ast.Constant):
            return _compare_constants(argument, wanted, [one for _, one in own])
        is_reference = wanted.endswith(("_ref", "_refs"))
        shown = ast.unparse(argument)
        if not own:
            # What the object does not have at all, another of its properties cannot stand for.
            made_from = self._spellings(source, argument, is_reference)
            name = self._property_of(made_from, wanted, keys, is_reference)
            is_known = keys.complete and not keys.parameters
            return (
                f"from its {name} ({shown}) where its {wanted} belongs, which it does not have"
                if name and is_known
                else ""
            )
        # Most of the time they are written the same way, and no name has to be followed.
        plain = _spelling(_unwrapped(argument, is_reference))
        if any(plain == _spelling(_unwrapped(one, is_reference)) for _, one in own):
            return ""
        made_from = self._spellings(source, argument, is_reference)
        held = [self._spellings(there, one, is_reference) for there, one in own]
        if any(made_from & one for one in held):
            return ""
        name = self._property_of(made_from, wanted, keys, is_reference)
        if name and not self._is_converted(own[0], made_from, is_reference):
            return f"from its {name} ({shown}) where its {wanted} belongs"
        if name or is_reference or not any(_same_record(made_from, h) for h in held):
            return ""
        return f"from {shown} where its {wanted} is {ast.unparse(own[0][1])}"

    def _property_of(
        self, made_from: frozenset[str], wanted: str, keys: Keys, is_reference: bool
    ) -> str:
        """Return the other property of an object that a value is, or an empty text."""
        for name, (there, other) in keys.entries.items():
            if name in (wanted, "id") or isinstance(other, ast.Constant):
                continue
            if made_from & self._spellings(there, other, is_reference):
                return name
        return ""

    def _is_converted(
        self, own: tuple[Source, ast.expr], made_from: frozenset[str], reference: bool
    ) -> bool:
        """Tell whether a property is the same value in another form: `published=parse(created)`."""
        source, value = own
        for _, one in [own, *self._project.value_of(source, value)]:
            if isinstance(one, ast.Call):
                for part in ast.walk(one):
                    if isinstance(part, ast.expr):
                        if _spelling(_unwrapped(part, reference)) in made_from:
                            return True
        return False

    def _properties(self, keys: Keys, name: str) -> list[tuple[Source, ast.expr]]:
        """Return the values that an object has for a property, custom properties included."""
        found = [keys.entries[name]] if name in keys.entries else []
        custom = keys.entries.get("custom_properties")
        if custom is not None:
            for inner in self._mappings.of(*custom):
                for key in (name, _SIGHTED.get(name, "")):
                    if key in inner.entries:
                        found.append(inner.entries[key])
        return found

    def _spellings(
        self, source: Source, node: ast.expr, is_reference: bool
    ) -> frozenset[str]:
        """Return the ways to write an expression: as it stands, and as what its name was set to."""
        plain = _unwrapped(node, is_reference)
        found = {_spelling(plain)}
        values = self._project.value_of(source, plain)
        # A name with several values stands for none of them in particular.
        if len(values) == 1 and isinstance(plain, ast.Name):
            there, value = values[0]
            if value is not node:
                found.add(_spelling(_unwrapped(value, is_reference)))
                inner = _unwrapped(value, is_reference)
                if isinstance(inner, ast.Name) and inner is not plain:
                    for _, further in self._project.value_of(there, inner):
                        found.add(_spelling(_unwrapped(further, is_reference)))
        return frozenset(found)


def _arguments(call: ast.Call, parameters: list[str]) -> dict[str, ast.expr]:
    """Return the arguments of a `generate_id` by parameter; a `*` when not all can be told."""
    given: dict[str, ast.expr] = {}
    for name, value in zip(parameters, call.args, strict=False):
        if isinstance(value, ast.Starred):
            given["*"] = value.value
            break
        given[name] = value
    for keyword in call.keywords:
        given[keyword.arg or "*"] = keyword.value
    known = {name: value for name, value in given.items() if name in parameters}
    return known if "*" not in given else {}


def _compare_constants(argument: ast.Constant, wanted: str, own: list[ast.expr]) -> str:
    """Return in words that an id is made from another constant than the object holds, or an empty text."""
    if argument.value is None or not own or not isinstance(own[0], ast.Constant):
        return ""
    if wanted in _EXACT:
        same = any(getattr(one, "value", None) == argument.value for one in own)
    else:
        same = any(_spelling(argument) == _spelling(one) for one in own)
    shown = f"from {ast.unparse(argument)} where its {wanted} is {ast.unparse(own[0])}"
    return "" if same else shown


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _unwrapped(node: ast.expr, is_reference: bool) -> ast.expr:
    """Return an expression without what does not change what it is about."""
    while True:
        inner: ast.expr | None = None
        if isinstance(node, ast.Call) and not node.keywords:
            inner = _unwrapped_call(node)
        elif isinstance(node, ast.JoinedStr) and len(node.values) == 1:
            only = node.values[0]
            inner = only.value if isinstance(only, ast.FormattedValue) else None
        elif is_reference and isinstance(node, (ast.List, ast.Tuple)):
            inner = node.elts[0] if len(node.elts) == 1 else None
        elif isinstance(node, ast.Attribute) and is_reference:
            inner = node.value if node.attr in _ID_KEYS else None
        elif isinstance(node, ast.Subscript) and is_reference:
            inner = node.value if _key(node.slice) in _ID_KEYS else None
        if inner is None and is_reference and isinstance(node, ast.Call):
            function = node.func
            if isinstance(function, ast.Attribute) and function.attr == "get":
                if node.args and _key(node.args[0]) in _ID_KEYS:
                    inner = function.value
        if inner is None:
            return node
        node = inner


def _unwrapped_call(node: ast.Call) -> ast.expr | None:
    function = node.func
    if isinstance(function, ast.Name) and function.id == "str" and len(node.args) == 1:
        return node.args[0]
    if isinstance(function, ast.Attribute) and not node.args:
        return function.value if function.attr in _SAME_VALUE else None
    return None


def _key(node: ast.expr) -> str:
    return str(node.value) if isinstance(node, ast.Constant) else ""


def _spelling(node: ast.expr) -> str:
    """Return one text for the ways to write the same access: `a.b`, `a["b"]`, `a.get("b")`."""
    if isinstance(node, ast.Constant):
        return f"={str(node.value).strip().casefold()}"
    base: ast.expr | None = None
    key = ""
    if isinstance(node, ast.Attribute):
        base, key = node.value, node.attr
    elif isinstance(node, ast.Subscript):
        base, key = node.value, _key(node.slice)
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        if node.func.attr == "get" and node.args:
            base, key = node.func.value, _key(node.args[0])
    if base is not None and key:
        return f"{_spelling(base)}.{key}"
    return node.id if isinstance(node, ast.Name) else ast.dump(node)


def _same_record(one: frozenset[str], other: frozenset[str]) -> bool:
    """Tell whether two values are different entries of the same record."""
    for first in one:
        for second in other:
            base, _, key = first.rpartition(".")
            other_base, _, other_key = second.rpartition(".")
            if base and base == other_base and _are_different(key, other_key):
                return True
    return False


def _are_different(one: str, other: str) -> bool:
    """Tell whether two keys of a record are about different things: not `date` and `date_text`."""
    if one.isdigit() and other.isdigit():
        return one != other
    one, other = one.strip("_").casefold(), other.strip("_").casefold()
    if not (one.isidentifier() and other.isidentifier()):
        return False
    return not one.startswith(other) and not other.startswith(one)
