"""Finds what builds STIX objects in a file, and what is wrong with the ids."""

import ast
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from stix_ids.catalogue import (
    BY_TYPE,
    GENERATORS,
    PYCTI_CLASSES,
    STIX2_CLASSES,
    STIX_KEYS,
    Kind,
)
from stix_ids.ids import Id, Ids, Origin, argument, default
from stix_ids.mappings import Keys, Mappings
from stix_ids.origin import Origins
from stix_ids.project import (
    Callee,
    Class,
    External,
    Instance,
    Parameter,
    Partial,
    Project,
    Thing,
)
from stix_ids.source import Function, Source

Site: TypeAlias = ast.Call | ast.Dict | ast.Assign
_INIT = "__init__"
# Whatever an SDO is parsed from without an id gets a random one.
_PARSERS = frozenset(
    {"stix2.parse", "stix2.parsing.parse", "stix2.parsing.dict_to_stix2"}
)
# Of these more than one object may be made, or none that is sent.
_NO_KIND = Kind("STIX object", "")


@dataclass(frozen=True)
class Finding:
    """One object whose id is not deterministic, or not its own.

    Attributes:
        line, column: where it is built; lines from 1, columns from 0.
        end_line, end_column: where that ends.
        reason: `missing`, `none`, `random`, `clock`, `other type` or `other values`.
        message: what is wrong and what to write instead.
    """

    line: int
    column: int
    end_line: int
    end_column: int
    reason: str
    message: str


@dataclass(frozen=True)
class _Problem:
    reason: str
    kind: Kind
    detail: str = ""

    def text(self) -> str:
        """What is wrong and what to write instead."""
        what = {
            "missing": "has no id and gets a random one",
            "none": "has the id None and gets a random one",
            "random": f"has a random id ({self.detail})",
            "clock": f"has another id on every run ({self.detail})",
            "other type": f"has an id made by {self.detail}.generate_id, which is another type's",
            "other values": f"has an id made {self.detail}",
        }[self.reason]
        name = self.kind.name
        return f"{name} {what}: {self.kind.advice}"


@dataclass(frozen=True)
class _Need:
    """What a function leaves to its callers: the id of the object that it builds.

    Attributes:
        kind: what it builds; None when the class itself comes in by `class_parameter`.
        parameter: through which the id comes in, or the mapping that may hold it; empty when there is no id at all.
        mapping: True when the parameter is a mapping.
        optional: True when something stands in for None.
        part: True when the parameter is a part of the id.
    """

    kind: Kind | None
    parameter: str = ""
    mapping: bool = False
    optional: bool = False
    part: bool = False
    class_parameter: str = ""


@dataclass
class _Outcome:
    problem: _Problem | None = None
    needs: list[tuple[Parameter, _Need]] = field(default_factory=list)


