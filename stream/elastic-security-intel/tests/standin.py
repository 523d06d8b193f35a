"""Elasticsearch and Kibana on loopback, as far as the connector needs them: a real HTTP server that checks every request.

Source: Elastic's API reference: bulk, search, refresh, index templates, data streams, mappings (Elasticsearch 8 and 9), detection
rules (Kibana). What is not documented for a request, or is missing in it, is answered with an error and kept in
`violations`. As with the real one, a search finds what was refreshed only, and a data stream takes `create` only.
"""

import argparse
import base64
import gzip
import ipaddress
import json
import re
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self
from urllib.parse import unquote

import orjson

from connectors_sdk.testing import Canned, CannedServer, Fault, RecordedRequest

API_KEY = "aWQ6Y2FuYXJ5LWFwaS1rZXk="
USER, PASSWORD = "connector", "canary-password"
_JSON = "application/vnd.elasticsearch+json"
_NDJSON = "application/vnd.elasticsearch+x-ndjson"
_PRODUCT = {
    "X-Elastic-Product": "Elasticsearch",
    "Content-Type": f"{_JSON};compatible-with=8",
}
_MOST_TERMS = 65_536
_MOST_HITS = 10_000


class Refused(Exception):
    """A request is answered with an error.

    Attributes:
        is_mistake: whether it should never have been sent.
    """

    def __init__(
        self, status: int, kind: str, reason: str, *, is_mistake: bool = True
    ) -> None:
        super().__init__(reason)
        self.status, self.kind, self.reason = status, kind, reason
        self.is_mistake = is_mistake

    @property
    def error(self) -> dict[str, Any]:
        """The error as Elasticsearch words it."""
        return {"type": self.kind, "reason": self.reason}


@dataclass
class Doc:
    """A document and its version."""

    source: dict[str, Any]
    seq_no: int
    primary_term: int = 1


@dataclass
class Index:
    """An index: documents as they are, and as a search finds them."""

    mappings: dict[str, Any]
    documents: dict[str, Doc] = field(default_factory=dict)
    visible: dict[str, Doc] = field(default_factory=dict)
    changed: set[str] = field(default_factory=set)
    seq_no: int = -1


@dataclass
class Trouble:
    """What happens to requests whose method and path fit, instead of an answer."""

    where: str
    answer: Canned
    times: int


