"""The connector's program. `python main.py --help` shows what else it can do."""

from connector import build

from connectors_sdk.connectors import run_connector

if __name__ == "__main__":
    run_connector(build)