class Checker:
    """Checks the files of a code base."""

    def __init__(self, project: Project) -> None:
        """Bind the code base; what is worked out of one file serves the others."""
        self._project = project
        self._ids = Ids(project)
        self._mappings = Mappings(project)
        self._origins = Origins(project, self._mappings)
        self._outcomes: dict[ast.AST, _Outcome] = {}
        self._sites: dict[ast.Module, dict[Function | None, list[Site]]] = {}
        self._generation = project.generation

    def check(self, source: Source) -> list[Finding]:
        """Return what is wrong with the ids of the STIX objects that a file builds, in the order of the text."""
        if self._generation != self._project.generation:
            self._generation = self._project.generation
            self._outcomes.clear()
            self._sites.clear()
            self._mappings.consumed.clear()
        if not self._project.may_build(source):
            sites: list[Site] = list(self._dictionaries(source))
        else:
            groups = self._by_function(source).values()
            sites = [site for group in groups for site in group]
        # Calls first: what is unpacked into a constructor is judged there and not once more.
        sites.sort(key=lambda site: (not isinstance(site, ast.Call), site.lineno))
        findings = []
        for site in sites:
            if site in self._mappings.consumed:
                continue
            problem = self._outcome(source, site).problem
            if problem is not None:
                findings.append(_finding(site, problem))
        return sorted(findings, key=lambda found: (found.line, found.column))

    def _by_function(self, source: Source) -> dict[Function | None, list[Site]]:
        known = self._sites.get(source.tree)
        if known is None:
            known = defaultdict(list)
            for site in (*source.of(ast.Call), *self._dictionaries(source)):
                known[source.function_of(site)].append(site)
            self._sites[source.tree] = known
        return known

    @staticmethod
    def _dictionaries(source: Source) -> Iterator[ast.Dict | ast.Assign]:
        for dictionary in source.of(ast.Dict):
            keys = {
                key.value for key in dictionary.keys if isinstance(key, ast.Constant)
            }
            if "type" in keys:
                yield dictionary
        for assign in source.of(ast.Assign):
            target = assign.targets[0]
            if isinstance(target, ast.Subscript) and len(assign.targets) == 1:
                key = target.slice
                if isinstance(key, ast.Constant) and key.value == "id":
                    yield assign

    def _outcome(self, source: Source, site: Site) -> _Outcome:
        known = self._outcomes.get(site)
        if known is None:
            # A function that calls itself leaves nothing new to its callers.
            self._outcomes[site] = _Outcome()
            if isinstance(site, ast.Call):
                known = self._call(source, site)
            elif isinstance(site, ast.Dict):
                known = self._dictionary(source, site, self._mappings.of(source, site))
            else:
                known = self._assignment(source, site)
            self._outcomes[site] = known
        return known

    # -- calls ----------------------------------------------------------------------------------------------------

    def _call(self, source: Source, call: ast.Call) -> _Outcome:
        if isinstance(call.func, ast.Name) and call.func.id == "dict":
            return self._dictionary(source, call, self._mappings.of_call(source, call))
        things = self._project.resolve(source, call.func)
        kinds: list[Kind | None] = []
        for thing in things:
            preset: list[Keys] = [Keys()]
            while isinstance(thing, Partial):
                given = self._mappings.of_call(thing.source, thing.call)
                preset = [one.joined(own) for one in given for own in preset]
                thing = thing.of
            target = self._target(thing)
            if isinstance(target, Callee):
                outcome = self._wrapper(source, call, target, preset)
                if outcome.problem is not None or outcome.needs:
                    return outcome
            elif isinstance(target, Parameter):
                return self._given_class(source, call, target)
            kinds.append(target if isinstance(target, Kind) else None)
            if len(things) == 1 and isinstance(target, Kind):
                alternatives = [
                    own.joined(given)
                    for own in preset
                    for given in self._mappings.of_call(source, call)
                ]
                return self._construction(source, call, target, alternatives)
        return (
            self._several(source, call, kinds)
            or self._created(source, call)
            or self._parsed(source, call)
        )

    def _created(self, source: Source, call: ast.Call) -> _Outcome | None:
        """Judge `factory.create(stix2.Indicator, ...)` of stix2's own factory and environment."""
        function = call.func
        if (
            isinstance(function, ast.Attribute)
            and function.attr == "create"
            and call.args
        ):
            for thing in self._project.resolve(source, call.args[0]):
                target = self._target(thing)
                if isinstance(target, Kind):
                    alternatives = self._mappings.of_call(source, call)
                    return self._construction(source, call, target, alternatives)
        return None

    def _several(
        self, source: Source, call: ast.Call, kinds: list[Kind | None]
    ) -> _Outcome | None:
        """Judge the call of one of several classes, when all of them need an id."""
        certain = [kind for kind in kinds if kind is not None]
        if not certain or len(certain) < len(kinds):
            return None
        if any(kind.is_observable for kind in certain):
            return _Outcome()
        generators = tuple(
            dict.fromkeys(g for kind in certain for g in kind.generators)
        )
        kind = Kind(" or ".join(dict.fromkeys(k.name for k in certain)), "", generators)
        alternatives = self._mappings.of_call(source, call)
        return self._construction(source, call, kind, alternatives)

    def _target(self, thing: Thing) -> Kind | Callee | Parameter | None:
        """Return what a call of something builds or runs."""
        if isinstance(thing, External):
            return kind_of(thing.path.removesuffix(f".{_INIT}"))
        if isinstance(thing, Class):
            return self._class(thing)
        if isinstance(thing, (Callee, Parameter)):
            return thing
        return None

    def _class(self, class_: Class) -> Kind | Callee | None:
        """Return what making an object of a class means: its own `__init__`, or the class of stix2 that it derives from."""
        for base in self._project.lineage(class_):
            if isinstance(base, External):
                return kind_of(base.path)
            decorated = self._decorated(base)
            if decorated is not None:
                return decorated
            for thing in self._project.member(Instance(base), _INIT):
                if isinstance(thing, Callee):
                    return thing
                if isinstance(thing, External):
                    return kind_of(thing.path.removesuffix(f".{_INIT}"))
        return None

    def _decorated(self, class_: Class) -> Kind | None:
        """Return the kind of a class that is declared with `@CustomObject("type", ...)`."""
        for decorator in class_.node.decorator_list:
            if isinstance(decorator, ast.Call) and decorator.args:
                name = self._project.dotted(class_.source, decorator.func)
                first = decorator.args[0]
                if name.startswith("stix2.") and name.endswith(".CustomObject"):
                    if isinstance(first, ast.Constant):
                        kind = BY_TYPE.get(str(first.value))
                        return kind and Kind(
                            class_.node.name, kind.stix_type, kind.generators
                        )
        return None

    def _parsed(self, source: Source, call: ast.Call) -> _Outcome:
        """Judge a dictionary that is parsed where it stands: without an id it gets a random one."""
        if call.args and isinstance(call.args[0], ast.Dict):
            if self._project.dotted(source, call.func) in _PARSERS:
                alternatives = self._mappings.of(source, call.args[0])
                for keys in alternatives:
                    kind = self._typed(keys)
                    if kind is not None and not kind.is_observable:
                        return self._construction(source, call, kind, alternatives)
                self._mappings.consumed.discard(call.args[0])
        return _Outcome()

    # -- constructors ---------------------------------------------------------------------------------------------

    def _construction(
        self, source: Source, site: Site, kind: Kind, alternatives: list[Keys]
    ) -> _Outcome:
        with_id = [keys for keys in alternatives if "id" in keys.entries]
        if with_id:
            return self._first(
                self._given(source, site, kind, keys) for keys in with_id
            )
        if kind.is_observable:
            return _Outcome()
        function = source.function_of(site)
        outcome = _Outcome()
        for keys in alternatives:
            for parameter in keys.parameters:
                if parameter.function is function:
                    need = _Need(kind, parameter.name, mapping=True)
                    outcome.needs.append((parameter, need))
        if outcome.needs or not self._is_missing(site, kind, alternatives):
            return outcome
        return _Outcome(_Problem("missing", kind))

    @staticmethod
    def _is_missing(site: Site, kind: Kind, alternatives: list[Keys]) -> bool:
        if all(keys.complete for keys in alternatives):
            return True
        # Whoever gives what the id is made from has to give the id as well; what comes in a mapping that cannot be
        # read may hold it.
        made_from = {
            name
            for generator in kind.generators
            for name in GENERATORS[generator].values()
        }
        return isinstance(site, ast.Call) and any(
            keyword.arg in made_from for keyword in site.keywords
        )

    def _given(self, source: Source, site: Site, kind: Kind, keys: Keys) -> _Outcome:
        """Judge an object that is given an id."""
        there, value = keys.entries["id"]
        function = source.function_of(site)
        outcome = _Outcome()
        for one in self._ids.of(there, value):
            if one.origin is Origin.PARAMETER and one.parameter is not None:
                if one.parameter.function is function:
                    need = _Need(
                        kind, one.parameter.name, optional=one.optional, part=one.part
                    )
                    outcome.needs.append((one.parameter, need))
                continue
            problem = self._judge(kind, one, keys)
            if problem is not None:
                return _Outcome(problem)
        return outcome

    def _judge(self, kind: Kind, one: Id, keys: Keys | None = None) -> _Problem | None:
        if one.origin is Origin.NONE:
            return None if kind.is_observable else _Problem("none", kind)
        if one.origin is Origin.RANDOM:
            return _Problem("random", kind, one.detail)
        if one.origin is Origin.CLOCK:
            return _Problem("clock", kind, one.detail)
        if one.origin is Origin.GENERATED:
            if one.detail not in kind.generators:
                return _Problem("other type", kind, one.detail)
            mistake = self._origins.mistake(one, keys) if keys is not None else ""
            if mistake:
                return _Problem("other values", kind, mistake)
        return None

    @staticmethod
    def _first(outcomes: Iterable[_Outcome]) -> _Outcome:
        """Return the first outcome with a problem; else what all need together."""
        together = _Outcome()
        for outcome in outcomes:
            if outcome.problem is not None:
                return outcome
            together.needs += outcome.needs
        return together

    # -- functions that wrap constructors -------------------------------------------------------------------------

    def _needs(self, callee: Callee) -> Iterator[_Need]:
        for site in self._by_function(callee.source).get(callee.node, ()):
            for parameter, need in self._outcome(callee.source, site).needs:
                if parameter.function is callee.node:
                    yield need

    def _wrapper(
        self, source: Source, call: ast.Call, callee: Callee, preset: list[Keys]
    ) -> _Outcome:
        """Judge the call of a function that builds an object with an id from its caller."""
        together = _Outcome()
        for need in dict.fromkeys(self._needs(callee)):
            outcome = self._satisfied(source, call, callee, need, preset)
            if outcome.problem is not None:
                return outcome
            together.needs += outcome.needs
        return together

    def _satisfied(
        self,
        source: Source,
        call: ast.Call,
        callee: Callee,
        need: _Need,
        preset: list[Keys],
    ) -> _Outcome:
        kind = need.kind
        if need.class_parameter:
            kind = self._kind_given(source, call, callee, need.class_parameter)
        if kind is None:
            return _Outcome()
        if not need.parameter:
            return (
                _Outcome()
                if kind.is_observable
                else _Outcome(_Problem("missing", kind))
            )
        if need.mapping:
            alternatives = self._mapping_given(source, call, callee, need.parameter)
            joined = [own.joined(one) for own in preset for one in alternatives]
            return self._construction(source, call, kind, joined)
        given = argument(callee, call, need.parameter)
        if given is None:
            return self._left_out(source, call, callee, need, kind)
        return self._passed(source, given, need, kind)

    def _left_out(
        self, source: Source, call: ast.Call, callee: Callee, need: _Need, kind: Kind
    ) -> _Outcome:
        """Judge a call that gives nothing for the parameter that the id comes in by."""
        for keys in self._mappings.of_call(source, call):
            if need.parameter in keys.entries:
                there, value = keys.entries[need.parameter]
                return self._passed(there, value, need, kind)
            if not keys.complete:
                return _Outcome()
        value_by_default = default(callee.node, need.parameter)
        if value_by_default is None or need.optional or need.part:
            return _Outcome()
        for one in self._ids.of(callee.source, value_by_default):
            problem = self._judge(kind, one)
            if problem is not None:
                reason = "missing" if problem.reason == "none" else problem.reason
                return _Outcome(_Problem(reason, kind, problem.detail))
        return _Outcome()

    def _passed(
        self, source: Source, given: ast.expr, need: _Need, kind: Kind
    ) -> _Outcome:
        """Judge what a call gives for the parameter that the id comes in by."""
        outcome = _Outcome()
        for one in self._ids.of(source, given):
            if one.origin is Origin.PARAMETER and one.parameter is not None:
                inner = _Need(
                    kind,
                    one.parameter.name,
                    optional=one.optional or need.optional,
                    part=one.part or need.part,
                )
                outcome.needs.append((one.parameter, inner))
                continue
            if one.origin is Origin.NONE and (need.optional or need.part):
                continue
            if one.origin is Origin.GENERATED and need.part:
                continue
            problem = self._judge(kind, one)
            if problem is not None:
                return _Outcome(problem)
        return outcome

    def _mapping_given(
        self, source: Source, call: ast.Call, callee: Callee, name: str
    ) -> list[Keys]:
        keyword_mapping = callee.node.args.kwarg
        if keyword_mapping is None or keyword_mapping.arg != name:
            given = argument(callee, call, name)
            return (
                self._mappings.of(source, given)
                if given is not None
                else [Keys(complete=False)]
            )
        # Of what is given by name, what the function has no parameter for ends up in the mapping.
        arguments = callee.node.args
        own = {one.arg for one in (*arguments.args, *arguments.kwonlyargs)}
        return [
            Keys(
                {k: v for k, v in keys.entries.items() if k not in own},
                keys.complete,
                keys.parameters,
            )
            for keys in self._mappings.of_call(source, call)
        ]

    def _given_class(
        self, source: Source, call: ast.Call, class_: Parameter
    ) -> _Outcome:
        """Judge the call of a class that comes in by a parameter."""
        outcome = _Outcome()
        if class_.function is not source.function_of(call):
            return outcome
        for keys in self._mappings.of_call(source, call):
            if "id" in keys.entries:
                inner = self._given(source, call, _NO_KIND, keys)
                for parameter, need in inner.needs:
                    outcome.needs.append(
                        (
                            parameter,
                            _Need(
                                None,
                                need.parameter,
                                optional=need.optional,
                                part=need.part,
                                class_parameter=class_.name,
                            ),
                        )
                    )
                continue
            mapping = next(
                (p.name for p in keys.parameters if p.function is class_.function), ""
            )
            if mapping or keys.complete:
                need = _Need(
                    None,
                    mapping,
                    mapping=bool(mapping),
                    class_parameter=class_.name,
                )
                outcome.needs.append((class_, need))
        return outcome

    def _kind_given(
        self, source: Source, call: ast.Call, callee: Callee, name: str
    ) -> Kind | None:
        given = argument(callee, call, name)
        if given is None:
            return None
        for thing in self._project.resolve(source, given):
            target = self._target(thing)
            if isinstance(target, Kind):
                return target
        return None

    # -- dictionaries ---------------------------------------------------------------------------------------------

    def _dictionary(
        self, source: Source, site: Site, alternatives: list[Keys]
    ) -> _Outcome:
        """Judge a dictionary that has the shape of a STIX object."""
        if isinstance(site, ast.Dict):
            # It was looked at here, not on the way into a constructor.
            self._mappings.consumed.discard(site)
        outcomes = []
        for keys in alternatives:
            if "id" not in keys.entries:
                continue
            kind = self._shape(source, keys)
            if kind is not None:
                outcomes.append(self._given(source, site, kind, keys))
        return self._first(outcomes)

    def _shape(self, source: Source, keys: Keys) -> Kind | None:
        """Return the kind of STIX object that a dictionary is, or None when it is none."""
        kind = self._typed(keys)
        is_stix = bool(STIX_KEYS & keys.entries.keys())
        if kind is None:
            type_ = keys.entries.get("type", (source, None))[1]
            if is_stix and "spec_version" in keys.entries:
                return None if isinstance(type_, ast.Constant) else _NO_KIND
            return None
        prefix = self._prefix(*keys.entries["id"])
        return kind if is_stix or prefix == f"{kind.stix_type}--" else None

    @staticmethod
    def _typed(keys: Keys) -> Kind | None:
        entry = keys.entries.get("type")
        if entry is None or not isinstance(entry[1], ast.Constant):
            return None
        kind = BY_TYPE.get(str(entry[1].value))
        return kind and Kind(
            f"{kind.stix_type} dictionary", kind.stix_type, kind.generators
        )

    def _assignment(self, source: Source, assign: ast.Assign) -> _Outcome:
        """Judge `something["id"] = f"indicator--{uuid4()}"`."""
        prefix = self._prefix(source, assign.value)
        kind = BY_TYPE.get(prefix.removesuffix("--"))
        if not prefix.endswith("--") or kind is None:
            return _Outcome()
        named = Kind(f"{kind.stix_type} dictionary", kind.stix_type, kind.generators)
        for one in self._ids.of(source, assign.value):
            if one.origin in (Origin.RANDOM, Origin.CLOCK):
                return _Outcome(self._judge(named, one))
        return _Outcome()

    def _prefix(self, source: Source, node: ast.expr) -> str:
        """Return the `type--` that an id begins with, or an empty text."""
        for _ in range(3):
            text = _beginning(node)
            if text:
                head, dashes, _rest = text.partition("--")
                return head + dashes
            values = self._project.value_of(source, node)
            if not values:
                return ""
            source, node = values[-1]
        return ""


def kind_of(path: str) -> Kind | None:
    """Return the kind of STIX object that a class of stix2 or pycti makes, by the class's full name."""
    package, _, name = path.rpartition(".")
    root = package.partition(".")[0]
    if root == "stix2":
        return STIX2_CLASSES.get(name)
    if root == "pycti":
        return PYCTI_CLASSES.get(name)
    return None


def _beginning(node: ast.expr) -> str:
    """Return the constant text that an expression begins with."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    if isinstance(node, ast.JoinedStr) and node.values:
        return _beginning(node.values[0])
    if isinstance(node, ast.BinOp):
        return _beginning(node.left)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return _beginning(node.func.value) if node.func.attr == "format" else ""
    return ""


def _finding(site: Site, problem: _Problem) -> Finding:
    return Finding(
        site.lineno,
        site.col_offset,
        site.end_lineno or site.lineno,
        site.end_col_offset or site.col_offset,
        problem.reason,
        problem.text(),
    )
