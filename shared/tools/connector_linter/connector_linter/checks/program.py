"""VC3, VC5 and VC7: how the code is written."""

import ast
import re
from collections.abc import Iterator

from connector_linter.connector import Connector
from connector_linter.model import Problem, Severity, check
from connector_linter.syntax import at, constant, keyword, last_name, text, unpacks
from stix_ids import Source

_CODE = "src/connector/connector.py"
_QUIET = {"debug", "info", "log_debug", "log_info"}
_LOUD = {
    "warning",
    "warn",
    "error",
    "exception",
    "critical",
    "log_warning",
    "log_error",
    "print_exc",
}
_LOGGER = re.compile(r"log|helper", re.IGNORECASE)


@check(
    "VC307",
    "except-logging-level",
    Severity.WARNING,
    what="An exception that is caught is logged as a warning or an error, or raised again.",
    why="At the default level nobody sees what is logged as info, and the failure looks like success.",
    fix="Use `logger.warning` or `logger.error`.",
    bad={
        _CODE: "def run(client, logger):\n    try:\n        client.fetch()\n"
        "    except OSError as err:  # <- VC307\n        logger.info(str(err))\n"
    },
    good={
        _CODE: "def run(client, logger):\n    try:\n        client.fetch()\n"
        "    except OSError as err:\n        logger.warning(str(err))\n"
    },
)
def except_logging_level(connector: Connector) -> Iterator[Problem]:
    """Report handlers that log at debug or info only."""
    for source in connector.sources:
        for handler in source.of(ast.ExceptHandler):
            levels = set()
            raises = False
            for node in ast.walk(handler):
                raises = raises or isinstance(node, ast.Raise)
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                    if (
                        _LOGGER.search(last_name(node.func.value))
                        or node.func.attr in _LOUD
                    ):
                        levels.add(node.func.attr)
            if not raises and levels & _QUIET and not levels & _LOUD:
                message = f"the exception is logged at {', '.join(sorted(levels & _QUIET))} only"
                yield at(connector, source, handler, message)


@check(
    "VC308",
    "main-traceback",
    Severity.ERROR,
    what='The program\'s file starts the connector under `if __name__ == "__main__"`, and says what ended it.',
    why="Without the guard an import runs the connector; without a report a container that restarts tells nobody why.",
    fix="Call `run_connector(build)` of the SDK, or print the traceback and exit with 1.",
    bad={
        "src/main.py": "from connector import Connector\n\nif __name__ == '__main__':  # <- VC308\n    Connector().run()\n"
    },
    good={
        "src/main.py": "import sys\nimport traceback\n\nfrom connector import Connector\n\n"
        "if __name__ == '__main__':\n    try:\n        Connector().run()\n"
        "    except Exception:\n        traceback.print_exc()\n        sys.exit(1)\n"
    },
)
def main_traceback(connector: Connector) -> Iterator[Problem]:
    """Report a program without guard, or one that dies in silence. The SDK's `run_connector` does both."""
    source = next(
        (one for one in connector.sources if connector.path_of(one) == connector.entry),
        None,
    )
    if source is None:
        if connector.entry not in connector.broken:
            yield Problem("no Python file is found that the container starts")
        return
    guard = next(filter(_is_guard, source.tree.body), None)
    if guard is None and not connector.entry.endswith("__main__.py"):
        yield Problem(
            'the guard `if __name__ == "__main__"` is missing', connector.entry
        )
        return
    if "run_connector" in {last_name(call.func) for call in source.of(ast.Call)}:
        return
    if not any(_reports(handler) for handler in source.of(ast.ExceptHandler)):
        message = "nothing reports the exception that ends the program"
        yield Problem(message, connector.entry, guard.lineno if guard else 0)


def _is_guard(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.If)
        and isinstance(node.test, ast.Compare)
        and "__name__"
        in (last_name(node.test.left), last_name(node.test.comparators[0]))
    )


def _reports(handler: ast.ExceptHandler) -> bool:
    """Tell whether a handler prints or logs what it caught, or lets it through."""
    for node in ast.walk(handler):
        if isinstance(node, ast.Raise):
            return True
        if isinstance(node, ast.Call) and last_name(node.func) in _LOUD | {
            "format_exc",
            "print",
        }:
            return True
    return False


@check(
    "VC309",
    "absolute-imports-only",
    Severity.ERROR,
    what="Imports are absolute.",
    why="Relative ones work or fail with the folder that the program is started in, and hide where a name is from.",
    fix="Write `from connector.settings import …`.",
    bad={_CODE: "from .settings import ConnectorSettings  # <- VC309\n"},
    good={_CODE: "from connector.settings import ConnectorSettings\n"},
)
def absolute_imports_only(connector: Connector) -> Iterator[Problem]:
    """Report relative imports."""
    for source in connector.sources:
        for node in source.of(ast.ImportFrom):
            if node.level:
                module = "." * node.level + (node.module or "")
                yield at(connector, source, node, f"{module} is imported relatively")