class ElasticStandIn(CannedServer):
    """The server. Kibana answers below `/kibana`.

    Attributes:
        violations: what no client may send.
        statuses: method, path and status of each request, in order.
        indices: by name; those of data streams begin with `.ds-`.
        streams: the backing indices of each data stream.
        templates: index templates by name.
        rules: detection rules by `rule_id`.
        item_errors: errors of the bulk API by document id, each given once.
        credentials: headers `Authorization` that are good.
        tls: how to encrypt; set before it is entered.
        on_request: told of each request before something is done, and after it but before the answer; where it says False
            before, nothing is done and the connection breaks.
    """

    def __init__(self, version: str = "9.1.0", port: int = 0) -> None:
        super().__init__(port)
        self.version = version
        self.violations: list[str] = []
        self.statuses: list[tuple[str, str, int]] = []
        self.indices: dict[str, Index] = {}
        self.streams: dict[str, list[str]] = {}
        self.templates: dict[str, dict[str, Any]] = {}
        self.rules: dict[str, dict[str, Any]] = {}
        self.item_errors: dict[str, list[tuple[int, dict[str, Any]]]] = {}
        basic = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        self.credentials = {f"ApiKey {API_KEY}", f"Basic {basic}"}
        self.tls: ssl.SSLContext | None = None
        self.on_request: Callable[[RecordedRequest, str], bool] = lambda *_: True
        self._troubles: list[Trouble] = []
        self._turn = threading.RLock()

    def __enter__(self) -> Self:
        super().__enter__()
        if self.tls is not None and self._server is not None:
            self._server.socket = self.tls.wrap_socket(
                self._server.socket, server_side=True
            )
            self.url = self.url.replace("http:", "https:")
        return self

    # -- what a test uses -------------------------------------------------------------------------------------------

    def trouble(self, where: str, answer: Canned, times: int = 1) -> None:
        """Let requests whose `<method> <path>` fits a pattern fail so many times."""
        self._troubles.append(Trouble(where, answer, times))

    @property
    def documents(self) -> dict[str, dict[str, Any]]:
        """All documents by id, whatever index they are in; an id in two indices is an error."""
        with self._turn:
            found: dict[str, dict[str, Any]] = {}
            for index in self.indices.values():
                assert not found.keys() & index.documents.keys(), "twice"
                found |= {key: doc.source for key, doc in index.documents.items()}
            return found

    def indicators(self) -> dict[str, dict[str, Any]]:
        """Return `threat.indicator` of all documents by its name."""
        return {
            one["threat"]["indicator"]["name"]: one["threat"]["indicator"]
            for one in self.documents.values()
        }

    def count(self, path: str) -> int:
        """Return how many requests there were whose `<method> <path>` fits a pattern."""
        told = [f"{method} {place}" for method, place, _ in self.statuses]
        return sum(bool(re.search(path, one)) for one in told)

    def roll_over(self, stream: str) -> None:
        """Begin a new backing index."""
        with self._turn:
            mappings = self.indices[self.streams[stream][-1]].mappings
            self._new_backing_index(stream, mappings)

    # -- answering --------------------------------------------------------------------------------------------------

    def answer(self, request: RecordedRequest) -> Canned:
        """Check a request and answer it."""
        with self._turn:
            answer = self._troubled(request)
            if answer is None:
                if not self.on_request(request, "before"):
                    return Canned(fault=Fault.RESET)
                answer = self._answer(request)
                self.on_request(request, "after")
            if request.path != "/_documents":
                self.statuses.append((request.method, request.path, answer.status))
            return answer

    def _troubled(self, request: RecordedRequest) -> Canned | None:
        for trouble in self._troubles:
            if trouble.times and re.search(
                trouble.where, f"{request.method} {request.path}"
            ):
                trouble.times -= 1
                return trouble.answer
        return None

    def _answer(self, request: RecordedRequest) -> Canned:
        is_kibana = request.path.startswith("/kibana/")
        if request.path == "/_documents":
            return self._shown(request)
        try:
            if request.headers.get("authorization") not in self.credentials:
                reason = (
                    f"unable to authenticate user for REST request [{request.path}]"
                )
                raise Refused(401, "security_exception", reason)
            if is_kibana:
                return Canned(self._kibana(request))
            self._check_headers(request)
            return Canned(self._elasticsearch(request), headers=_PRODUCT)
        except Refused as error:
            if error.is_mistake and error.status not in (401, 404, 409):
                self.violations.append(f"{request.method} {request.path}: {error}")
            if is_kibana:
                body = {"message": error.reason, "status_code": error.status}
                return Canned(body, error.status)
            cause = error.error
            body = {"error": {"root_cause": [cause], **cause}, "status": error.status}
            return Canned(body, error.status, headers=_PRODUCT)

    def _shown(self, request: RecordedRequest) -> Canned:
        """Answer a person or a benchmark: the documents, their number and names, or forget them."""
        if request.method == "DELETE":
            self.indices.clear()
            self.streams.clear()
            self.statuses.clear()
        elif "summary" in request.query:
            bulks = [path for _, path, _ in self.statuses if path == "/_bulk"]
            count = sum(len(index.documents) for index in self.indices.values())
            return Canned(
                {
                    "documents": count,
                    "requests": len(self.statuses),
                    "bulks": len(bulks),
                    "violations": self.violations,
                }
            )
        elif "names" in request.query:
            return Canned(sorted(self.indicators()))
        return Canned(self.documents)

    def _check_headers(self, request: RecordedRequest) -> None:
        accept = request.headers.get("accept", "")
        if accept.replace(" ", "") != f"{_JSON};compatible-with=8":
            raise Refused(400, "media_type_header_exception", f"Accept: {accept}")
        if request.body:
            wanted = _NDJSON if request.path.endswith("_bulk") else _JSON
            kind = request.headers.get("content-type", "").replace(" ", "")
            if kind != f"{wanted};compatible-with=8":
                raise Refused(
                    406, "media_type_header_exception", f"Content-Type: {kind}"
                )

    def _elasticsearch(self, request: RecordedRequest) -> Any:
        body = request.body
        if request.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        path = unquote(request.path).strip("/")
        routes: list[tuple[str, str, Callable[..., Any]]] = [
            ("GET", "", self._info),
            ("PUT|POST", "_bulk", self._bulk),
            ("GET", r"_data_stream/([^/]+)", self._get_stream),
            ("PUT", r"_data_stream/([^/]+)", self._put_stream),
            ("PUT|POST", r"_index_template/([^/]+)", self._put_template),
            ("HEAD", r"([^_/][^/]*)", self._exists),
            ("PUT", r"([^_/][^/]*)", self._put_index),
            ("PUT|POST", r"([^_/][^/]*)/_mapping", self._put_mapping),
            ("GET|POST", r"([^_/][^/]*)/_refresh", self._refresh),
            ("GET|POST", r"([^_/][^/]*)/_search", self._search),
            ("PUT", r"([^_/][^/]*)/_doc/([^/]+)", self._put_document),
        ]
        # Half an answer would do harm, so that it has to be ruled out.
        partial = {"allow_partial_search_results": ["false"]}
        if request.query != (partial if path.endswith("_search") else {}):
            reason = f"request [/{path}] contains {request.query}"
            raise Refused(400, "illegal_argument_exception", reason)
        for methods, pattern, handler in routes:
            found = re.fullmatch(pattern, path)
            if found and request.method in methods.split("|"):
                if path != "_bulk":
                    return handler(*found.groups(), orjson.loads(body or b"{}"))
                return handler(body)
        reason = f"no handler found for uri [/{path}] and method [{request.method}]"
        raise Refused(400, "illegal_argument_exception", reason)

    def _info(self, body: dict[str, Any]) -> dict[str, Any]:
        _only(body)
        number = {"number": self.version, "build_flavor": "default"}
        return {
            "cluster_name": "stand-in",
            "version": number,
            "tagline": "You Know, for Search",
        }

    # -- indices ----------------------------------------------------------------------------------------------------

    def _backing(self, name: str) -> list[str]:
        if name in self.streams:
            return self.streams[name]
        if name in self.indices:
            return [name]
        raise Refused(404, "index_not_found_exception", f"no such index [{name}]")

    def _exists(self, name: str, body: dict[str, Any]) -> bytes:
        _only(body)
        self._backing(name)
        return b""

    def _get_stream(self, name: str, body: dict[str, Any]) -> dict[str, Any]:
        _only(body)
        if name in self.indices:
            reason = f"The provided expression [{name}] matches an index"
            raise Refused(400, "illegal_argument_exception", reason, is_mistake=False)
        if name not in self.streams:
            raise Refused(404, "index_not_found_exception", f"no such index [{name}]")
        indices = [{"index_name": one} for one in self.streams[name]]
        return {"data_streams": [{"name": name, "indices": indices}]}

    def _template_of(self, name: str) -> dict[str, Any]:
        fitting = [t for t in self.templates.values() if name in t["index_patterns"]]
        return max(fitting, key=lambda t: int(t["priority"]), default={})

    def _put_template(self, name: str, body: dict[str, Any]) -> dict[str, Any]:
        _only(body, "index_patterns", "priority", "template", "data_stream", "_meta")
        _only(body["template"], "mappings", "settings", "lifecycle")
        _check_mappings(body["template"].get("mappings", {}))
        _only(body["template"].get("lifecycle", {}), "data_retention", "enabled")
        if "lifecycle" in body["template"] and "data_stream" not in body:
            reason = "lifecycle can only be set on data stream templates"
            raise Refused(400, "illegal_argument_exception", reason)
        self.templates[name] = body
        return {"acknowledged": True}

    def _put_stream(self, name: str, body: dict[str, Any]) -> dict[str, Any]:
        _only(body)
        template = self._template_of(name)
        if "data_stream" not in template:
            reason = f"no matching index template found for data stream [{name}]"
            raise Refused(400, "illegal_argument_exception", reason)
        self._new_backing_index(name, template["template"]["mappings"])
        return {"acknowledged": True}

    def _new_backing_index(self, stream: str, mappings: dict[str, Any]) -> None:
        backing = self.streams.setdefault(stream, [])
        name = f".ds-{stream}-2026.01.01-{len(backing) + 1:06}"
        self.indices[name] = Index(mappings)
        backing.append(name)

    def _put_index(self, name: str, body: dict[str, Any]) -> dict[str, Any]:
        _only(body, "mappings", "settings", "aliases")
        if name in self.indices:
            reason = f"index [{name}/abc] already exists"
            raise Refused(400, "resource_already_exists_exception", reason)
        template = self._template_of(name)
        if "data_stream" in template:
            reason = f"cannot create index with name [{name}], because it matches with template"
            raise Refused(400, "illegal_argument_exception", reason)
        self.indices[name] = Index(template.get("template", {}).get("mappings", {}))
        return {"acknowledged": True, "shards_acknowledged": True, "index": name}

    def _put_mapping(self, name: str, body: dict[str, Any]) -> dict[str, Any]:
        _only(body, "properties", "dynamic")
        _check_mappings(body)
        for backing in self._backing(name):
            there = dict(_flat(self.indices[backing].mappings))
            for path, kind in _flat(body):
                old = there.get(path, kind)
                if old["type"] != kind["type"]:
                    reason = f"mapper [{path}] cannot be changed from type [{old['type']}] to [{kind['type']}]"
                    raise Refused(400, "illegal_argument_exception", reason)
            self.indices[backing].mappings = body
        return {"acknowledged": True}

    # -- documents --------------------------------------------------------------------------------------------------

    def _refresh(self, name: str, body: dict[str, Any]) -> dict[str, Any]:
        _only(body)
        for one in self._backing(name):
            index = self.indices[one]
            for key in index.changed:
                if key in index.documents:
                    index.visible[key] = index.documents[key]
                else:
                    index.visible.pop(key, None)
            index.changed.clear()
        return {"_shards": {"total": 1, "successful": 1, "failed": 0}}

    def _search(self, name: str, body: dict[str, Any]) -> dict[str, Any]:
        _only(
            body,
            *("query", "size", "sort", "search_after", "seq_no_primary_term"),
            *("track_total_hits", "_source"),
        )
        size = body.get("size", 10)
        if size > _MOST_HITS:
            raise Refused(
                400, "illegal_argument_exception", "Result window is too large"
            )
        fields = [next(iter(one)) for one in body["sort"]]
        fits = self._query(name, body["query"])
        hits = []
        for backing in self._backing(name):
            for key, doc in self.indices[backing].visible.items():
                if fits(doc.source):
                    order = [_get(doc.source, one) for one in fields]
                    hits.append((order, backing, key, doc))
        hits.sort(key=lambda hit: hit[0])
        if "search_after" in body:
            if len(body["search_after"]) != len(fields):
                raise Refused(400, "illegal_argument_exception", "search_after")
            hits = [hit for hit in hits if hit[0] > body["search_after"]]
        return {
            "took": 1,
            "timed_out": False,
            "_shards": {"total": 1, "successful": 1, "skipped": 0, "failed": 0},
            "hits": {
                "max_score": None,
                "hits": [
                    {
                        "_index": backing,
                        "_id": key,
                        "_score": None,
                        "_seq_no": doc.seq_no,
                        "_primary_term": doc.primary_term,
                        "_source": _filtered(doc.source, body["_source"]["includes"]),
                        "sort": order,
                    }
                    for order, backing, key, doc in hits[:size]
                ],
            },
        }

    def _query(
        self, name: str, query: dict[str, Any]
    ) -> Callable[[dict[str, Any]], bool]:
        ((kind, clause),) = query.items()
        if kind == "terms":
            ((path, values),) = clause.items()
            if len(values) > _MOST_TERMS:
                raise Refused(400, "illegal_argument_exception", "too many terms")
        elif kind == "exists":
            _only(clause, "field")
            path, values = clause["field"], None
        else:
            raise Refused(400, "parsing_exception", f"unknown query [{kind}]")
        mapped = {
            path
            for one in self._backing(name)
            for path, _ in _flat(self.indices[one].mappings)
        }
        if path not in mapped:
            return lambda _: False
        wanted = None if values is None else set(values)

        def fits(source: dict[str, Any]) -> bool:
            value = _get(source, path)
            return value is not None if wanted is None else value in wanted

        return fits

    def _put_document(
        self, name: str, key: str, body: dict[str, Any]
    ) -> dict[str, Any]:
        # The connector has no need of it; the benchmark's other contestant has.
        done = self._apply("index", {"_index": name, "_id": key}, body)
        return {"_id": key, **done}

    def _bulk(self, body: bytes) -> dict[str, Any]:
        if not body.endswith(b"\n"):
            reason = "The bulk request must be terminated by a newline [\\n]"
            raise Refused(400, "illegal_argument_exception", reason)
        lines = iter(body.split(b"\n")[:-1])
        items = []
        for line in lines:
            ((verb, meta),) = orjson.loads(line).items()
            if verb not in ("index", "create", "delete"):
                raise Refused(
                    400, "illegal_argument_exception", f"Unknown action [{verb}]"
                )
            _only(meta, "_index", "_id", "if_seq_no", "if_primary_term")
            source = None if verb == "delete" else orjson.loads(next(lines))
            items.append({verb: self._item(verb, meta, source)})
        errors = any("error" in next(iter(item.values())) for item in items)
        return {"took": 1, "errors": errors, "items": items}

    def _item(
        self, verb: str, meta: dict[str, Any], source: dict[str, Any] | None
    ) -> dict[str, Any]:
        name, key = meta["_index"], meta["_id"]
        outcome: dict[str, Any] = {"_index": name, "_id": key}
        if self.item_errors.get(key):
            status, error = self.item_errors[key].pop(0)
            return outcome | {"status": status, "error": error}
        try:
            if len(key.encode()) > 512:
                raise Refused(400, "illegal_argument_exception", "id is too long")
            return outcome | self._apply(verb, meta, source)
        except Refused as error:
            if error.status == 400 and error.kind != "document_parsing_exception":
                self.violations.append(f"bulk {verb} {meta}: {error}")
            return outcome | {"status": error.status, "error": error.error}

    def _apply(
        self, verb: str, meta: dict[str, Any], source: dict[str, Any] | None
    ) -> dict[str, Any]:
        name, key = meta["_index"], meta["_id"]
        backing = self._backing(name)[-1]
        if name in self.streams and verb != "create":
            reason = (
                "only write ops with an op_type of create are allowed in data streams"
            )
            raise Refused(400, "illegal_argument_exception", reason)
        if name.startswith(".ds-") and verb != "delete" and "if_seq_no" not in meta:
            reason = f"index request with op_type=index targeting backing indices is not allowed unless if_seq_no and if_primary_term are set, [{name}]"
            raise Refused(400, "illegal_argument_exception", reason)
        index = self.indices[backing]
        old = index.documents.get(key)
        if "if_seq_no" in meta:
            current = (old.seq_no, old.primary_term) if old else (-1, 0)
            if current != (meta["if_seq_no"], meta["if_primary_term"]):
                reason = f"[{key}]: version conflict, required seqNo [{meta['if_seq_no']}], primary term [1]. current document has seqNo [{current[0]}] and primary term [1]"
                raise Refused(409, "version_conflict_engine_exception", reason)
        if verb == "create" and old is not None:
            reason = f"[{key}]: version conflict, document already exists (current version [1])"
            raise Refused(409, "version_conflict_engine_exception", reason)
        if source is not None:
            _check_document(source, index.mappings, is_stream=bool(self.streams))
        index.seq_no += 1
        index.changed.add(key)
        version = {"_seq_no": index.seq_no, "_primary_term": 1, "_index": backing}
        if verb == "delete":
            gone = index.documents.pop(key, None)
            return version | {
                "result": "deleted" if gone else "not_found",
                "status": 200 if gone else 404,
            }
        index.documents[key] = Doc(source or {}, index.seq_no)
        result = "updated" if old else "created"
        return version | {"result": result, "status": 200 if old else 201}

    # -- Kibana -----------------------------------------------------------------------------------------------------

    def _kibana(self, request: RecordedRequest) -> Any:
        path = request.path.removeprefix("/kibana").removeprefix("/s/soc")
        query = {name: values[0] for name, values in request.query.items()}
        if request.method != "GET" and "kbn-xsrf" not in request.headers:
            raise Refused(400, "", "Request must contain a kbn-xsrf header.")
        if request.headers.get("elastic-api-version") != "2023-10-31":
            raise Refused(400, "", "no such version of the API")
        if path == "/api/detection_engine/rules/_find" and request.method == "GET":
            _only(query, "page", "per_page", "sort_field", "sort_order", "filter")
            page, size = int(query["page"]), int(query["per_page"])
            tag = re.fullmatch(r'alert\.attributes\.tags: "(.*)"', query["filter"])
            assert tag is not None
            found = [one for one in self.rules.values() if tag[1] in one["tags"]]
            data = found[(page - 1) * size : page * size]
            return {"page": page, "perPage": size, "total": len(found), "data": data}
        if path != "/api/detection_engine/rules":
            raise Refused(404, "", "Not Found")
        if request.method in ("GET", "DELETE"):
            _only(query, "rule_id")
            if query["rule_id"] not in self.rules:
                raise Refused(404, "", f'rule_id: "{query["rule_id"]}" not found')
            if request.method == "DELETE":
                return self.rules.pop(query["rule_id"])
            return self.rules[query["rule_id"]]
        return self._write_rule(request.method, json.loads(request.body))

    def _write_rule(self, method: str, rule: dict[str, Any]) -> dict[str, Any]:
        name = rule["rule_id"]
        if method == "PATCH":
            if name not in self.rules:
                raise Refused(404, "", f'rule_id: "{name}" not found')
            rule = self.rules[name] | rule
        elif method == "POST" and name in self.rules:
            raise Refused(409, "", f'rule_id: "{name}" already exists')
        needed = {
            "name",
            "description",
            "risk_score",
            "severity",
            "type",
            "query",
            "language",
        }
        if needed - rule.keys():
            missing = sorted(needed - rule.keys())
            raise Refused(400, "", f"[request body]: {missing}: Required")
        languages = {"query": ("kuery", "lucene"), "eql": ("eql",), "esql": ("esql",)}
        if rule["language"] not in languages[rule["type"]]:
            raise Refused(400, "", "[request body]: language: Invalid enum value")
        if rule["type"] == "esql" and "index" in rule:
            raise Refused(400, "", "[request body]: ES|QL rules have no index")
        if rule["severity"] not in ("low", "medium", "high", "critical"):
            raise Refused(400, "", "[request body]: severity: Invalid enum value")
        if rule["query"].count('"') % 2:
            # What the platform holds may be no query.
            reason = "Failed to parse query: unbalanced quotes"
            raise Refused(400, "", reason, is_mistake=False)
        self.rules[name] = {"enabled": True, "id": f"id-of-{name}", **rule}
        return self.rules[name]


