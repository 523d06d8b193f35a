"""VC5: what is not used any more."""

import ast
import re
from collections.abc import Iterator

from connector_linter.connector import Connector
from connector_linter.model import EXTERNAL_IMPORT, Problem, Severity, check
from connector_linter.syntax import at, last_name, text

_CODE = "src/connector/connector.py"
_INTERVAL = re.compile(r"[A-Z][A-Z0-9_]*_INTERVAL|CONNECTOR_RUN_EVERY")
_CONFIDENCE = re.compile(
    r"CONNECTOR_CONFIDENCE(_LEVEL|_SCORE)?|[A-Z0-9_]*_CONFIDENCE_(LEVEL|SCORE)"
)


@check(
    "VC501",
    "no-legacy-interval",
    Severity.ERROR,
    (EXTERNAL_IMPORT,),
    what="The time between two runs is `CONNECTOR_DURATION_PERIOD`, an ISO 8601 duration.",
    why="Hours here and seconds there, under a name of their own in each connector, were misread all the time.",
    fix="Use `connector.duration_period`; keep an old name with `DeprecatedField`.",
    bad={_CODE: "import os\n\nINTERVAL = os.environ['SAMPLE_INTERVAL']  # <- VC501\n"},
    good={
        _CODE: "def run(helper, config, process):\n"
        "    helper.schedule_process(process, config.connector.duration_period.total_seconds())\n"
    },
)
def no_legacy_interval(connector: Connector) -> Iterator[Problem]:
    """Report variables that are intervals, and `schedule_unit`."""
    for variable in connector.variables:
        if _INTERVAL.fullmatch(variable.name):
            message = f"{variable.name} is an interval of its own kind"
            yield Problem(message, variable.path, variable.line)
    for source, node in connector.strings_like(_INTERVAL):
        yield at(
            connector, source, node, f"{text(node)} is an interval of its own kind"
        )
    for source, attribute in connector.attributes("schedule_unit"):
        yield at(connector, source, attribute, "schedule_unit is deprecated")


@check(
    "VC502",
    "no-deprecated-report-status",
    Severity.ERROR,
    what="Reports are given no status.",
    why="`x_opencti_report_status` does nothing any more; workflows belong to the platform.",
    fix="Leave it out.",
    bad={_CODE: "PROPERTIES = {'x_opencti_report_status': 2}  # <- VC502\n"},
    good={_CODE: "PROPERTIES = {'x_opencti_reliability': 'A'}\n"},
)
def no_deprecated_report_status(connector: Connector) -> Iterator[Problem]:
    """Report both properties by which connectors set a status."""
    severities = {
        "x_opencti_report_status": Severity.ERROR,
        "x_opencti_workflow_id": Severity.WARNING,
    }
    for name, severity in severities.items():
        for source, node in connector.strings(name):
            yield at(connector, source, node, f"{name} is set", severity)
        for source in connector.sources:
            for argument in source.of(ast.keyword):
                if argument.arg == name:
                    yield at(
                        connector, source, argument.value, f"{name} is set", severity
                    )


@check(
    "VC504",
    "no-deprecated-confidence",
    Severity.ERROR,
    what="The connector has no confidence level of its own.",
    why="The platform takes it from the connector's user; another one is ignored or contradicts it.",
    fix="Leave it out, and set the confidence of the user or group.",
    bad={
        _CODE: "def build(helper):\n    return {'confidence': helper.connect_confidence_level}  # <- VC504\n"
    },
    good={_CODE: "def build(row):\n    return {'confidence': row.confidence}\n"},
)
def no_deprecated_confidence(connector: Connector) -> Iterator[Problem]:
    """Report variables and the helper's attribute for it."""
    for variable in connector.variables:
        if _CONFIDENCE.fullmatch(variable.name):
            yield Problem(f"{variable.name} is ignored", variable.path, variable.line)
    for source, node in connector.strings_like(_CONFIDENCE):
        yield at(connector, source, node, f"{text(node)} is ignored")
    for source, attribute in connector.attributes("connect_confidence_level"):
        yield at(
            connector, source, attribute, "the helper's confidence level is deprecated"
        )
    for setting in connector.settings.all:
        if re.fullmatch(r"confidence(_level|_score)?", setting.name):
            if not setting.is_deprecated:
                message = f"{setting.name} is the platform's business"
                yield at(connector, setting.source, setting.node, message)


_ALLOWED_APIS = frozenset(
    "work vocabulary label marking_definition fetch_opencti_file stix2".split()
)


@check(
    "VC505",
    "no-direct-api-calls",
    Severity.WARNING,
    what="Knowledge goes to the platform in bundles, not by calls of its API.",
    why="Calls go past the queue: they are slow, are not part of the work, and fail half way.",
    fix="Put the object into the bundle.",
    bad={
        _CODE: "def run(helper, name):\n    helper.api.identity.create(type='Organization', name=name)  # <- VC505\n"
    },
    good={
        _CODE: "def run(helper):\n    helper.api.work.initiate_work(helper.connect_id, 'run')\n"
    },
)
def no_direct_api_calls(connector: Connector) -> Iterator[Problem]:
    """Report calls of the API client, but for works, labels, markings and files."""
    for source, node in connector.attributes("api"):
        if "helper" not in last_name(node.value).lower():
            continue
        used = source.parents[node]
        if not isinstance(used, ast.Attribute) or used.attr in _ALLOWED_APIS:
            continue
        # `helper.api.indicator.generate_id` asks nobody.
        method = source.parents[used]
        if isinstance(method, ast.Attribute) and method.attr.startswith("generate_id"):
            continue
        yield at(connector, source, node, f"helper.api.{used.attr} is called directly")


@check(
    "VC506",
    "no-update-existing-data",
    Severity.ERROR,
    what="There is no `update_existing_data`.",
    why="The platform decides by confidence what is updated; the option does nothing.",
    fix="Leave it out.",
    bad={
        _CODE: "def send(helper, bundle, config):\n"
        "    helper.send_stix2_bundle(bundle, update=config.update_existing_data)  # <- VC506\n"
    },
    good={_CODE: "def send(helper, bundle):\n    helper.send_stix2_bundle(bundle)\n"},
)
def no_update_existing_data(connector: Connector) -> Iterator[Problem]:
    """Report the option in every form."""
    message = "update_existing_data does nothing any more"
    for variable in connector.variables:
        if variable.name.endswith("UPDATE_EXISTING_DATA"):
            yield Problem(message, variable.path, variable.line)
    names = re.compile(r"([A-Z0-9]+_)?UPDATE_EXISTING_DATA|update_existing_data")
    for source, node in connector.strings_like(names):
        yield at(connector, source, node, message)
    for source, attribute in connector.attributes("update_existing_data"):
        yield at(connector, source, attribute, message)
    for setting in connector.settings.all:
        if setting.name == "update_existing_data" and not setting.is_deprecated:
            yield at(connector, setting.source, setting.node, message)
