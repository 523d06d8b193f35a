"""Pylint plugin for the benchmark: the repository's check and one by inference, each with a clock.

The check by inference is what one writes with pylint's own means: every call is inferred, and a class that derives from
stix2's must be given an `id`. It knows nothing else of what the repository's check knows.
"""

import json
import os
import time
from pathlib import Path

from astroid import nodes
from linter_stix_id_generator import StixIdGeneratorChecker
from pylint.checkers import BaseChecker, BaseRawFileChecker
from pylint.checkers.utils import safe_infer
from pylint.lint import PyLinter

_BASES = {"_DomainObject", "_RelationshipObject"}


def _record(name: str, seconds: float, found: int) -> None:
    """Add a line to the file that the benchmark reads."""
    with Path(os.environ["CHECKER_TIMES"]).open("a", encoding="utf-8") as file:
        file.write(json.dumps([name, seconds, found]) + "\n")


class TimedTree(StixIdGeneratorChecker):
    """The repository's check."""

    def __init__(self, linter: PyLinter) -> None:
        """Set the clock to zero."""
        super().__init__(linter)
        self._seconds = 0.0

    def process_module(self, node: nodes.Module) -> None:
        """Check one module."""
        start = time.process_time()
        super().process_module(node)
        self._seconds += time.process_time() - start

    def close(self) -> None:
        """Say how long it took."""
        _record("tree", self._seconds, self.linter.stats.by_msg.get(self._symbol, 0))

    _symbol = "generated-id-stix"


class TimedInference(BaseChecker):
    """The same question, answered by inference."""

    name = "inferred_id_stix"
    msgs = {"W9191": ("%s has no id", "inferred-id-stix", "By inference.")}

    def __init__(self, linter: PyLinter) -> None:
        """Set the clock to zero."""
        super().__init__(linter)
        self._seconds = 0.0

    def visit_call(self, node: nodes.Call) -> None:
        """Check one call."""
        start = time.process_time()
        class_ = safe_infer(node.func)
        if isinstance(class_, nodes.ClassDef) and class_.qname().startswith("stix2."):
            if any(base.name in _BASES for base in class_.ancestors()):
                if all(keyword.arg != "id" for keyword in node.keywords):
                    self.add_message("inferred-id-stix", node=node, args=(class_.name,))
        self._seconds += time.process_time() - start

    def close(self) -> None:
        """Say how long it took."""
        found = self.linter.stats.by_msg.get("inferred-id-stix", 0)
        _record("inference", self._seconds, found)


class Nothing(BaseRawFileChecker):
    """No check at all, to see what pylint takes to read the files."""

    name = "nothing_at_all"
    msgs = {"W9192": ("%s", "nothing-at-all", "Never reported.")}

    def process_module(self, node: nodes.Module) -> None:
        """Do nothing."""


def register(linter: PyLinter) -> None:
    """Give pylint the checkers that are asked for."""
    wanted = os.environ.get("CHECKERS", "").split()
    if "tree" in wanted:
        linter.register_checker(TimedTree(linter))
    if "inference" in wanted:
        linter.register_checker(TimedInference(linter))
    if not wanted:
        linter.register_checker(Nothing(linter))