def _only(body: dict[str, Any], *names: str) -> None:
    unknown = body.keys() - set(names)
    if unknown:
        raise Refused(400, "parsing_exception", f"unknown keys {sorted(unknown)}")


def _flat(
    mappings: dict[str, Any], path: str = ""
) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, kind in mappings.get("properties", {}).items():
        if "properties" in kind:
            yield from _flat(kind, f"{path}{name}.")
        else:
            yield f"{path}{name}", kind


def _check_mappings(mappings: dict[str, Any]) -> None:
    _only(mappings, "properties", "dynamic")
    for path, kind in _flat(mappings):
        allowed = {
            "keyword": {"type", "ignore_above", "index", "doc_values"},
            "wildcard": {"type", "ignore_above"},
        }.get(kind["type"], {"type"})
        if kind["type"] not in ("keyword", "wildcard", "ip", "long", "date", "boolean"):
            raise Refused(
                400, "mapper_parsing_exception", f"No handler for type of {path}"
            )
        if kind.keys() - allowed:
            raise Refused(
                400, "mapper_parsing_exception", f"unknown parameter on {path}"
            )


def _get(source: dict[str, Any], path: str) -> Any:
    value: Any = source
    for step in path.split("."):
        value = value.get(step) if isinstance(value, dict) else None
    return value