@check(
    "VC503",
    "no-deprecated-helper-logger",
    Severity.ERROR,
    what="Logging goes through `helper.connector_logger`, or the runtime's logger.",
    why="The helper's own `log_…` methods are deprecated and drop the context of a message.",
    fix="Use `helper.connector_logger.info(message, {…})`.",
    bad={_CODE: "def run(helper):\n    helper.log_info('started')  # <- VC503\n"},
    good={_CODE: "def run(helper):\n    helper.connector_logger.info('started')\n"},
)
def no_deprecated_helper_logger(connector: Connector) -> Iterator[Problem]:
    """Report the methods of the helper that are deprecated."""
    methods = ("log_debug", "log_info", "log_warning", "log_error")
    for source, node in connector.attributes(*methods):
        if "helper" in last_name(node.value).lower():
            yield at(connector, source, node, f"helper.{node.attr} is deprecated")


# -- requests -----------------------------------------------------------------------------------------------------

_VERBS = ("get", "post", "put", "patch", "delete", "head", "options", "request")
# Full name -> where a timeout can stand among the positional arguments, from 0.
_REQUESTS = {
    **{f"requests.{verb}": None for verb in _VERBS},
    **{f"requests.Session().{verb}": None for verb in _VERBS},
    **{f"requests.session().{verb}": None for verb in _VERBS},
    **{f"requests.sessions.Session().{verb}": None for verb in _VERBS},
    "urllib.request.urlopen": 2,
    "urllib3.request": None,
    "urllib3.PoolManager().request": None,
    "urllib3.ProxyManager().request": None,
    "socket.create_connection": 1,
}


@check(
    "VC701",
    "request-timeout",
    Severity.ERROR,
    what="Every request has a timeout.",
    why="A source that stops answering stops the connector for ever, without a word.",
    fix="Give the call `timeout=` (seconds), or use the SDK's client.",
    bad={
        _CODE: "import requests\n\n\nclass Client:\n    def __init__(self):\n"
        "        self.session = requests.Session()\n\n    def fetch(self, url):\n"
        "        return self.session.get(url).json()  # <- VC701\n"
    },
    good={
        _CODE: "import requests\n\n\nclass Client:\n    def __init__(self):\n"
        "        self.session = requests.Session()\n\n    def fetch(self, url):\n"
        "        return self.session.get(url, timeout=30).json()\n"
    },
)
def request_timeout(connector: Connector) -> Iterator[Problem]:
    """Report requests without timeout, by requests, urllib, urllib3 and sockets."""
    has_own_default = _timeout_in_adapter(connector)
    for source, call in connector.calls(*_VERBS, "urlopen", "create_connection"):
        given = keyword(call, "timeout")
        if given is not None and not (
            isinstance(given, ast.Constant) and given.value is None
        ):
            continue
        name = connector.dotted(source, call.func)
        if name not in _REQUESTS or (given is None and unpacks(call)):
            continue
        place = _REQUESTS[name]
        if place is not None and len(call.args) > place:
            continue
        if "ession()" in name and has_own_default:
            continue
        yield at(connector, source, call, f"{name.replace('()', '')} without timeout")


def _timeout_in_adapter(connector: Connector) -> bool:
    """Tell whether the code has an adapter of its own that sets a timeout for all requests of a session."""
    for class_, bases in connector.classes:
        if any(base.endswith(".HTTPAdapter") for base in bases):
            if any(
                isinstance(node, (ast.Constant, ast.Attribute, ast.Name, ast.keyword))
                and "timeout" in ast.dump(node)
                for node in ast.walk(class_.node)
            ):
                return True
    return False


# -- time ---------------------------------------------------------------------------------------------------------

_NAIVE = {
    "datetime.datetime.utcnow": "gives the time of UTC without saying so",
    "datetime.datetime.utcfromtimestamp": "gives the time of UTC without saying so",
    "datetime.datetime.today": "gives the machine's local time without saying so",
}


