"""VC3: sending, scheduling and works. The runtimes of the SDK do all of it for the connectors that stand on them."""

import ast
from collections.abc import Iterator

from connector_linter.connector import Connector
from connector_linter.model import (
    EXTERNAL_IMPORT,
    INTERNAL_ENRICHMENT,
    Problem,
    Severity,
    check,
)
from connector_linter.syntax import at, inside, keyword, unpacks
from stix_ids import Source

_CODE = "src/connector/connector.py"
_RUNTIME = "from connectors_sdk import ExternalImportConnector\n"


@check(
    "VC312",
    "cleanup-inconsistent-bundle",
    Severity.ERROR,
    what="Bundles are sent with `cleanup_inconsistent_bundle=True`.",
    why="Otherwise an object that refers to something outside the bundle stays in the queue and is tried again and again.",
    fix="Pass `cleanup_inconsistent_bundle=True`, and send author and markings along. The SDK's runtimes close bundles themselves.",
    bad={
        _CODE: "def send(helper, bundle):\n    helper.send_stix2_bundle(bundle)  # <- VC312\n"
    },
    good={
        _CODE: "def send(helper, bundle):\n    helper.send_stix2_bundle(bundle, cleanup_inconsistent_bundle=True)\n"
    },
)
def cleanup_inconsistent_bundle(connector: Connector) -> Iterator[Problem]:
    """Report bundles that are sent without it, or with it switched off."""
    for source, call in connector.calls("send_stix2_bundle"):
        given = keyword(call, "cleanup_inconsistent_bundle")
        if given is None and not unpacks(call):
            yield at(
                connector, source, call, "cleanup_inconsistent_bundle is not given"
            )
        elif isinstance(given, ast.Constant) and not given.value:
            yield at(
                connector, source, call, "cleanup_inconsistent_bundle is switched off"
            )


@check(
    "VC314",
    "auto-backpressure",
    Severity.ERROR,
    (EXTERNAL_IMPORT,),
    what="The connector is scheduled by `schedule_process` or `schedule_iso`.",
    why="They wait while the platform's queue is full, and know how to run once and end.",
    fix="Derive from the SDK's `ExternalImportConnector`, or call `helper.schedule_process(…)`.",
    bad={
        _CODE: "import time\n\n\ndef run(work):\n    while True:\n        work()\n        time.sleep(3600)\n"
    },
    good={_CODE: _RUNTIME},
)
def auto_backpressure(connector: Connector) -> Iterator[Problem]:
    """Report a connector that schedules itself."""
    if connector.has_runtime or connector.mentions("schedule_process", "schedule_iso"):
        return
    yield Problem("nothing schedules the connector with regard to the platform's queue")


@check(
    "VC315",
    "work-initiated",
    Severity.ERROR,
    (EXTERNAL_IMPORT,),
    what="Every import is a work on the platform.",
    why="Without one nobody sees what was imported, how far it is, and what failed.",
    fix="Derive from the SDK's `ExternalImportConnector`, or call `helper.api.work.initiate_work(…)` before sending.",
    bad={_CODE: "def run(helper, bundle):\n    helper.send_stix2_bundle(bundle)\n"},
    good={
        _CODE: "def run(helper, bundle):\n    work_id = helper.api.work.initiate_work(helper.connect_id, 'run')\n"
        "    helper.send_stix2_bundle(bundle, work_id=work_id)\n"
    },
)
def work_initiated(connector: Connector) -> Iterator[Problem]:
    """Report a connector that never opens a work."""
    if not connector.has_runtime and not connector.mentions("initiate_work"):
        yield Problem("no work is opened")


@check(
    "VC316",
    "work-closed",
    Severity.ERROR,
    (EXTERNAL_IMPORT,),
    what="Every work is closed, a failed one in error.",
    why="An open work looks like a run that still goes on; one that is closed well although it failed hides the failure.",
    fix="Call `helper.api.work.to_processed(work_id, message)` in every case, with `in_error=True` after a failure.",
    bad={
        _CODE: "def run(helper):\n    helper.api.work.initiate_work(helper.connect_id, 'run')\n"
    },
    good={
        _CODE: "def run(helper, send):\n    work = helper.api.work.initiate_work(helper.connect_id, 'run')\n"
        "    try:\n        send(work)\n    except OSError as err:\n"
        "        helper.api.work.to_processed(work, str(err), in_error=True)\n        raise\n"
        "    helper.api.work.to_processed(work, 'done')\n"
    },
)
def work_closed(connector: Connector) -> Iterator[Problem]:
    """Report a connector that never closes a work, or never one in error."""
    if connector.has_runtime:
        return
    calls = list(connector.calls("to_processed"))
    if not calls:
        yield Problem("no work is closed")
    elif not any(
        keyword(c, "in_error") or len(c.args) > 2 or unpacks(c) for _, c in calls
    ):
        source, call = calls[0]
        message = "no work is ever closed in error"
        yield at(connector, source, call, message, Severity.WARNING)


@check(
    "VC317",
    "initiate-work-conditional",
    Severity.WARNING,
    (EXTERNAL_IMPORT, INTERNAL_ENRICHMENT),
    what="A work is opened only when there is something to send.",
    why="A work for every look into a source without news buries those that did something.",
    fix="Ask the source first, and open the work when there are objects.",
    bad={
        _CODE: "def run(helper, client):\n"
        "    work = helper.api.work.initiate_work(helper.connect_id, 'run')  # <- VC317\n"
        "    return work, client.fetch()\n"
    },
    good={
        _CODE: "def run(helper, client):\n    objects = client.fetch()\n    if not objects:\n        return None\n"
        "    return helper.api.work.initiate_work(helper.connect_id, 'run')\n"
    },
)
def initiate_work_conditional(connector: Connector) -> Iterator[Problem]:
    """Report works that are opened whatever there is to send."""
    for source, call in connector.calls("initiate_work"):
        if inside(source, call, ast.If, ast.For, ast.While, ast.IfExp, ast.BoolOp):
            continue
        if not _is_guarded(source, call):
            yield at(connector, source, call, "the work is opened in any case")


def _is_guarded(source: Source, call: ast.Call) -> bool:
    """Tell whether the function may have returned before a call: `if not objects: return`."""
    function = source.function_of(call)
    if function is None or isinstance(function, ast.Lambda):
        return False
    leaving = (ast.Return, ast.Continue, ast.Break, ast.Raise)
    return any(
        isinstance(node, ast.If)
        and node.lineno < call.lineno
        and source.function_of(node) is function
        and isinstance(node.body[-1], leaving)
        for node in source.of(ast.If)
    )
