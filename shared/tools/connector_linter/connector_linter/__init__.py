"""Checks OpenCTI connectors against the rules of the field, from their files alone.

A connector is a folder. Its Python files are parsed once each, with the names and imports of `stix_ids`; its other files are
read as text, YAML or JSON. Nothing of it is imported or run.
"""

import sys
from pathlib import Path

__version__ = "0.1.0"

# The part that knows syntax trees and STIX ids belongs to the pylint plugin, which has to work on its own.
_PLUGIN = Path(__file__).resolve().parents[3] / "pylint_plugins" / "check_stix_plugin"
if _PLUGIN.is_dir() and str(_PLUGIN) not in sys.path:
    sys.path.append(str(_PLUGIN))
