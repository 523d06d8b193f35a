"""Everything that travels between the platform and connectors besides the API itself."""

from collections.abc import Mapping
from typing import Any

from opencti_testbed.ingest.worker import IngestWorker
from opencti_testbed.lanes.asking import Asking
from opencti_testbed.lanes.broker import Broker, queue_config
from opencti_testbed.lanes.collector import Collector
from opencti_testbed.lanes.delivery import Delivery
from opencti_testbed.lanes.enrichment import Enrichment
from opencti_testbed.lanes.exports import FileExports
from opencti_testbed.lanes.imports import FileImports
from opencti_testbed.lanes.playbooks import PlaybookSteps
from opencti_testbed.lanes.requests import Requests
from opencti_testbed.store import Store

# What a connector is told when there is no broker: a name that cannot be resolved says more than a refused connection.
NO_BROKER: Mapping[str, Any] = {
    "host": "start-the-testbed-with-amqp.invalid",
    "vhost": "/",
    "use_ssl": False,
    "port": 5672,
    "user": "nobody",
    "pass": "nobody",
}


class Lanes:
    """Requests to connectors over HTTP, and the queues of a broker if there is one."""

    def __init__(
        self, store: Store, worker: IngestWorker, amqp: str | None = None
    ) -> None:
        """Bind to a store and to what takes bundles; `start()` begins.

        Args:
            amqp: URL of a broker; None: over HTTP alone.

        Raises:
            ValueError: the URL is none.
        """
        self.broker = Broker(amqp) if amqp else None
        self.delivery = Delivery(store, self.broker)
        self.steps = PlaybookSteps(store.database)
        asking = Asking(store, self.delivery)
        self.enrichment = Enrichment(store, asking, self.steps)
        self.imports = FileImports(store, asking)
        self.exports = FileExports(store, asking)
        self._collector = Collector(self.broker, store, worker) if self.broker else None
        self._requests = Requests(store.database)
        self._connectors = store.connectors

    def start(self) -> None:
        """Begin."""
        self.delivery.start()
        self.enrichment.start()
        if self._collector:
            self._collector.start()

    def stop(self) -> None:
        """End; what waits goes on after the next start."""
        if self._collector:
            self._collector.stop()
        self.enrichment.stop()
        self.delivery.stop()

    def catch_up(self, timeout: float) -> bool:
        """Return True when all that connectors had pushed before is on disk, False after `timeout` seconds."""
        return self._collector is None or self._collector.catch_up(timeout)

    def declare(self, connector: Mapping[str, Any]) -> None:
        """Declare the queues of a connector: its `id`, `name`, `type` and `scope` (a list).

        Raises:
            BrokerAway: the broker does not answer.
        """
        if self.broker:
            self.broker.declare([connector])

    def remove(self, connector_id: str) -> None:
        """Remove a connector: its registration, what waits for it, and its queues.

        Raises:
            UnknownConnector: nobody registered under this id.
            BrokerAway: the broker does not answer; nothing was removed.
        """

        def forget() -> None:
            self._connectors.delete(connector_id)
            self._requests.forget(connector_id)

        if self.broker:
            self.broker.remove(connector_id, forget)
        else:
            forget()

    def config(self, connector_id: str) -> dict[str, Any]:
        """Return what a connector is told about its queues."""
        connection = self.broker.connection_data() if self.broker else dict(NO_BROKER)
        return {"connection": connection, **queue_config(connector_id)}
