"""The log of a connector, under the name by which connectors of this type import it."""

from connectors_sdk.connectors.logger import ConnectorLogger

__all__ = ["ConnectorLogger"]
