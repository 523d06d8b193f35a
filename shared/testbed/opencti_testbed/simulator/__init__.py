"""Plays a source: an outside API from a folder of files, described by one YAML file.

A connector runs against it with no change but the address in its settings.
"""

from opencti_testbed.simulator.description import Description, load_description
from opencti_testbed.simulator.server import Simulator

__all__ = ["Description", "Simulator", "load_description"]
