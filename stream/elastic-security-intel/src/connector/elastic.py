"""Documents in an index or a data stream of Elasticsearch 8 or 9, through the official client.

The client of version 8 asks for answers in the form of version 8, which Elasticsearch 9 gives, too.
"""

import logging
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import orjson
from connector.ecs import Document, mappings
from connector.settings import ElasticSecurityConfig
from elastic_transport import NodeConfig, RequestsHttpNode
from elasticsearch import (
    ApiError,
    AuthenticationException,
    AuthorizationException,
    BadRequestError,
    Elasticsearch,
    NotFoundError,
    UnsupportedProductError,
)
from requests.utils import get_environ_proxies

from connectors_sdk.connectors.stream import (
    Result,
    TargetUnavailableError,
    refused,
    retry,
)

# Documents in one request: Elasticsearch takes 100 MB, and recommends a few.
_MOST_BYTES = 8_000_000
# So many hits come with one answer: Elasticsearch's own limit is 10,000.
_PAGE = 5_000
# What documents say of their object.
_SAID = ["opencti.fingerprint", "opencti.documents", "opencti.rule"]
# A request is wrong: where it brings nothing of an event, something at the target stands against it.
_OWN_FAULT = (400, 405, 409, 410, 413)
# What concerns all documents alike.
_OF_ALL = {
    "cluster_block_exception",
    "index_not_found_exception",
    "index_closed_exception",
    "security_exception",
    "unavailable_shards_exception",
}


@dataclass(frozen=True, slots=True)
class Stored:
    """A document as it is stored.

    Attributes:
        index: the index that holds it; of a data stream a backing index.
        id: its id.
        owner: the platform's id of the object that it is about.
        seq_no, primary_term: its version.
        fingerprint, documents, rule: what it says of its object, see `ecs`.
    """

    index: str
    id: str
    owner: str
    seq_no: int
    primary_term: int
    fingerprint: str
    documents: int
    rule: str | None


@dataclass(frozen=True, slots=True)
class Operation:
    """Something to be done about a document.

    Attributes:
        event: number of the event that it is for.
        action: the line of the bulk API.
        document: the document, unless it is to be deleted.
    """

    event: int
    action: dict[str, Any]
    document: Document | None = None


