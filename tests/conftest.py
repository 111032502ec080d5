"""What all tests share: real servers, for those that ask; and failures are told when they happen."""

import pytest

pytest_plugins = ["tests.servers.fixtures"]


def pytest_exception_interact(node: pytest.Item | pytest.Collector, report: pytest.TestReport) -> None:
    """Say why a test failed at once: a run that is cut off gets to no summary."""
    terminal = node.config.pluginmanager.get_plugin("terminalreporter")
    terminal.write_line(f"\n{report.nodeid}, {report.when}:\n{report.longreprtext[-4000:]}")
