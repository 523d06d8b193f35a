"""Pylint plugin: no STIX object without a deterministic id.

    pylint <path> --load-plugins linter_stix_id_generator

One message, W9101 `generated-id-stix`, once for each object, where it is built. It says what is wrong with the id and
which `generate_id` of pycti to use. What counts as wrong stands in the README beside this file.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pylint.checkers import BaseRawFileChecker
from stix_ids import Checker, Finding, Project

if TYPE_CHECKING:
    from astroid import nodes
    from pylint.lint import PyLinter


class StixIdGeneratorChecker(BaseRawFileChecker):
    """Reads a module's own text: the syntax tree and the imports say what inference would have to find out slowly."""

    name = "no_generated_id_stix"
    msgs = {
        "W9101": (
            "%s",
            "generated-id-stix",
            "A STIX object is built without an id that is the same on every run and every machine. Use the "
            "generate_id function of its type, with the values that the object itself has.",
        )
    }

    def __init__(self, linter: "PyLinter") -> None:
        """Start with no file read."""
        super().__init__(linter)
        self._project = Project()
        self._checker = Checker(self._project)

    def process_module(self, node: "nodes.Module") -> None:
        """Report what is wrong with the ids of one module."""
        with node.stream() as stream:
            content = stream.read()
        with _collection_paused():
            findings = self._findings(Path(node.file).resolve(), content)
        for finding in findings:
            self.add_message(
                "generated-id-stix",
                line=finding.line,
                col_offset=finding.column,
                end_lineno=finding.end_line,
                end_col_offset=finding.end_column,
                args=(finding.message,),
            )

    def _findings(self, path: Path, content: bytes) -> list[Finding]:
        try:
            return self._checker.check(self._project.take(path, content))
        except (SyntaxError, ValueError, RecursionError):
            # pylint itself has said what is wrong with such a file; too deep a nesting is nothing that people write.
            return []


@contextmanager
def _collection_paused() -> Iterator[None]:
    """Keep the garbage collector from walking pylint's own trees again and again while one more tree is made."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def register(linter: "PyLinter") -> None:
    """Give pylint the checker."""
    linter.register_checker(StixIdGeneratorChecker(linter))
