"""VC3: internal enrichment. The SDK's runtime for it does all of this for the connectors that stand on it."""

import ast
from collections.abc import Iterator

from connector_linter.connector import Connector
from connector_linter.model import INTERNAL_ENRICHMENT, Problem, Severity, check
from connector_linter.syntax import at, body_of, constant, keyword, unpacks

_TYPE = (INTERNAL_ENRICHMENT,)
_CODE = "src/connector/connector.py"
_NOTHING = "def process_message(data):\n    return data['entity_id']\n"
_RUNTIME = "from connectors_sdk.connectors import InternalEnrichmentConnector\n"


@check(
    "VC304",
    "markings-checked",
    Severity.ERROR,
    _TYPE,
    what="The maximum TLP is checked before an entity is looked up.",
    why="Looking it up tells the third party about it, whatever its marking forbids.",
    fix="Derive from the SDK's `InternalEnrichmentConnector`, or call `OpenCTIConnectorHelper.check_max_tlp(tlp, maximum)`.",
    bad={_CODE: _NOTHING},
    good={_CODE: _RUNTIME},
)
def markings_checked(connector: Connector) -> Iterator[Problem]:
    """Report a connector that never checks a marking."""
    if not connector.has_runtime and not connector.mentions(
        "check_max_tlp", "EgressGate"
    ):
        yield Problem("the maximum TLP is never checked")


@check(
    "VC318",
    "helper-listen",
    Severity.ERROR,
    _TYPE,
    what="The connector listens with `helper.listen`.",
    why="That is how requests of the platform arrive.",
    fix="Derive from the SDK's `InternalEnrichmentConnector`, or call `helper.listen(message_callback=…)`.",
    bad={_CODE: _NOTHING},
    good={
        _CODE: "def run(helper, process_message):\n    helper.listen(message_callback=process_message)\n"
    },
)
def helper_listen(connector: Connector) -> Iterator[Problem]:
    """Report a connector that listens to nothing."""
    if not connector.has_runtime and not any(True for _ in connector.calls("listen")):
        yield Problem("helper.listen is never called")


@check(
    "VC319",
    "scope-fallback-bundle",
    Severity.WARNING,
    _TYPE,
    what="In a playbook an entity outside the scope goes back as it came.",
    why="Otherwise the playbook ends there, and everything that it was to do is lost.",
    fix='When there is no `event_type`, send `data["stix_objects"]` back instead of raising.',
    bad={_CODE: "def process_message(data):\n    return data['stix_objects']\n"},
    good={
        _CODE: "def process_message(data, send):\n    if data.get('event_type') is None:\n"
        "        return send(data['stix_objects'])\n    raise ValueError('out of scope')\n"
    },
)
def scope_fallback_bundle(connector: Connector) -> Iterator[Problem]:
    """Report a connector that does not know a playbook from a request."""
    if connector.has_runtime:
        return
    if not (connector.mentions("event_type") and _reads_bundle(connector)):
        yield Problem("entities outside the scope are not sent back to a playbook")


@check(
    "VC320",
    "tlp-access-control",
    Severity.ERROR,
    _TYPE,
    what="The entity's markings are read, compared with the maximum, and what is above it is refused.",
    why="A comparison without consequence, or with a marking that was never read, protects nothing.",
    fix="Read `objectMarking`, call `check_max_tlp` and raise in the same function.",
    bad={
        _CODE: "def process_message(helper, tlp):\n    return helper.check_max_tlp(tlp, 'TLP:AMBER')\n"
    },
    good={
        _CODE: "def check_tlp(helper, entity):\n    for marking in entity['objectMarking']:\n"
        "        if not helper.check_max_tlp(marking['definition'], 'TLP:AMBER'):\n"
        "            raise ValueError('above the maximum')\n"
    },
)
def tlp_access_control(connector: Connector) -> Iterator[Problem]:
    """Report missing parts of the check of markings."""
    if connector.has_runtime:
        return
    calls = list(connector.calls("check_max_tlp"))
    if not connector.mentions("objectMarking") or not calls:
        missing = "read" if not connector.mentions("objectMarking") else "compared"
        yield Problem(f"the entity's markings are never {missing}")
        return
    for source, call in calls:
        if any(isinstance(node, ast.Raise) for node in ast.walk(body_of(source, call))):
            return
    source, call = calls[0]
    message = "an entity above the maximum TLP is not refused here"
    yield at(connector, source, call, message, Severity.WARNING)


@check(
    "VC321",
    "playbook-compatible",
    Severity.ERROR,
    _TYPE,
    what="The helper is made with `playbook_compatible=True`, and bundles are sent.",
    why="Otherwise the connector cannot be used in playbooks.",
    fix="Derive from the SDK's `InternalEnrichmentConnector`, or pass `playbook_compatible=True` and always send a bundle.",
    bad={
        "src/main.py": "from pycti import OpenCTIConnectorHelper\n\nif __name__ == '__main__':\n"
        "    helper = OpenCTIConnectorHelper({})  # <- VC321\n",
        _CODE: "def run(helper, bundle):\n    helper.send_stix2_bundle(bundle)\n",
    },
    good={
        "src/main.py": "from pycti import OpenCTIConnectorHelper\n\nif __name__ == '__main__':\n"
        "    helper = OpenCTIConnectorHelper({}, playbook_compatible=True)\n",
        _CODE: "def run(helper, bundle):\n    helper.send_stix2_bundle(bundle)\n",
    },
)
def playbook_compatible(connector: Connector) -> Iterator[Problem]:
    """Report a helper that is not for playbooks, and a connector that sends nothing."""
    if connector.has_runtime:
        return
    made = list(connector.calls("OpenCTIConnectorHelper"))
    if not made:
        yield Problem("no helper is made that is compatible with playbooks")
    for source, call in made:
        given = keyword(call, "playbook_compatible") or (
            call.args[1] if len(call.args) > 1 else None
        )
        if given is None and unpacks(call):
            continue
        if given is None or (isinstance(given, ast.Constant) and not given.value):
            yield at(
                connector, source, call, "the helper is not compatible with playbooks"
            )
    if not connector.mentions("send_stix2_bundle"):
        yield Problem("no bundle is ever sent", severity=Severity.WARNING)


@check(
    "VC322",
    "former-bundle-read",
    Severity.ERROR,
    _TYPE,
    what="The bundle that came with the request is read.",
    why="What is found is added to it; whoever starts from an empty bundle drops what a playbook has collected.",
    fix='Begin with `data["stix_objects"]`. The SDK\'s runtime does.',
    bad={_CODE: _NOTHING},
    good={
        _CODE: "def process_message(data, found):\n    return [*data['stix_objects'], *found]\n"
    },
)
def former_bundle_read(connector: Connector) -> Iterator[Problem]:
    """Report a connector that never looks at the bundle of a request."""
    if not connector.has_runtime and not _reads_bundle(connector):
        yield Problem('data["stix_objects"] is never read')


def _reads_bundle(connector: Connector) -> bool:
    for source, node in connector.strings("stix_objects"):
        above = source.parents[node]
        if isinstance(above, ast.Subscript) and above.slice is node:
            return True
        if isinstance(above, ast.Call) and above.args and above.args[0] is node:
            return constant(node) is not None
    return False
