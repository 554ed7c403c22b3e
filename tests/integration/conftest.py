"""Every test that asks for a world runs on both MTAs, unless --mta says otherwise. One world for each test process and
MTA is shared by the tests that break nothing in it; the others have worlds of their own."""

import itertools
import os
from collections import Counter

import pytest

from harness.process import build_folder
from harness.world import MTAS, World

_counter = itertools.count(1)


def pytest_addoption(parser):
    parser.addoption("--mta", choices=MTAS, help="run the tests on this MTA only")


def pytest_configure(config):
    config.addinivalue_line("markers", "only(mta, reason): the test is about this MTA")


def pytest_generate_tests(metafunc):
    if "mta" not in metafunc.fixturenames:
        return
    chosen = metafunc.config.getoption("--mta")
    only = metafunc.definition.get_closest_marker("only")
    names = [name for name in MTAS if chosen in (None, name) and (only is None or only.args[0] == name)]
    metafunc.parametrize("mta", names)


def pytest_sessionstart(session):
    if os.geteuid() != 0:
        raise pytest.UsageError("private MTAs need root; run the suite by tests/run")
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
    """What the tests have recorded, one line each; numbers of the same name are summed up."""
    sums = Counter()
    for report in terminalreporter.getreports("passed") + terminalreporter.getreports("failed"):
        if report.when == "call":
            for name, value in report.user_properties:
                if isinstance(value, int):
                    sums[name] += value
                else:
                    terminalreporter.write_line(f"{name}: {value}")
    for name, value in sorted(sums.items()):
        terminalreporter.write_line(f"{name}: {value}")


class _Shared:
    """The worlds that tests of this process share. One that a test has broken is given up for a new one."""

    def __init__(self):
        self._worlds = {}

    def get(self, mta):
        if mta not in self._worlds:
            self._worlds[mta] = World(mta)
        return self._worlds[mta]

    def give_up(self, mta):
        return self._worlds.pop(mta).stop()

    def end(self):
        return [line for mta in list(self._worlds) for line in self.give_up(mta)]


@pytest.fixture(scope="session")
def _shared():
    shared = _Shared()
    yield shared
    wrong = shared.end()
    assert not wrong, "\n".join(wrong)


@pytest.fixture
def world(_shared, mta):
    """The world that is shared: leave it as it was."""
    world = _shared.get(mta)
    world.bad_lines()
    yield world
    wrong = world.check()
    if wrong:
        _shared.give_up(mta)
    else:
        world.sandbox.clear_faults()
    assert not wrong, "\n".join(wrong)


@pytest.fixture
def own_world(mta):
    """A world for one test that stops, kills or reconfigures things. Daemons may be down at its end, not broken."""
    world = World(mta)
    yield world
    wrong = world.stop()
    assert not wrong, "\n".join(wrong)


@pytest.fixture
def token():
    """A word that no other message has."""
    return f"tok-{os.getpid()}-{next(_counter)}-x"
