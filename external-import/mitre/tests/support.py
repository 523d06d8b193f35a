"""What the connector's tests share: the demo collections, a source, the connector as a process, expectations."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from connectors_sdk.testing import Canned, CannedServer, RecordedRequest
from opencti_testbed.process import TestbedProcess
from opencti_testbed.trial import Trial

CONNECTOR = Path(__file__).resolve().parents[1]
DEMO = CONNECTOR / "demo" / "fictional-attack.json"
DEMO_2 = CONNECTOR / "demo" / "fictional-attack-v2.json"
COLLECTION = "/enterprise-attack.json"
ONE_DOMAIN = {"MITRE_MOBILE": "false", "MITRE_ICS": "false"}


class Source:
    """A web server that knows conditional requests, with a collection that can be replaced."""

    def __init__(self, server: CannedServer) -> None:
        self.server = server
        self.url = server.url + COLLECTION
        server.on("GET", COLLECTION, self._answer)
        self.content = b""
        self.etag = ""

    def publish(self, content: bytes, etag: str) -> None:
        self.content, self.etag = content, etag

    def _answer(self, request: RecordedRequest) -> Canned:
        if request.headers.get("if-none-match") == self.etag:
            return Canned(status=304, headers={"ETag": self.etag})
        return Canned(self.content, headers={"ETag": self.etag})

    @property
    def asked(self) -> list[RecordedRequest]:
        return self.server.requests_to(COLLECTION)


def trial(platform: TestbedProcess, location: str, **more: str) -> Trial:
    """The connector over one collection; what it keeps goes with the platform."""
    settings = {"MITRE_ENTERPRISE_FILE_URL": location, **ONE_DOMAIN, **more}
    return Trial(CONNECTOR, platform, platform.data_dir / "connector", **settings)


def run(
    platform: TestbedProcess, location: str, *arguments: str, **more: str
) -> tuple[int, str]:
    """Run the connector once to its end and wait for the platform; return exit code and output."""
    done = trial(platform, location, **more).run(*arguments, timeout=240)
    return done.returncode, done.stdout + done.stderr


ENTITY_TYPES = {
    "attack-pattern": "Attack-Pattern",
    "campaign": "Campaign",
    "course-of-action": "Course-Of-Action",
    "intrusion-set": "Intrusion-Set",
    "malware": "Malware",
    "tool": "Tool",
    "x-mitre-asset": "Infrastructure",
    "x-mitre-data-component": "Data-Component",
    "x-mitre-data-source": "Data-Source",
}


def expected_counts(collection: dict[str, Any]) -> dict[str, int]:
    """Count, independently of the connector, what must be on the platform after a first import.

    Exclusions: revoked and deprecated objects and their relationships; types that OpenCTI does not have. A
    detection strategy's `detects` counts once for each data component that its analytics use. What shares a name or
    alias with another of its type is one thing to the platform: ATT&CK has a handful of these.
    """
    by_id = {o["id"]: o for o in collection["objects"] if "id" in o}

    def is_valid(stix_id: str) -> bool:
        stix = by_id.get(stix_id)
        return bool(
            stix
            and stix["type"] in ENTITY_TYPES
            and not stix.get("revoked")
            and not stix.get("x_mitre_deprecated")
        )

    one = _merged(stix for stix in by_id.values() if is_valid(stix["id"]))
    counts = Counter(
        ENTITY_TYPES[by_id[stix_id]["type"]] for stix_id in set(one.values())
    )
    relations = set()
    for stix in by_id.values():
        if stix["type"] != "relationship" or stix.get("revoked"):
            continue
        if stix.get("x_mitre_deprecated"):
            continue
        sources = [stix["source_ref"]]
        if stix["source_ref"].startswith("x-mitre-detection-strategy"):
            strategy = by_id[stix["source_ref"]]
            sources = [
                reference["x_mitre_data_component_ref"]
                for analytic in strategy.get("x_mitre_analytic_refs", [])
                for reference in by_id[analytic].get(
                    "x_mitre_log_source_references", []
                )
            ]
        for source in sources:
            if is_valid(source) and is_valid(stix["target_ref"]):
                relations.add(
                    (stix["relationship_type"], one[source], one[stix["target_ref"]])
                )
    counts.update(kind for kind, _, _ in relations)
    return dict(counts)


def _merged(objects: Iterable[dict[str, Any]]) -> dict[str, str]:
    """Return each object's id with the id of the first that it is one thing with."""
    same: dict[str, str] = {}

    def first(stix_id: str) -> str:
        while same[stix_id] != stix_id:
            stix_id = same[stix_id]
        return stix_id

    by_name: dict[tuple[str, str], str] = {}
    for stix in objects:
        same[stix["id"]] = stix["id"]
        # Techniques and mitigations go by their ATT&CK ids.
        if stix["type"] in ("attack-pattern", "course-of-action"):
            continue
        names = {
            stix["name"],
            *stix.get("aliases", ()),
            *stix.get("x_mitre_aliases", ()),
        }
        for name in names:
            key = (stix["type"], name.strip().lower())
            other = by_name.setdefault(key, stix["id"])
            same[first(stix["id"])] = first(other)
    return {stix_id: first(stix_id) for stix_id in same}


def imported_counts(platform: TestbedProcess) -> dict[str, int]:
    """Count what is on the platform, without what it makes itself of labels, references, phases and markings."""
    own = {"External-Reference", "Kill-Chain-Phase", "Marking-Definition", "Label"}
    found = platform.summary()["objects_by_type"]
    author = {"Organization": 1}
    return {k: v for k, v in found.items() if k not in own and author.get(k) != v}
