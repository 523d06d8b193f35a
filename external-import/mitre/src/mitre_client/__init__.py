"""How ATT&CK's collections are fetched and read."""

from mitre_client.client import CollectionClient, Fetched
from mitre_client.collection import Collection, CollectionError, Record

__all__ = ["Collection", "CollectionClient", "CollectionError", "Fetched", "Record"]
