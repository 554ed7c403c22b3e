"""A world for each test process, shared by the tests that break nothing in it, and worlds of their own for others."""

import itertools
import os

import pytest

from harness.process import build_folder
from harness.world import World

_counter = itertools.count(1)


def pytest_sessionstart(session):
    if os.geteuid() != 0:
        raise pytest.UsageError("a private Postfix needs root; run the suite by tests/run")
    try:
        build_folder()
    except RuntimeError as error:
        raise pytest.UsageError(str(error)) from None


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    report = (yield).get_result()
    world = item.funcargs.get("own_world") or item.funcargs.get("world")
    if report.failed and report.when == "call" and world:
        report.sections += world.logs()


def pytest_terminal_summary(terminalreporter):
    for report in terminalreporter.getreports("passed") + terminalreporter.getreports("failed"):
        if report.when == "call":
            for name, value in report.user_properties:
                terminalreporter.write_line(f"{name}: {value}")


class _Shared:
    """The world that tests of this process share. One that a test has broken is given up for a new one."""

    def __init__(self):
        self._world = None

    def get(self):
        if self._world is None:
            self._world = World()
        return self._world

    def give_up(self):
        world, self._world = self._world, None
        return world.stop() if world else []


@pytest.fixture(scope="session")
def _shared():
    shared = _Shared()
    yield shared
    wrong = shared.give_up()
    assert not wrong, "\n".join(wrong)


@pytest.fixture
def world(_shared):
    """The world that is shared: leave it as it was."""
    world = _shared.get()
    world.bad_lines()
    yield world
    wrong = world.check()
    if wrong:
        _shared.give_up()
    else:
        world.sandbox.clear_faults()
    assert not wrong, "\n".join(wrong)


@pytest.fixture
def own_world():
    """A world for one test that stops, kills or reconfigures things. Daemons may be down at its end, not broken."""
    world = World()
    yield world
    wrong = world.stop()
    assert not wrong, "\n".join(wrong)


@pytest.fixture
def token():
    """A word that no other message has."""
    return f"tok-{os.getpid()}-{next(_counter)}-x"
