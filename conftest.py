"""What the tests of every project share.

Tests that need something a machine may lack (a container engine, a broker, a browser, the real data) skip with
the reason. Where everything is there, a skip would hide a broken set-up: `NO_SKIPS=1` makes each a failure.
"""

import os

import pytest


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail the session when something was skipped although nothing may be."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("NO_SKIPS") != "1" or reporter is None:
        return
    skipped = reporter.stats.get("skipped", [])
    if skipped and session.exitstatus == pytest.ExitCode.OK:
        reporter.write_line(
            f"NO_SKIPS=1: {len(skipped)} skipped, nothing may be", red=True
        )
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