class Store:
    """The documents of this connector.

    Attributes:
        was_empty: whether there were none when this process looked first.
    """

    was_empty: bool | None = None

    def __init__(self, options: ElasticSecurityConfig) -> None:
        """Take the settings; nothing is asked yet."""
        self._options = options
        self._index = options.index_name
        self._client = _client(options)
        self._is_stream = False
        self._is_ready = False

    # -- the place -------------------------------------------------------------------------------------------------

    def prepare(self) -> None:
        """Make sure, once, that there is an index or a data stream whose mappings fit.

        Raises:
            TargetUnavailableError: there is none; the text says what to do.
        """
        if self._is_ready:
            return
        with self._explained():
            found = self._kind()
            self._is_stream = found == "stream" or (
                not found and self._options.data_stream
            )
            if self._options.install_template:
                self._install(bool(found))
            elif not found:
                raise TargetUnavailableError(
                    f"there is no index {self._index}: make it, or set ELASTIC_SECURITY_INSTALL_TEMPLATE=true"
                )
            if self.was_empty is None:
                self.was_empty = not found or next(self.everything(), None) is None
        self._is_ready = True

    def version(self) -> str:
        """Return the version of Elasticsearch.

        Raises:
            TargetUnavailableError: what answers is something else, or the credentials do not allow to ask.
        """
        with self._explained():
            return str(self._client.info()["version"]["number"])

    def _kind(self) -> str:
        """Return what there is: `stream`, `index` (or an alias), or nothing."""
        try:
            self._client.indices.get_data_stream(name=self._index)
            return "stream"
        except (NotFoundError, BadRequestError):
            # 400: an index is asked for as a data stream.
            return "index" if self._client.indices.exists(index=self._index) else ""

    def _install(self, exists: bool) -> None:
        template: dict[str, Any] = {"mappings": mappings()}
        days = self._options.indicator_expire_time
        if self._is_stream:
            template["lifecycle"] = {"data_retention": f"{days}d"} if days else {}
        self._client.indices.put_index_template(
            name=f"opencti-{self._index}",
            index_patterns=[self._index],
            # Above those that come with Elasticsearch.
            priority=500,
            template=template,
            data_stream={} if self._is_stream else None,
            meta={"description": "Threat intelligence from OpenCTI", "managed": False},
        )
        try:
            if exists:
                self._client.indices.put_mapping(index=self._index, **mappings())
            elif self._is_stream:
                self._client.indices.create_data_stream(name=self._index)
            else:
                self._client.indices.create(index=self._index)
        except BadRequestError as error:
            if error.message == "resource_already_exists_exception":
                return
            raise TargetUnavailableError(
                f"{self._index} was made by something else, its mappings do not fit ({_reason(error)}): "
                "delete it, or set another ELASTIC_SECURITY_INDEX_NAME"
            ) from error

    # -- reading ---------------------------------------------------------------------------------------------------

    def about(self, platform_ids: Sequence[str]) -> dict[str, list[Stored]]:
        """Return the documents that there are about objects, also those of a moment ago.

        Raises:
            TargetUnavailableError: and what the client raises.
        """
        if not platform_ids:
            return {}
        with self._explained():
            self._client.indices.refresh(index=self._index)
        found: dict[str, list[Stored]] = {}
        for one in self._search({"terms": {"opencti.id": list(platform_ids)}}):
            found.setdefault(one.owner, []).append(one)
        return found

    def everything(self) -> Iterator[Stored]:
        """Yield all documents, those about one object one after the other.

        Raises:
            TargetUnavailableError: and what the client raises.
        """
        with self._explained():
            self._client.indices.refresh(index=self._index)
        yield from self._search({"exists": {"field": "opencti.id"}})

    def _search(self, query: dict[str, Any]) -> Iterator[Stored]:
        after: list[Any] | None = None
        while True:
            with self._explained():
                answer = self._client.search(
                    index=self._index,
                    query=query,
                    size=_PAGE,
                    # In the order of their keys: what changes meanwhile does not move the others.
                    sort=[{"opencti.id": "asc"}, {"opencti.document": "asc"}],
                    search_after=after,
                    seq_no_primary_term=True,
                    track_total_hits=False,
                    # What is not found is not removed: better no answer than half of one.
                    allow_partial_search_results=False,
                    source={"includes": _SAID},
                )
                hits = answer["hits"]["hits"]
                found = [_stored(hit) for hit in hits]
            yield from found
            if len(hits) < _PAGE:
                return
            after = hits[-1]["sort"]

    # -- writing ---------------------------------------------------------------------------------------------------

    def changes(
        self, event: int, wanted: Iterable[Document], there: Iterable[Stored]
    ) -> Iterator[Operation]:
        """Yield what makes the documents about an object those that are wanted."""
        left = {one.id: one for one in there}
        for document in wanted:
            own_id = document["opencti"]["document"]
            old = left.pop(own_id, None)
            if not self._is_stream:
                index = old.index if old else self._index
                action = {"index": {"_index": index, "_id": own_id}}
            elif old is None:
                action = {"create": {"_index": self._index, "_id": own_id}}
            else:
                # A data stream only grows; its backing indices change where they are told which version.
                place = {"_index": old.index, "_id": own_id}
                version = {"if_seq_no": old.seq_no, "if_primary_term": old.primary_term}
                action = {"index": place | version}
            yield Operation(event, action, document)
        for old in left.values():
            yield Operation(event, {"delete": {"_index": old.index, "_id": old.id}})

    def write(self, operations: Iterable[Operation]) -> dict[int, Result]:
        """Do it, and return by event what did not go well.

        Raises:
            TargetUnavailableError: nothing is taken at the moment.
        """
        failures: dict[int, Result] = {}
        for some in _requests(operations):
            failures.update(self._write(some))
        return failures

    def _write(self, operations: list[tuple[int, list[bytes]]]) -> dict[int, Result]:
        with self._explained(of_events=True):
            # The client takes lines as well; its annotation does not say so.
            lines: list[Any] = [line for _, lines in operations for line in lines]
            answer = self._client.bulk(operations=lines)
            outcomes = [next(iter(item.values())) for item in answer["items"]]
            if len(outcomes) != len(operations):
                raise ValueError("not as many outcomes as operations")
            failures: dict[int, Result] = {}
            went_well = False
            for (event, _), outcome in zip(operations, outcomes, strict=True):
                failed = _failure(outcome)
                went_well = went_well or failed is None
                if failed is not None:
                    # The one that cannot be repaired counts.
                    worse = failures.get(event)
                    if worse is None or failed.outcome != retry("").outcome:
                        failures[event] = failed
        if not went_well and all(_is_busy(outcome) for outcome in outcomes):
            raise TargetUnavailableError(next(iter(failures.values())).reason)
        return failures

    @contextmanager
    def _explained(self, of_events: bool = False) -> Iterator[None]:
        """Tell what is wrong with the target as a whole from what is wrong with a request.

        Args:
            of_events: the request brings what events say, which may be why it is refused.

        Raises:
            TargetUnavailableError: it is the target.
        """
        try:
            yield
        except TargetUnavailableError:
            # Perhaps the index was deleted: looked at again before the next attempt.
            self._is_ready = False
            raise
        except UnsupportedProductError as error:
            raise TargetUnavailableError(
                "what answers is not Elasticsearch (8 or 9); see ELASTIC_SECURITY_URL"
            ) from error
        except AuthenticationException as error:
            raise TargetUnavailableError(
                f"the credentials are not accepted: {_reason(error)}"
            ) from error
        except AuthorizationException as error:
            raise TargetUnavailableError(
                f"the credentials do not allow it: {_reason(error)}"
            ) from error
        except NotFoundError as error:
            self._is_ready = False
            raise TargetUnavailableError(_reason(error)) from error
        except ApiError as error:
            if error.status_code in _OWN_FAULT and not of_events:
                self._is_ready = False
                raise TargetUnavailableError(
                    f"Elasticsearch does not take what the connector asks: {_reason(error)}"
                ) from error
            if error.status_code >= 400:
                raise
            raise TargetUnavailableError(
                f"what answers redirects to another address (HTTP {error.status_code}); see ELASTIC_SECURITY_URL"
            ) from error
        except (
            KeyError,
            TypeError,
            AttributeError,
            StopIteration,
            ValueError,
        ) as error:
            raise TargetUnavailableError(
                f"what answers is not as Elasticsearch answers: {type(error).__name__}: {error}"
            ) from error


