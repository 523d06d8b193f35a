"""Check the repository: `python shared/tools lint` under the name of a script."""

import runpy
import sys
from pathlib import Path

sys.argv.insert(1, "lint")
runpy.run_path(str(Path(__file__).resolve().parents[1]), run_name="__main__")
