"""Pylint plugin: no STIX object without a deterministic id.

    pylint <path> --load-plugins linter_stix_id_generator

One message, W9101 `generated-id-stix`, once for each object, where it is built. It says what is wrong with the id and
which `generate_id` of pycti to use. What counts as wrong stands in the README beside this file.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from pylint.checkers import BaseRawFileChecker
from stix_ids import Project, Source, check_source

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

    def process_module(self, node: "nodes.Module") -> None:
        """Report what is wrong with the ids of one module."""
        with node.stream() as stream:
            content = stream.read()
        try:
            source = Source.parse(Path(node.file).resolve(), content)
        except (SyntaxError, ValueError, RecursionError):
            # pylint itself has said what is wrong with such a file.
            return
        for finding in check_source(self._project, source):
            self.add_message(
                "generated-id-stix",
                line=finding.line,
                col_offset=finding.column,
                end_lineno=finding.end_line,
                end_col_offset=finding.end_column,
                args=(finding.message,),
            )


def register(linter: "PyLinter") -> None:
    """Give pylint the checker."""
    linter.register_checker(StixIdGeneratorChecker(linter))