class _Node(RequestsHttpNode):
    """Speaks with Elasticsearch through the proxies that the environment names, as the client's other nodes do not."""

    def __init__(self, config: NodeConfig) -> None:
        super().__init__(config)
        self.session.proxies = get_environ_proxies(self.base_url)
        if self.session.verify is True:
            self.session.verify = os.environ.get("REQUESTS_CA_BUNDLE") or True
        # What is sent is meant for who was named, and nobody else.
        setattr(self.session, "get_redirect_target", lambda _: None)
        # Nothing else of it counts beside the settings: no other authority, no password of a `.netrc`.
        self.session.trust_env = False


def _client(options: ElasticSecurityConfig) -> Elasticsearch:
    # It would tell of every request.
    logging.getLogger("elastic_transport").setLevel(logging.WARNING)
    settings: dict[str, Any] = {
        # The runtime repeats, and waits.
        "max_retries": 0,
        "retry_on_timeout": False,
        "request_timeout": options.timeout.total_seconds(),
        "http_compress": True,
        "node_class": _Node,
    }
    if options.cloud_id is not None:
        settings["cloud_id"] = options.cloud_id
    elif options.url is not None:
        url = options.url
        host = f"{url.scheme}://{url.host}:{url.port}{(url.path or '').rstrip('/')}"
        settings["hosts"] = [host]
    if options.api_key is not None:
        settings["api_key"] = options.api_key.get_secret_value()
    elif options.username is not None and options.password is not None:
        password = options.password.get_secret_value()
        settings["basic_auth"] = (options.username, password)
    if options.cloud_id is not None or (options.url and options.url.scheme == "https"):
        settings |= {"verify_certs": options.verify_ssl, "ssl_show_warn": False}
        for name, file in (
            ("ca_certs", options.ca_cert),
            ("client_cert", options.client_cert),
            ("client_key", options.client_key),
        ):
            if file is not None:
                settings[name] = str(file)
    return Elasticsearch(**settings)


def _reason(error: ApiError) -> str:
    body = error.body
    if isinstance(body, dict) and isinstance(body.get("error"), dict):
        return str(body["error"].get("reason") or error.message)
    return str(error)


def _stored(hit: dict[str, Any]) -> Stored:
    own = hit["_source"]["opencti"]
    return Stored(
        index=hit["_index"],
        id=hit["_id"],
        owner=hit["sort"][0],
        seq_no=hit["_seq_no"],
        primary_term=hit["_primary_term"],
        fingerprint=own.get("fingerprint", ""),
        documents=own.get("documents", 0),
        rule=own.get("rule"),
    )


def _requests(
    operations: Iterable[Operation],
) -> Iterator[list[tuple[int, list[bytes]]]]:
    """Yield operations, as lines, so many as go into one request."""
    some: list[tuple[int, list[bytes]]] = []
    size = 0
    for operation in operations:
        lines = [orjson.dumps(operation.action)]
        if operation.document is not None:
            lines.append(orjson.dumps(operation.document))
        length = sum(map(len, lines))
        if some and size + length > _MOST_BYTES:
            yield some
            some, size = [], 0
        some.append((operation.event, lines))
        size += length
    if some:
        yield some


def _is_busy(outcome: dict[str, Any]) -> bool:
    return outcome["status"] in (429, 503)


def _failure(outcome: dict[str, Any]) -> Result | None:
    """Return what an operation came to; None when it was done.

    Raises:
        TargetUnavailableError: it is about the whole index.
    """
    status, error = outcome["status"], outcome.get("error")
    # What is not there need not be deleted.
    if not error and (status < 300 or status == 404):
        return None
    kind = reason = str(error)
    if isinstance(error, dict):
        kind, reason = str(error.get("type")), str(error.get("reason"))
        cause = error.get("caused_by")
        if isinstance(cause, dict) and cause.get("reason"):
            reason += f": {cause['reason']}"
        reason = f"{kind}: {reason}"
    if kind in _OF_ALL:
        raise TargetUnavailableError(reason)
    # 409: somebody else has changed it; looked up again it is found as it is now.
    if status in (409, 429) or status >= 500:
        return retry(reason)
    return refused(reason)