@check(
    "VC702",
    "aware-datetimes",
    Severity.ERROR,
    what="Every date knows its time zone.",
    why="A naive one is an hour or half a day off on another machine: records are missed or imported twice.",
    fix="Use `datetime.now(timezone.utc)`, `fromtimestamp(…, tz=timezone.utc)`, `strptime(…).replace(tzinfo=timezone.utc)`.",
    bad={
        _CODE: "from datetime import datetime\n\n\ndef run(helper):\n"
        "    helper.set_state({'last_run': datetime.now().isoformat()})  # <- VC702\n"
    },
    good={
        _CODE: "from datetime import datetime, timezone\n\n\ndef run(helper):\n"
        "    helper.set_state({'last_run': datetime.now(timezone.utc).isoformat()})\n"
    },
)
def aware_datetimes(connector: Connector) -> Iterator[Problem]:
    """Report dates that are made without a time zone and get none at once."""
    names = ("now", "utcnow", "today", "fromtimestamp", "utcfromtimestamp", "strptime")
    for source, call in connector.calls(*names):
        name = connector.dotted(source, call.func)
        if not name.startswith("datetime.datetime."):
            continue
        why = _NAIVE.get(name) or _naive(name, call)
        if why and not _gets_zone(source, call):
            yield at(connector, source, call, f"{name.partition('.')[2]} {why}")


def _naive(name: str, call: ast.Call) -> str:
    zone = keyword(call, "tz")
    if name == "datetime.datetime.now" and not call.args and zone is None:
        return "gives the machine's local time without saying so"
    if (
        name == "datetime.datetime.fromtimestamp"
        and len(call.args) < 2
        and zone is None
    ):
        return "gives the machine's local time without saying so"
    if name == "datetime.datetime.strptime" and len(call.args) == 2:
        pattern = text(call.args[1])
        if pattern and "%z" not in pattern:
            return "reads a date without time zone"
    return ""


def _gets_zone(source: Source, call: ast.Call) -> bool:
    """Tell whether a date is given a time zone where it is made."""
    method = source.parents[call]
    if not isinstance(method, ast.Attribute):
        return False
    if method.attr in ("astimezone", "date", "time"):
        return method.attr != "date" or last_name(call.func) == "strptime"
    around = source.parents[method]
    return (
        method.attr == "replace"
        and isinstance(around, ast.Call)
        and keyword(around, "tzinfo") is not None
    )


# -- habits -------------------------------------------------------------------------------------------------------


@check(
    "VC705",
    "no-print",
    Severity.WARNING,
    what="Nothing is printed.",
    why="What is printed has no level, no time and no place in the JSON logs, and secrets are not hidden in it.",
    fix="Use the logger.",
    bad={_CODE: "def run(rows):\n    print(len(rows), 'rows')  # <- VC705\n"},
    good={
        _CODE: "def run(rows, logger):\n    logger.info('Read', {'rows': len(rows)})\n"
    },
)
def no_print(connector: Connector) -> Iterator[Problem]:
    """Report calls of print; the program's own file may print, it runs before there is a logger."""
    for source, call in connector.calls("print", "pprint"):
        name = connector.dotted(source, call.func)
        is_builtin = isinstance(call.func, ast.Name) and call.func.id == "print"
        if connector.path_of(source) != connector.entry and (
            is_builtin and not name or name == "pprint.pprint"
        ):
            yield at(connector, source, call, f"{last_name(call.func)} is called")


@check(
    "VC706",
    "no-bare-except",
    Severity.ERROR,
    what="No handler catches everything, and none swallows what it caught in silence.",
    why="A bare `except:` catches the signal to stop as well; an exception that is passed over is never repaired.",
    fix="Name the exceptions; log what is caught, or raise it again.",
    bad={
        _CODE: "def run(client):\n    try:\n        client.fetch()\n    except:  # <- VC706\n        return\n"
    },
    good={
        _CODE: "def run(client, logger):\n    try:\n        client.fetch()\n    except OSError as err:\n"
        "        logger.error('The source is away', {'error': str(err)})\n"
    },
)
def no_bare_except(connector: Connector) -> Iterator[Problem]:
    """Report `except:`, `except BaseException:` and `except Exception: pass`."""
    for source in connector.sources:
        for handler in source.of(ast.ExceptHandler):
            caught = last_name(handler.type) if handler.type is not None else ""
            if handler.type is None or caught == "BaseException":
                if not any(isinstance(node, ast.Raise) for node in ast.walk(handler)):
                    shown = "except BaseException" if caught else "except:"
                    yield at(connector, source, handler, f"{shown} catches everything")
            elif caught == "Exception" and all(map(_is_nothing, handler.body)):
                message = "every exception is passed over in silence"
                yield at(connector, source, handler, message, Severity.WARNING)


def _is_nothing(node: ast.stmt) -> bool:
    return isinstance(node, (ast.Pass, ast.Continue)) or (
        isinstance(node, ast.Expr) and constant(node.value) is not None
    )
