"""The platform's memory: one SQLite file in WAL mode.

`Database` holds the connections; `Objects`, `Events`, `Works`, `Queue` and `Connectors` each keep one kind of thing.
"""

from opencti_testbed.store.connectors import Connectors
from opencti_testbed.store.database import Database
from opencti_testbed.store.events import Events
from opencti_testbed.store.objects import Objects
from opencti_testbed.store.queue import Queue
from opencti_testbed.store.store import Store
from opencti_testbed.store.works import Works

__all__ = ["Connectors", "Database", "Events", "Objects", "Queue", "Store", "Works"]
