"""The connector's program."""

from connector import build

from connectors_sdk.connectors import run_connector

if __name__ == "__main__":
    run_connector(build)
