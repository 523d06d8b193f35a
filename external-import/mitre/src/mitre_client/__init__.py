"""How ATT&CK's collections are fetched and read."""

from mitre_client.client import CollectionClient
from mitre_client.collection import Collection, CollectionError, Record

__all__ = ["Collection", "CollectionClient", "CollectionError", "Record"]
