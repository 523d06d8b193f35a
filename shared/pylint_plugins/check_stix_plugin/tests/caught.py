"""What the plugin must catch, in the shapes in which connectors build STIX objects.

The cases stand in the form that `test_stix_id_cases.py` explains.
"""

CAUGHT = {
    # no id
    "class imported from stix2": """
from stix2 import Indicator
indicator = Indicator(name="a", pattern="p", pattern_type="stix")  #! missing
""",
    "module imported": """
import stix2
author = stix2.Identity(name="ACME", identity_class="organization")  #! missing
""",
    "module under another name": """
import stix2 as stix
stix.Malware(name="a", is_family=True)  #! missing
""",
    "class under another name, beside pycti's": """
from pycti import Indicator
from stix2 import Indicator as StixIndicator
StixIndicator(pattern="p", pattern_type="stix")  #! missing
""",
    "version module": """
import stix2.v21
from stix2.v20 import Tool
stix2.v21.Report(name="a", published="2024-01-01", object_refs=[])  #! missing
Tool(name="t", labels=["x"])  #! missing
""",
    "deep module": """
from stix2.v21.sdo import Campaign
Campaign(name="a")  #! missing
""",
    "imported inside the function": """
def build(name):
    from stix2 import IntrusionSet
    return IntrusionSet(name=name)  #! missing
""",
    "star import": """
from stix2 import *
Vulnerability(name="CVE-2024-1")  #! missing
""",
    "import that may fail": """
try:
    import stix2
except ImportError:
    stix2 = None
stix2.Malware(name="a", is_family=False)  #! missing
""",
    "relationship": """
import stix2
def relate(source, target):
    return stix2.Relationship(relationship_type="uses", source_ref=source, target_ref=target)  #! missing
""",
    "sighting": """
import stix2
def sight(indicator, identity, seen):
    return stix2.Sighting(  #! missing
        sighting_of_ref=indicator.id,
        where_sighted_refs=[identity.id],
        first_seen=seen,
        count=1,
    )
""",
    "marking definition": """
import stix2
stix2.MarkingDefinition(definition_type="statement", definition={"statement": "(c) ACME"})  #! missing
""",
    "case of pycti": """
from pycti import CustomObjectCaseIncident
CustomObjectCaseIncident(name="a", severity="high")  #! missing
""",
    "task and channel of pycti": """
import pycti
pycti.CustomObjectTask(name="a")  #! missing
pycti.CustomObjectChannel(name="a", channel_types=["x"])  #! missing
""",
    "custom object of a type that OpenCTI has": """
from stix2 import CustomObject, properties
@CustomObject("narrative", [("name", properties.StringProperty(required=True))])
class Narrative:
    pass
Narrative(name="a")  #! missing
""",
    "in a list, in an argument, in a return": """
import stix2
def build(helper, name):
    objects = [stix2.Tool(name=name)]  #! missing
    helper.send(helper.bundle([stix2.Malware(name=name, is_family=True)]))  #! missing
    return stix2.Campaign(name=name)  #! missing
""",
    "nested constructors are reported once each, at their own places": """
import stix2
bundle = stix2.Bundle(
    objects=[
        stix2.Indicator(  #! missing
            pattern="p",
            created_by_ref=stix2.Identity(name="a", identity_class="system"),  #! missing
        ),
    ]
)
""",
    "two on one line": """
import stix2
both = stix2.Tool(name="a"), stix2.Tool(name="b")  #! missing #! missing
""",
    "in a comprehension": """
import stix2
def build(rows):
    return [stix2.Vulnerability(name=row["cve"]) for row in rows]  #! missing
""",
    "in a method of a class of the same name": """
import stix2
class Indicator:
    def to_stix(self):
        return stix2.Indicator(pattern=self.pattern, pattern_type="stix")  #! missing
""",
    "in an asynchronous generator": """
import stix2
async def build(rows):
    async for row in rows:
        yield stix2.Note(content=row, object_refs=[])  #! missing
""",
    "class kept in a variable": """
import stix2
FACTORY = stix2.Malware
FACTORY(name="a", is_family=True)  #! missing
""",
    "table of classes": """
import stix2
CLASSES = {"malware": stix2.Malware, "tool": stix2.Tool}
def build(kind, name):
    return CLASSES[kind](name=name)  #! missing
""",
    "one class or another": """
import stix2
def build(is_tool, name):
    return (stix2.Tool if is_tool else stix2.Malware)(name=name)  #! missing
""",
    "partial": """
from functools import partial
import stix2
organisation = partial(stix2.Identity, identity_class="organization")
organisation(name="ACME")  #! missing
""",
    "factory of stix2": """
import stix2
factory = stix2.ObjectFactory(created_by_ref="identity--c78cb6e5-0c4b-4611-8297-d1b8b55e40b5")
factory.create(stix2.Indicator, pattern="p", pattern_type="stix")  #! missing
""",
    "parsed dictionary without id": """
import stix2
stix2.parse({"type": "malware", "spec_version": "2.1", "name": "a", "is_family": True})  #! missing
""",
    # None
    "None": """
import stix2
stix2.Indicator(id=None, pattern="p", pattern_type="stix")  #! none
""",
    "None in a variable": """
import stix2
def build(name):
    stix_id = None
    return stix2.Tool(id=stix_id, name=name)  #! none
""",
    # random
    "uuid4 with prefix": """
import uuid
import stix2
stix2.Indicator(id="indicator--" + str(uuid.uuid4()), pattern="p", pattern_type="stix")  #! random
""",
    "uuid4 in an f-string": """
from uuid import uuid4
from stix2 import Report
Report(id=f"report--{uuid4()}", name="a", published="2024-01-01", object_refs=[])  #! random
""",
    "uuid4 by format and by percent": """
import uuid
import stix2
stix2.Tool(id="tool--{}".format(uuid.uuid4()), name="a")  #! random
stix2.Tool(id="tool--%s" % uuid.uuid4(), name="b")  #! random
""",
    "uuid1": """
import stix2, uuid
stix2.Campaign(id=f"campaign--{uuid.uuid1()}", name="a")  #! random
""",
    "random id of pycti": """
import stix2
from pycti import OpenCTIStix2Utils
stix2.Vulnerability(id=OpenCTIStix2Utils.generate_random_stix_id("vulnerability"), name="CVE-2024-1")  #! random
""",
    "random id in a variable": """
import uuid
import stix2
def build(row):
    indicator_id = f"indicator--{uuid.uuid4()}"
    return stix2.Indicator(id=indicator_id, pattern=row["pattern"], pattern_type="stix")  #! random
""",
    "random id in an attribute": """
import uuid
import stix2
class Converter:
    def __init__(self):
        self.author_id = "identity--" + str(uuid.uuid4())
    def author(self):
        return stix2.Identity(id=self.author_id, name="ACME")  #! random
""",
    "random id in a constant of the module": """
import uuid
import stix2
AUTHOR_ID = f"identity--{uuid.uuid4()}"
author = stix2.Identity(id=AUTHOR_ID, name="ACME", identity_class="organization")  #! random
""",
    "random id in a constant of another file": """
import stix2
from names import AUTHOR_ID
author = stix2.Identity(id=AUTHOR_ID, name="ACME", identity_class="organization")  #! random
# file: names.py
import uuid
AUTHOR_ID = f"identity--{uuid.uuid4()}"
""",
    "random where nothing better is there": """
import uuid
import stix2
def build(row):
    return stix2.Report(  #! random
        id=row.get("stix_id") or f"report--{uuid.uuid4()}",
        name=row["title"],
        published=row["date"],
        object_refs=[],
    )
""",
    "helper function that makes random ids": """
import uuid
import stix2
def new_id(stix_type):
    return f"{stix_type}--{uuid.uuid4()}"
stix2.Malware(id=new_id("malware"), name="a", is_family=True)  #! random
""",
    "helper method that makes random ids": """
import uuid
import stix2
class Builder:
    @staticmethod
    def _id(kind):
        value = str(uuid.uuid4())
        return kind + "--" + value
    def build(self, name):
        return stix2.Tool(id=self._id("tool"), name=name)  #! random
""",
    "generate_id of something random": """
import uuid
import pycti
import stix2
stix2.Report(id=pycti.Report.generate_id(str(uuid.uuid4()), "2024"), name="a", published="2024", object_refs=[])  #! random
""",
    "other sources of chance": """
import os, random, secrets
import stix2
stix2.Tool(id="tool--" + secrets.token_hex(16), name="a")  #! random
stix2.Tool(id=f"tool--{random.getrandbits(128):032x}", name="a")  #! random
stix2.Tool(id="tool--" + os.urandom(16).hex(), name="a")  #! random
""",
    "random id of an observable": """
import uuid
import stix2
stix2.IPv4Address(id=f"ipv4-addr--{uuid.uuid4()}", value="192.0.2.1")  #! random
""",
    # the time of the run
    "the time of the run": """
from datetime import datetime, timezone
import pycti
import stix2
def build(name):
    now = datetime.now(timezone.utc)
    return stix2.Incident(id=pycti.Incident.generate_id(name, now), name=name, created=now)  #! clock
""",
    "the time of the run as text": """
import datetime
import pycti
import stix2
stix2.Note(  #! clock
    id=pycti.Note.generate_id(datetime.datetime.utcnow().isoformat(), "text"),
    content="text",
    object_refs=[],
)
""",
    "the time of the run, formatted": """
import datetime
import pycti
import stix2
stix2.Note(  #! clock
    id=pycti.Note.generate_id("text", datetime.datetime.now().strftime("%Y-%m-%dT%H:%M:%S")),
    content="text",
    object_refs=[],
)
""",
    # **mapping
    "mapping without id": """
import stix2
def build(name):
    properties = {"name": name, "is_family": True}
    return stix2.Malware(**properties)  #! missing
""",
    "mapping with a random id": """
import uuid
import stix2
def build(name):
    properties = dict(id=f"malware--{uuid.uuid4()}", name=name, is_family=True)
    return stix2.Malware(**properties)  #! random
""",
    "mapping that gets a random id later": """
import uuid
import stix2
def build(name):
    properties = {"name": name}
    properties["id"] = "tool--" + str(uuid.uuid4())
    return stix2.Tool(**properties)  #! random
""",
    "mapping with what all objects share": """
import stix2
class Converter:
    def __init__(self, author):
        self.common = {"created_by_ref": author.id, "object_marking_refs": [stix2.TLP_GREEN]}
    def malware(self, name):
        return stix2.Malware(name=name, is_family=True, **self.common)  #! missing
""",
    "mapping that nobody can read, beside what the id is made of": """
import stix2
from elsewhere import common
def build(pattern):
    return stix2.Indicator(pattern=pattern, pattern_type="stix", **common())  #! missing
""",
    "mapping whose id is taken out": """
import pycti
import stix2
def build(name):
    properties = {"id": pycti.Tool.generate_id(name), "name": name}
    properties.pop("id")
    return stix2.Tool(**properties)  #! missing
""",
    "literal mapping": """
import stix2
stix2.Indicator(**{"labels": ["benign"], "pattern": "p"})  #! missing
""",
    # dictionaries
    "dictionary with a random id": """
import uuid
def build(now, pattern):
    return {  #! random
        "type": "indicator",
        "spec_version": "2.1",
        "id": f"indicator--{uuid.uuid4()}",
        "created": now,
        "pattern": pattern,
        "pattern_type": "stix",
    }
""",
    "dictionary that is appended": """
import uuid
def build(objects, source, target):
    objects.append({"type": "relationship", "id": f"relationship--{uuid.uuid4()}", "source_ref": source})  #! random
""",
    "dictionary whose id comes from a variable": """
from uuid import uuid4
def build(rows):
    for row in rows:
        report_id = "report--" + str(uuid4())
        yield {"type": "report", "spec_version": "2.1", "id": report_id, "name": row}  #! random
""",
    "dictionary by dict()": """
import uuid
note = dict(type="note", spec_version="2.1", id=f"note--{uuid.uuid4()}", content="a")  #! random
""",
    "dictionary that gets its id later": """
import uuid
def build(name):
    thing = {"type": "malware", "name": name}
    thing["id"] = f"malware--{uuid.uuid4()}"  #! random
    return thing
""",
    "dictionary of one of several types": """
import uuid
def build(is_network):
    kind = "infrastructure" if is_network else "indicator"
    return {"type": kind, "spec_version": "2.1", "id": f"{kind}--{uuid.uuid4()}"}  #! random
""",
    "dictionary of a type that stix2 has no class for": """
import uuid
data = {"type": "x-mitre-data-source", "id": f"x-mitre-data-source--{uuid.uuid4()}", "name": "a"}  #! random
""",
    "observable as a dictionary with a random id": """
import uuid
def build(value):
    return {"type": "domain-name", "spec_version": "2.1", "id": f"domain-name--{uuid.uuid4()}", "value": value}  #! random
""",
    "dictionary with another type's generate_id": """
import pycti
def build(name):
    return {"type": "malware", "spec_version": "2.1", "id": pycti.Tool.generate_id(name), "name": name}  #! other type
""",
    "dictionary from a function whose caller gives a random id": """
import uuid
def identity(identity_id, name):
    return {"type": "identity", "spec_version": "2.1", "id": identity_id, "name": name, "identity_class": "system"}
identity(f"identity--{uuid.uuid4()}", "ACME")  #! random
""",
    # wrappers and subclasses
    "wrapper that passes everything on": """
import stix2
def make_indicator(**properties):
    return stix2.Indicator(**properties)
make_indicator(pattern="p", pattern_type="stix")  #! missing
""",
    "wrapper with an optional id": """
import uuid
import stix2
def identity(name, identity_class="organization", id=None):
    return stix2.Identity(id=id, name=name, identity_class=identity_class)
identity("ACME")  #! missing
identity("ACME", id=None)  #! none
identity("ACME", "system", f"identity--{uuid.uuid4()}")  #! random
""",
    "wrapper in another file": """
from factory import make_tool
make_tool(name="a")  #! missing
# file: factory.py
import stix2
def make_tool(**properties):
    return stix2.Tool(**properties)
""",
    "wrapper of a wrapper": """
import stix2
def inner(**properties):
    return stix2.Malware(is_family=True, **properties)
def outer(name, **properties):
    return inner(name=name, **properties)
outer("a")  #! missing
""",
    "wrapper that is a method": """
import stix2
class Converter:
    def _malware(self, properties):
        return stix2.Malware(**properties)
    def convert(self, name):
        return self._malware({"name": name, "is_family": False})  #! missing
""",
    "wrapper of another object": """
import stix2
class Factory:
    def tool(self, name, stix_id=None):
        return stix2.Tool(id=stix_id, name=name)
class Connector:
    def __init__(self):
        self.factory = Factory()
    def run(self):
        return self.factory.tool("a")  #! missing
""",
    "wrapper that is given the class": """
import stix2
def make(stix_class, **properties):
    return stix_class(allow_custom=True, **properties)
make(stix2.Tool, name="a")  #! missing
""",
    "wrapper as a lambda": """
import stix2
tool = lambda **properties: stix2.Tool(**properties)
tool(name="a")  #! missing
""",
    "wrapper that is given another type's id": """
import pycti
import stix2
def make(stix_id, name):
    return stix2.Tool(id=stix_id, name=name)
make(pycti.Malware.generate_id("a"), "a")  #! other type
""",
    "wrapper that makes no id at all": """
import stix2
def create_country(name):
    return stix2.Location(name=name, country=name)  #! missing
create_country("France")
""",
    "subclass": """
import stix2
class MyReport(stix2.Report):
    pass
MyReport(name="a", published="2024-01-01")  #! missing
""",
    "subclass of a subclass": """
from stix2 import Incident
class Alert(Incident):
    pass
class CloudAlert(Alert):
    pass
CloudAlert(name="a")  #! missing
""",
    "subclass in another file": """
from models.alerts import Alert
Alert(name="a")  #! missing
# file: models/__init__.py
# file: models/alerts.py
import stix2
class Alert(stix2.Incident):
    pass
""",
    "subclass imported relatively through a package": """
from .models import Alert
Alert(name="a")  #! missing
# file: models/__init__.py
from .alerts import Alert
# file: models/alerts.py
import stix2
class Alert(stix2.Incident):
    pass
""",
    "subclass whose __init__ forgets the id": """
import stix2
class MyTool(stix2.Tool):
    def __init__(self, name):
        super().__init__(name=name, tool_types=["unknown"])  #! missing
MyTool("a")
""",
    "subclass whose __init__ leaves the id to its caller": """
import stix2
class MyTool(stix2.Tool):
    def __init__(self, **properties):
        super().__init__(tool_types=["unknown"], **properties)
MyTool(name="a")  #! missing
""",
    # another type, other values
    "another type's generate_id": """
import pycti
import stix2
def build(name):
    return stix2.Malware(id=pycti.Tool.generate_id(name), name=name, is_family=True)  #! other type
""",
    "another type's generate_id through the helper": """
import stix2
class Converter:
    def build(self, name):
        return stix2.Campaign(id=self.helper.api.intrusion_set.generate_id(name), name=name)  #! other type
""",
    "case and incident mixed up": """
import stix2
from pycti import CaseIncident
def build(name, created):
    return stix2.Incident(id=CaseIncident.generate_id(name, created), name=name, created=created)  #! other type
""",
    "id of the name instead of the pattern": """
import stix2
from pycti import Indicator
def build(value):
    pattern = f"[domain-name:value = '{value}']"
    return stix2.Indicator(  #! other values
        id=Indicator.generate_id(value), name=value, pattern=pattern, pattern_type="stix"
    )
""",
    "ends of the relationship mixed up": """
import stix2
from pycti import StixCoreRelationship
def build(agent, siem):
    return stix2.Relationship(  #! other values
        id=StixCoreRelationship.generate_id("related-to", siem.id, agent.id),
        relationship_type="related-to",
        source_ref=agent.id,
        target_ref=siem.id,
    )
""",
    "another relationship type": """
import stix2
from pycti import StixCoreRelationship
def build(source, target):
    return stix2.Relationship(  #! other values
        id=StixCoreRelationship.generate_id("relates-to", source, target),
        relationship_type="related-to",
        source_ref=source,
        target_ref=target,
    )
""",
    "another identity class": """
import pycti
import stix2
stix2.Identity(id=pycti.Identity.generate_id("ACME", "organization"), name="ACME", identity_class="system")  #! other values
""",
    "another entry of the record": """
import pycti
import stix2
def build(agent):
    return stix2.Identity(  #! other values
        id=pycti.Identity.generate_id(agent["id"], "system"), name=agent["name"], identity_class="system"
    )
""",
    "another entry of the record, through variables": """
import pycti
import stix2
def build(alert):
    number = alert["agent"]["id"]
    name = alert["agent"]["name"]
    return stix2.Identity(id=pycti.Identity.generate_id(number, "system"), name=name, identity_class="system")  #! other values
""",
    "another date": """
import pycti
import stix2
def build(item):
    return stix2.Report(  #! other values
        id=pycti.Report.generate_id(item.title, item.modified),
        name=item.title,
        published=item.published,
        object_refs=[],
    )
""",
    "technique without its number": """
import pycti
import stix2
def build(name, technique):
    return stix2.AttackPattern(  #! other values
        id=pycti.AttackPattern.generate_id(name), name=name, custom_properties={"x_mitre_id": technique}
    )
""",
    "a date that the object does not have": """
import pycti
import stix2
def build(name, first_seen):
    return stix2.Incident(  #! other values
        id=pycti.Incident.generate_id(name, first_seen), name=name, first_seen=first_seen
    )
""",
    "content and date mixed up": """
import pycti
import stix2
def build(content, created):
    return stix2.Note(  #! other values
        id=pycti.Note.generate_id(content, created), content=content, created=created, object_refs=[]
    )
""",
    "another spelling of the type of location": """
import pycti
import stix2
def build(name):
    return stix2.Location(  #! other values
        id=pycti.Location.generate_id(name, "country"),
        name=name,
        country=name,
        custom_properties={"x_opencti_location_type": "Country"},
    )
""",
    "another type of location": """
import pycti
import stix2
stix2.Location(  #! other values
    id=pycti.Location.generate_id("Europe", "Country"),
    name="Europe",
    region="europe",
    custom_properties={"x_opencti_location_type": "Region"},
)
""",
}