def _filtered(source: dict[str, Any], paths: list[str]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for path in paths:
        value = _get(source, path)
        if value is not None:
            *parents, last = path.split(".")
            level = result
            for parent in parents:
                level = level.setdefault(parent, {})
            level[last] = value
    return result


_PARSERS: dict[str, Callable[[Any], Any]] = {
    "ip": ipaddress.ip_address,
    "long": int,
    "date": datetime.fromisoformat,
}


def _check_document(
    source: dict[str, Any], mappings: dict[str, Any], *, is_stream: bool
) -> None:
    if is_stream and "@timestamp" not in source:
        reason = "data stream timestamp field [@timestamp] is missing"
        raise Refused(400, "document_parsing_exception", reason)
    for path, kind in _typed(mappings):
        value = _get(source, path)
        if value is not None:
            try:
                _PARSERS[kind](value)
            except ValueError as error:
                reason = (
                    f"[1:1] failed to parse field [{path}] of type [{kind}] in document"
                )
                raise Refused(400, "document_parsing_exception", reason) from error


def _typed(mappings: dict[str, Any]) -> list[tuple[str, str]]:
    key = id(mappings)
    if key not in _TYPED:
        # Kept together, so that the id stays that of these mappings.
        found = [
            (path, kind["type"])
            for path, kind in _flat(mappings)
            if kind["type"] in _PARSERS
        ]
        _TYPED[key] = (mappings, found)
    return _TYPED[key][1]


_TYPED: dict[int, tuple[dict[str, Any], list[tuple[str, str]]]] = {}


def main() -> None:
    """Serve until interrupted; `/_documents` shows what was written."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--port", type=int, default=9299)
    with ElasticStandIn(port=parser.parse_args().port) as elastic:
        print(f"Elasticsearch: {elastic.url} Kibana: {elastic.url}/kibana", flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
