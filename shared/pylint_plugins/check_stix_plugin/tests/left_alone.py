"""What the plugin must leave alone, in the shapes in which connectors build STIX objects.

The cases stand in the form that `test_stix_id_cases.py` explains.
"""

LEFT_ALONE = {
    "generate_id": """
import stix2
from pycti import Indicator
def build(pattern):
    return stix2.Indicator(id=Indicator.generate_id(pattern), pattern=pattern, pattern_type="stix")
""",
    "generate_id through the helper": """
import stix2
class Converter:
    def build(self, pattern):
        return stix2.Indicator(id=self.helper.api.indicator.generate_id(pattern), pattern=pattern)
""",
    "generate_id by keywords, dates as text": """
import pycti
import stix2
def build(case, created):
    return stix2.Report(
        id=pycti.Report.generate_id(name=case.get("title"), published=created.isoformat()),
        name=case["title"],
        published=created,
        object_refs=[],
    )
""",
    "references as ids, as objects and as lists": """
import pycti
import stix2
def relate(kind, source, target, start):
    return stix2.Relationship(
        id=pycti.StixCoreRelationship.generate_id(kind, source.id, target["id"], start),
        relationship_type=kind,
        source_ref=source,
        target_ref=target.get("standard_id"),
        start_time=start,
    )
def sight(indicator, identity):
    return stix2.Sighting(
        id=pycti.StixSightingRelationship.generate_id(indicator.id, identity["standard_id"]),
        sighting_of_ref=indicator,
        where_sighted_refs=[identity["id"]],
    )
""",
    "sighting of an observable, behind the indicator that STIX demands": """
import pycti
import stix2
DUMMY = "indicator--c1034564-a9fb-429b-a1c1-c80116cc8e1e"
def sight(observable, location):
    return stix2.Sighting(
        id=pycti.StixSightingRelationship.generate_id(observable["id"], location.id),
        where_sighted_refs=[location.id],
        sighting_of_ref=DUMMY,
        custom_properties={"x_opencti_sighting_of_ref": observable["id"]},
    )
""",
    "location with its type among the custom properties": """
import pycti
import stix2
def country(name):
    return stix2.Location(
        id=pycti.Location.generate_id(name, "Country"),
        name=name,
        country=name,
        custom_properties={"x_opencti_location_type": "Country"},
    )
""",
    "a date that may come in a mapping": """
import pycti
import stix2
def build(self, name, first_seen):
    return stix2.Incident(
        id=pycti.Incident.generate_id(name, first_seen), name=name, first_seen=first_seen, **self.common()
    )
""",
    "a note without a date": """
import pycti
import stix2
def build(content):
    return stix2.Note(id=pycti.Note.generate_id(created=None, content=content), content=content, object_refs=[])
""",
    "names in another spelling": """
import pycti
import stix2
stix2.Identity(id=pycti.Identity.generate_id("acme ", "Organization"), name="ACME", identity_class="organization")
""",
    "values that cannot be compared": """
import pycti
import stix2
def build(title, author, first, second):
    name = f"{title} by {author}"
    stix2.Identity(id=pycti.Identity.generate_id(first, "individual"), name=second, identity_class="individual")
    return stix2.Campaign(id=pycti.Campaign.generate_id(f"{title} by {author}"), name=name)
""",
    "threat actors have more than one generate_id": """
import pycti
import stix2
def build(name):
    stix2.ThreatActor(id=pycti.ThreatActorGroup.generate_id(name), name=name)
    stix2.ThreatActor(id=pycti.ThreatActorIndividual.generate_id(name), name=name)
    stix2.ThreatActor(id=pycti.ThreatActor.generate_id(name, "Threat-Actor-Group"), name=name)
""",
    "marking definition of OpenCTI": """
import pycti
import stix2
stix2.MarkingDefinition(
    id=pycti.MarkingDefinition.generate_id("TLP", "TLP:AMBER+STRICT"),
    definition_type="statement",
    definition={"statement": "custom"},
    custom_properties={"x_opencti_definition_type": "TLP", "x_opencti_definition": "TLP:AMBER+STRICT"},
)
""",
    "fixed id": """
import stix2
stix2.Identity(id="identity--c78cb6e5-0c4b-4611-8297-d1b8b55e40b5", name="MITRE", identity_class="organization")
""",
    "id of the record": """
import stix2
def build(row, entity):
    stix2.Tool(id=entity["standard_id"], name=entity["name"])
    return stix2.Malware(id=row.stix_id, name=row.name, is_family=True)
""",
    "uuid5": """
import uuid
import stix2
NAMESPACE = uuid.UUID("00abedb4-aa42-466c-9c01-fed23315a9b7")
def stix_id(kind, key):
    return f"{kind}--{uuid.uuid5(NAMESPACE, key)}"
stix2.Tool(id=stix_id("tool", "a"), name="a")
stix2.Tool(id="tool--" + str(uuid.uuid5(NAMESPACE, "b")), name="b")
""",
    "id in a variable that is None at first": """
import pycti
import stix2
def build(row):
    stix_id = None
    if row.get("id"):
        stix_id = row["id"]
    else:
        stix_id = pycti.Tool.generate_id(row["name"])
    return stix2.Tool(id=stix_id, name=row["name"])
""",
    "attribute that is None at first": """
import pycti
import stix2
class Converter:
    def __init__(self):
        self.author_id = None
    def start(self):
        self.author_id = pycti.Identity.generate_id("ACME", "organization")
    def author(self):
        return stix2.Identity(id=self.author_id, name="ACME", identity_class="organization")
""",
    "the day of the run": """
from datetime import datetime, timezone
import pycti
import stix2
def build():
    day = datetime.now(timezone.utc).strftime("%Y-%m-%d")
    name = f"Detections of {day}"
    return stix2.Report(id=pycti.Report.generate_id(name, day), name=name, published=day, object_refs=[])
""",
    "other forms of the day of the run": """
import datetime
import pycti
import stix2
def build(name):
    now = datetime.datetime.now(datetime.timezone.utc)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    stix2.Report(id=pycti.Report.generate_id(name, midnight), name=name, published=midnight, object_refs=[])
    stix2.Report(id=pycti.Report.generate_id(f"{name} {now:%Y-%m-%d}", "2024"), name=name, object_refs=[])
    stix2.Report(id=pycti.Report.generate_id(name, now.isoformat()[:10]), name=name, object_refs=[])
    stix2.Report(id=pycti.Report.generate_id(name, now.date().isoformat()), name=name, object_refs=[])
    stix2.Report(id=pycti.Report.generate_id(name, str(now.year)), name=name, object_refs=[])
""",
    "the same value in another form": """
import pycti
import stix2
from dateutil.parser import parse
def build(row, date):
    published = parse(date)
    return [
        stix2.Report(
            id=pycti.Report.generate_id(row.title, date),
            name=row.title, created=date, published=published, object_refs=[],
        ),
        stix2.Report(
            id=pycti.Report.generate_id(row.title.strip(), row.published_text),
            name=row.title, published=row.published, object_refs=[],
        ),
    ]
""",
    "global that is set later": """
import pycti
import stix2
AUTHOR_ID = None
def start(name):
    global AUTHOR_ID
    AUTHOR_ID = pycti.Identity.generate_id(name, "organization")
def author(name):
    return stix2.Identity(id=AUTHOR_ID, name=name, identity_class="organization")
""",
    "variable that the loop before has set": """
import pycti
import stix2
def build(rows):
    before = None
    for row in rows:
        if before:
            yield stix2.Tool(id=before, name=row)
        before = pycti.Tool.generate_id(row)
""",
    "field that is None unless it is given": """
from dataclasses import dataclass
import stix2
@dataclass
class Row:
    name: str
    stix_id: str | None = None
    def to_stix(self):
        return stix2.Tool(id=self.stix_id, name=self.name)
""",
    "object that was made with something random": """
import uuid
import stix2
class Converter:
    def __init__(self, client):
        self.session = client.open(str(uuid.uuid4()))
    def build(self, row):
        return stix2.Tool(id=self.session.stix_id(row), name=row["name"])
""",
    "variable used twice": """
import pycti
import stix2
def build(name):
    properties = {"id": pycti.Tool.generate_id(name), "name": name}
    tool = stix2.Tool(**properties)
    properties = {"value": name}
    return tool, stix2.DomainName(**properties)
""",
    # **mapping
    "id in a mapping": """
import pycti
import stix2
def build(value, aliases):
    properties = {
        "id": pycti.Identity.generate_id(value, identity_class="individual"),
        "name": value,
        "identity_class": "individual",
    }
    if aliases:
        properties["custom_properties"] = {"x_opencti_aliases": aliases}
    return stix2.Identity(**properties)
""",
    "id in a mapping by dict()": """
import pycti
import stix2
def build(name):
    properties = dict(id=pycti.Tool.generate_id(name), name=name)
    return stix2.Tool(**properties, allow_custom=True)
""",
    "id put into a mapping later": """
import pycti
import stix2
def build(row):
    properties = {"name": row["name"]}
    properties["id"] = pycti.Malware.generate_id(row["name"])
    other = {}
    other.update({"id": pycti.Tool.generate_id("a"), "name": "a"})
    third = {"name": "b"} | {"id": pycti.Tool.generate_id("b")}
    return stix2.Malware(is_family=True, **properties), stix2.Tool(**other), stix2.Tool(**third)
""",
    "id in a mapping of a mapping": """
import pycti
import stix2
def build(common, name):
    properties = {**common, "id": pycti.Tool.generate_id(name), "name": name}
    return stix2.Tool(**properties)
""",
    "id in a mapping from a function": """
import pycti
import stix2
class Converter:
    def _common(self, name):
        return {"id": pycti.Malware.generate_id(name), "created_by_ref": self.author}
    def malware(self, name):
        return stix2.Malware(name=name, is_family=True, **self._common(name))
""",
    "id in a mapping from another file": """
import stix2
from shapes import AUTHOR
stix2.Identity(**AUTHOR)
# file: shapes.py
import pycti
AUTHOR = {"id": pycti.Identity.generate_id("ACME", "organization"), "name": "ACME", "identity_class": "organization"}
""",
    "whole object in a mapping that nobody can read": """
import json
import stix2
def build(line, row):
    stix2.Indicator(**json.loads(line))
    return stix2.Report(**row, allow_custom=True)
""",
    "mapping that somebody else may fill": """
import stix2
from elsewhere import add_id
def build(name):
    properties = {"name": name}
    add_id(properties)
    return stix2.Tool(**properties)
""",
    # observables and helpers
    "observables": """
import stix2
from pycti import CustomObservableHostname
stix2.IPv4Address(value="192.0.2.1")
stix2.File(name="a.exe", hashes={"MD5": "0" * 32})
stix2.DomainName(id=None, value="example.org")
CustomObservableHostname(value="host")
""",
    "what has no id of its own": """
import uuid
import stix2
stix2.Bundle(objects=[], id=f"bundle--{uuid.uuid4()}")
stix2.ExternalReference(source_name="a", url="https://example.org")
stix2.KillChainPhase(kill_chain_name="a", phase_name="b")
stix2.TLP_WHITE
getattr(stix2, "TLP_GREEN")
""",
    "not built but looked at": """
import stix2
def convert(thing):
    if isinstance(thing, stix2.Indicator):
        return stix2.parse(thing.serialize(), allow_custom=True)
    return [kind for kind in (stix2.Malware, stix2.Tool)]
""",
    # look-alikes
    "class of the same name": """
class Indicator:
    def __init__(self, name):
        self.name = name
Indicator("a")
""",
    "class of the same name in another package": """
from misp_models import Indicator, Identity
from mystix2 import Malware
Indicator(name="a")
Identity(name="a")
Malware(name="a")
""",
    "models of the SDK": """
from connectors_sdk.models import Indicator, OrganizationAuthor, Relationship
OrganizationAuthor(name="ACME")
Indicator(name="a", pattern="p", pattern_type="stix")
""",
    "entities of pycti": """
from pycti import Indicator, Identity
def build(helper):
    Indicator(helper.api)
    helper.api.identity.create(type="Organization", name="ACME")
""",
    "own class hides the imported one": """
from stix2 import Indicator
class Indicator:
    pass
def build():
    return Indicator()
""",
    "local name hides the import": """
import stix2
def build(stix2):
    return stix2.Indicator(name="a")
""",
    "own factory of the same name": """
from stix2 import Bundle
def Report(**values):
    return dict(values)
Report(name="a")
""",
    # dictionaries
    "dictionary with an id that follows from its values": """
import pycti
def build(name, content, abstract, now):
    return [
        {"type": "malware", "spec_version": "2.1", "id": pycti.Malware.generate_id(name), "name": name},
        {"type": "note", "spec_version": "2.1", "id": pycti.Note.generate_id(None, content, abstract),
         "abstract": abstract, "content": content, "created": now},
    ]
""",
    "bundle as a dictionary": """
import uuid
def bundle(objects):
    return {"type": "bundle", "id": f"bundle--{uuid.uuid4()}", "objects": objects}
""",
    "dictionary that is no STIX object": """
import uuid
def message(text):
    return [
        {"type": "note", "id": str(uuid.uuid4()), "text": text},
        {"type": "event", "id": uuid.uuid4().hex, "spec": "x"},
        {"type": "function", "id": f"call--{uuid.uuid4()}"},
    ]
""",
    "work, request and file ids": """
import uuid
def start(work):
    work["id"] = str(uuid.uuid4())
    work["request_id"] = f"request--{uuid.uuid4()}"
    return {"id": uuid.uuid4()}
""",
    # wrappers and subclasses
    "wrapper that is given an id": """
import pycti
import stix2
def make_tool(**properties):
    return stix2.Tool(**properties)
make_tool(id=pycti.Tool.generate_id("a"), name="a")
values = {"id": pycti.Tool.generate_id("b"), "name": "b"}
make_tool(**values)
""",
    "wrapper that makes the id itself": """
import pycti
import stix2
def make_tool(name, **properties):
    return stix2.Tool(id=pycti.Tool.generate_id(name), name=name, **properties)
make_tool("a", labels=["x"])
""",
    "wrapper that makes the id when there is none": """
import pycti
import stix2
def first(name, stix_id=None):
    return stix2.Tool(id=stix_id or pycti.Tool.generate_id(name), name=name)
def second(name, stix_id=None):
    if stix_id is None:
        stix_id = pycti.Tool.generate_id(name)
    return stix2.Tool(id=stix_id, name=name)
first("a")
second("b")
""",
    "wrapper that is given the class of an observable": """
import stix2
def make(stix_class, **properties):
    return stix_class(allow_custom=True, **properties)
make(stix2.URL, value="https://example.org")
""",
    "wrapper that nobody calls": """
import stix2
def make_tool(**properties):
    return stix2.Tool(**properties)
""",
    "subclass that makes its id": """
import pycti
import stix2
class MyTool(stix2.Tool):
    def __init__(self, name, **properties):
        super().__init__(id=pycti.Tool.generate_id(name), name=name, **properties)
MyTool("a")
""",
    "subclass of an observable": """
import stix2
class Host(stix2.DomainName):
    pass
Host(value="example.org")
""",
    "custom object of a type that OpenCTI does not have": """
from stix2 import CustomObject, properties
@CustomObject("x-acme-thing", [("name", properties.StringProperty())])
class Thing:
    pass
Thing(name="a")
""",
    "table with observables": """
import stix2
CLASSES = {"ip": stix2.IPv4Address, "domain": stix2.DomainName}
CLASSES["ip"](value="192.0.2.1")
""",
    "partial with id": """
from functools import partial
import pycti
import stix2
author = partial(stix2.Identity, id=pycti.Identity.generate_id("ACME", "organization"))
author(name="ACME", identity_class="organization")
""",
    "files that import each other in circles": """
import stix2
from other import NAME, build, STIX_ID
from other import *
build(id=STIX_ID, name=NAME)
stix2.Tool(id=STIX_ID, name=NAME)
stix2.Tool(id=again.deeper, name=NAME)
# file: other.py
from main import *
from main import STIX_ID, again, build
NAME = "a"
""",
    "switched off with a reason": """
import stix2
stix2.Tool(name="a")  # pylint: disable=generated-id-stix
""",
    "a file that calls itself": """
import stix2
def again(depth, **properties):
    return again(depth - 1, **properties) if depth else stix2.Tool(id=properties["id"], name="a")
again(3, id="tool--1")
kinds = kinds = {}
""",
}
