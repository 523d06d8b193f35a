"""Finds STIX objects that are built without a deterministic id, from syntax tree and imports alone.

The same fact must get the same STIX id on every run and every machine. This package reads Python files, looks for
what builds STIX objects (constructors of `stix2` and `pycti`, their subclasses, functions that wrap them, dictionaries
of their shape) and says where the id is missing, random, made for another type or made from other values.

Nothing is imported or inferred: a name is followed through assignments, imports and the files of the same code base.
The pylint plugin and the connector linter stand on it; neither `stix2` nor `pycti` needs to be installed.
"""

from stix_ids.checker import Checker, Finding
from stix_ids.project import Project
from stix_ids.source import Source

__all__ = ["Checker", "Finding", "Project", "Source"]
