"""Run the tests: `python shared/tools test` under the name of a script."""

import runpy
import sys
from pathlib import Path

sys.argv.insert(1, "test")
runpy.run_path(str(Path(__file__).resolve().parents[1]), run_name="__main__")
