"""What the daemons and a service manager have to do with each other: readiness, signs of life, sockets that outlive a
restart, and the units."""

import contextlib
import ctypes
import os
import re
import signal
import smtplib
import socket
import struct
import subprocess
import threading
import time
from pathlib import Path

import pytest

from harness.confine import SYSTEMD
from harness.load import Load, account_for, settled
from harness.manager import Manager, listen
from harness.ports import free_port
from harness.process import program
from harness.wait import wait_until

MAX, ERIKA = "max@gemeinde.example", "erika@muster.de-mail.de"
DAEMONS = ("demail-milter", "demail-poller")
ROUNDS = int(os.environ.get("DEMAIL_RESTARTS", "6"))
WATCHDOG = 1.5

pytestmark = pytest.mark.only("postfix", "the service manager is the same for both MTAs")


def daemon_of(world, name):
    return world.gateway.milter if name == "demail-milter" else world.gateway.poller


def address_of(world, name):
    return world.gateway.mta_milter if name == "demail-milter" else world.gateway.lmtp


@pytest.fixture
def manage(own_world):
    """Gives a daemon of own_world, which is stopped, to a Manager; `activated`: with its socket handed in."""
    managers = []

    def take(name, activated=False, watchdog=None, address=None):
        daemon = daemon_of(own_world, name)
        assert daemon.stop() == 0
        listening = listen(address or address_of(own_world, name)) if activated else None
        managers.append(Manager(daemon, own_world.home, listening, watchdog))
        return managers[-1]

    yield take
    for manager in managers:
        manager.daemon.stop()
        manager.close()


def connected(address):
    """A connection to a daemon's socket."""
    if address.startswith("unix:"):
        client = socket.socket(socket.AF_UNIX)
        client.connect(address.removeprefix("unix:"))
        return client
    host, _, port = address.removeprefix("inet:").rpartition(":")
    return socket.create_connection((host, int(port)))


@pytest.mark.parametrize("activated", [False, True], ids=["own-socket", "handed-in"])
@pytest.mark.parametrize("name", DAEMONS)
def test_it_says_when_it_is_ready_reloads_and_stops(own_world, manage, name, activated):
    manager = manage(name, activated)
    manager.start()
    connected(address_of(own_world, name)).close()
    assert manager.states == ["READY=1"]
    manager.daemon.reload("event=reloaded")
    wait_until(lambda: manager.said("READY=1") == 2, "the end of the reload")
    assert manager.states[1].startswith("RELOADING=1\nMONOTONIC_USEC="), manager.states
    assert manager.daemon.stop() == 0
    wait_until(lambda: manager.said("STOPPING=1") == 1, "STOPPING=1")
    assert len(manager.states) == 4, manager.states


@pytest.mark.parametrize("name", DAEMONS)
def test_signs_of_life_cost_no_connection_and_no_line(own_world, manage, name):
    """With as many connections open as the poller may have, too."""
    own_world.gateway.config["poller"]["max_connections"] = "1"
    own_world.gateway.write_config()
    manager = manage(name, watchdog=WATCHDOG)
    manager.start()
    with connected(address_of(own_world, name)) as client:
        if name == "demail-poller":
            assert client.recv(100).startswith(b"220 ")
        lines, files = manager.daemon.lines(), open_files(manager.daemon)
        manager.wait("WATCHDOG=1", times=6, timeout=10 * WATCHDOG)
        assert manager.daemon.lines() == lines
        assert open_files(manager.daemon) <= files + 2, "the sign under way, at both its ends"


def open_files(daemon):
    return len(os.listdir(f"/proc/{daemon.process.pid}/fd"))


def test_no_sign_of_life_of_another_process(own_world, manage):
    """Who starts a daemon by a script of its own leaves it WATCHDOG_PID, which is the script's."""
    manager = manage("demail-milter", watchdog=WATCHDOG)
    manager.environment["WATCHDOG_PID"] = "1"
    manager.start()
    assert own_world.send(MAX, "x@example.org", "no watchdog").code == 250
    with pytest.raises(AssertionError, match="in vain"):
        manager.wait("WATCHDOG=1", timeout=WATCHDOG)


class Stopped:
    """Some threads of a process, stopped while the others run."""

    SEIZE, INTERRUPT, DETACH, WALL = 0x4206, 0x4207, 17, 0x40000000

    def __init__(self, pid, chosen):
        """`chosen`: whether one is to be stopped, by its id and its name."""
        tasks = Path(f"/proc/{pid}/task")
        self.threads = [int(task.name) for task in tasks.iterdir()
                        if chosen(int(task.name), (task / "comm").read_text().strip())]
        self._libc = ctypes.CDLL(None, use_errno=True)

    def __enter__(self):
        assert self.threads
        for thread in self.threads:
            self._trace(self.SEIZE, thread)
            self._trace(self.INTERRUPT, thread)
            os.waitpid(thread, self.WALL)
        return self

    def __exit__(self, *_):
        for thread in self.threads:
            self._trace(self.DETACH, thread)

    def _trace(self, request, thread):
        if self._libc.ptrace(request, thread, None, None) != 0:
            raise OSError(ctypes.get_errno(), f"ptrace {request}")


def assert_silent(manager):
    """It says nothing for longer than it may."""
    wait_until(lambda: time.monotonic() - manager.heard > WATCHDOG, "the last sign of life to be on its way", 20)
    with pytest.raises(AssertionError, match="in vain"):
        manager.wait("WATCHDOG=1", timeout=2 * WATCHDOG)


def test_milter_that_hangs_gives_no_sign_of_life(own_world, manage):
    """All of libmilter's threads hang; the one that asks, and the one that reloads, run."""
    own_world.allow("event=no-sign-of-life")
    manager = manage("demail-milter", watchdog=WATCHDOG)
    manager.start()
    manager.wait("WATCHDOG=1")
    with Stopped(manager.daemon.process.pid, lambda _, comm: comm == "libmilter"):
        assert_silent(manager)
        manager.daemon.reload("event=reloaded")
        assert sum("event=no-sign-of-life" in line for line in manager.daemon.lines()) == 1
    manager.wait("WATCHDOG=1", times=2)
    assert own_world.send(MAX, "x@example.org", "alive").code == 250


def test_poller_whose_main_loop_hangs_gives_no_sign_of_life(own_world, manage):
    """The threads that poll and serve run."""
    own_world.allow("event=no-sign-of-life")
    manager = manage("demail-poller", watchdog=WATCHDOG)
    manager.start()
    manager.wait("WATCHDOG=1")
    pid = manager.daemon.process.pid
    with Stopped(pid, lambda thread, _: thread == pid):
        assert_silent(manager)
    manager.wait("WATCHDOG=1", times=2)


@pytest.mark.parametrize("name", DAEMONS)
def test_socket_that_was_handed_in(own_world, manage, token, name):
    """It is served, and stays when the daemon ends; who connects meanwhile is served by the next one."""
    manager = manage(name, activated=True)
    manager.start()
    assert own_world.send(MAX, ERIKA, token).code == 250
    own_world.sandbox.wait(ERIKA, token.encode())
    assert manager.daemon.stop() == 0
    if name == "demail-poller":
        assert Path(own_world.gateway.lmtp.removeprefix("unix:")).is_socket(), "the manager's socket was removed"
    with connected(address_of(own_world, name)) as client:
        manager.start()
        assert greeted(client, name)


def greeted(client, name):
    """Whether the daemon serves this connection."""
    client.settimeout(30)
    if name == "demail-milter":
        client.sendall(bytes([0, 0, 0, 13]) + b"O" + bytes([0, 0, 0, 6, 0, 0, 1, 255, 0, 31, 255, 255]))
    answer = client.recv(100)
    return answer.startswith(b"220 ") if name == "demail-poller" else answer[4:5] == b"O"


@pytest.mark.parametrize("name", DAEMONS)
def test_unix_socket_of_the_milter_and_inet_socket_of_the_poller(own_world, manage, token, name):
    """The other kind than the examples have."""
    gateway, port = own_world.gateway, free_port()
    other = f"inet:127.0.0.1:{port}" if name == "demail-poller" else f"unix:{gateway.home}/run/milter.sock"
    gateway.config[name.removeprefix("demail-")]["lmtp" if name == "demail-poller" else "socket"] = other
    gateway.write_config()
    manager = manage(name, activated=True, watchdog=WATCHDOG, address=other)
    manager.start()
    manager.wait("WATCHDOG=1", times=2)
    with connected(other) as client:
        assert greeted(client, name)
    assert manager.daemon.stop() == 0
    connected(other).close()


@pytest.mark.parametrize("name", DAEMONS)
@pytest.mark.parametrize("what", ["two", "other", "datagrams", "connected"])
def test_wrong_socket_is_refused(own_world, manage, what, name):
    manager = manage(name, activated=True)
    given, other_end = manager.listening, None
    if what == "other":
        manager.listening = listen(f"inet:127.0.0.1:{free_port()}")
    elif what == "datagrams":
        manager.listening = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    elif what == "connected":
        manager.listening, other_end = socket.socketpair()
    before = len(manager.daemon.lines())
    manager.launch(sockets=2 if what == "two" else 1)
    assert manager.daemon.process.wait(timeout=60) == 78
    (line,) = manager.daemon.lines()[before:]
    words = {"two": ["2 sockets", "ListenStream="], "datagrams": ["no listening stream socket", "ListenStream="],
             "connected": ["no listening stream socket", "Accept=no"],
             "other": ["hands in inet:127.0.0.1:", "configuration says", "ListenStream="]}[what]
    address = address_of(own_world, name)
    assert all(word in line for word in [*words, address]), line
    assert not manager.states
    for one in (given, other_end):
        if one:
            one.close()
    daemon_of(own_world, name).process = None


def test_by_systemd_socket_activate(own_world, token):
    """The real thing: it starts the milter when the first client connects."""
    gateway = own_world.gateway
    assert gateway.milter.stop() == 0
    port = gateway.milter_port
    plain = gateway.milter.command
    environment = [f"--setenv={name}" for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS")]
    gateway.milter.command = ["systemd-socket-activate", f"--listen=127.0.0.1:{port}", *environment, *plain]
    gateway.milter.launch()
    wait_until(lambda: listens(port), "the socket")
    assert own_world.send(MAX, ERIKA, token).code == 250
    own_world.sandbox.wait(ERIKA, token.encode())


def listens(port):
    """Without connecting."""
    return f":{port:04X} 00000000:0000 0A" in Path("/proc/net/tcp").read_text()


def test_restarts_drop_nothing(own_world, manage, token, record_property):
    """Mail in both directions, and both daemons restarted in it again and again."""
    own_world.allow("event=undeliverable", "event=message-refused")
    managers = [manage(name, activated=True, watchdog=60) for name in reversed(DAEMONS)]
    for manager in managers:
        manager.start()
    seconds = []
    load = Load(own_world, token, "restarts")
    try:
        for _ in range(ROUNDS):
            for manager in managers:
                done = load.count()
                wait_until(lambda before=done: load.count() >= before + 5, "some mail between the restarts", 60)
                begin = time.monotonic()
                manager.restart()
                seconds.append(time.monotonic() - begin)
    finally:
        load.stop()
    wait_until(lambda: settled(own_world, load.sent), "all to arrive", 120)
    account = account_for(own_world, load.sent)
    deferred = [line for line in own_world.mta.lines("status=deferred")]
    milter = [line for line in own_world.mta.lines("milter") if "451" in line or "warning" in line]
    record_property("restarts", f"{len(seconds)} restarts of {min(seconds):.1f} to {max(seconds):.1f} s, "
                    f"{account.messages} messages, {len(account.lost)} lost, {len(account.twice)} twice, "
                    f"{load.sent.tries['submission']} refused or tempfailed, {len(deferred)} deferred")
    assert (account.lost, account.twice, account.marked) == ([], [], 0)
    assert (load.sent.tries["submission"], deferred, milter) == (0, [], [])


def test_session_longer_than_the_stop_waits(own_world, manage):
    """It is told to try again, and the milter ends in time."""
    manager = manage("demail-milter", activated=True)
    manager.start()
    with smtplib.SMTP("127.0.0.1", own_world.mta.ports["submission"], timeout=60) as session:
        session.ehlo()
        assert session.docmd("MAIL", f"FROM:<{MAX}>")[0] == 250
        begin = time.monotonic()
        manager.restart()
        assert 14 < time.monotonic() - begin < 28
        assert "sessions=1" in [line for line in manager.daemon.lines() if "event=stopped" in line][-1]
        assert session.docmd("RCPT", "TO:<x@example.org>")[0] == 250
        assert session.data("Subject: too long\n\nx\n")[0] == 451
    assert own_world.send(MAX, "x@example.org", "afterwards").code == 250


def test_milter_that_has_left_its_socket_can_not_hang_in_it(own_world, manage):
    """Where libmilter had just seen a connection when the stop began, it accepts on what took the socket's place."""
    manager = manage("demail-milter", activated=True)
    manager.start()
    pid = manager.daemon.process.pid
    with smtplib.SMTP("127.0.0.1", own_world.mta.ports["submission"], timeout=60) as session:
        session.ehlo()
        assert session.docmd("MAIL", f"FROM:<{MAX}>")[0] == 250
        given = os.readlink(f"/proc/{pid}/fd/3")
        os.kill(pid, signal.SIGTERM)
        wait_until(lambda: os.readlink(f"/proc/{pid}/fd/3") != given, "the socket to be left")
        flags = re.search(r"^flags:\s+(\d+)$", Path(f"/proc/{pid}/fdinfo/3").read_text(), re.MULTILINE)
        assert int(flags[1], 8) & os.O_NONBLOCK
        session.rset()
    assert manager.daemon.process.wait(timeout=28) == 0


def packet(command, data=b""):
    """Of the milter protocol."""
    return struct.pack(">I", len(data) + 1) + command + data


def talk(address, stopping):
    """Message after message to the milter, on ever new connections, without waiting for the answers."""
    message = b"".join([packet(b"M", f"<{MAX}>\0".encode()), packet(b"R", f"<{ERIKA}>\0".encode()),
                        packet(b"L", f"From\0 {MAX}\0".encode()), packet(b"E")])
    while not stopping.is_set():
        with contextlib.suppress(OSError), connected(address) as client:
            client.settimeout(0.2)
            client.sendall(packet(b"O", struct.pack(">III", 6, 0x1FF, 0x1FFFFF)))
            for _ in range(20):
                client.sendall(message)
                client.recv(65536)


def test_milter_that_stops_under_load_ends_well(own_world, manage):
    """With a socket of its own it waits for no session, and so must free nothing that they use."""
    manager = manage("demail-milter")
    stopping = threading.Event()
    clients = [threading.Thread(target=talk, args=(own_world.gateway.mta_milter, stopping)) for _ in range(12)]
    for client in clients:
        client.start()
    try:
        for _ in range(4):
            manager.start()
            time.sleep(1)  # for the load
            assert manager.daemon.stop() == 0
    finally:
        stopping.set()
        for client in clients:
            client.join()


def test_session_that_ends_in_time_is_waited_for(own_world, manage, token):
    """A message that began before the stop is taken, and one that comes during it waits for the next milter."""
    manager = manage("demail-milter", activated=True)
    manager.start()
    answers = []
    with smtplib.SMTP("127.0.0.1", own_world.mta.ports["submission"], timeout=60) as session:
        session.ehlo()
        assert session.docmd("MAIL", f"FROM:<{MAX}>")[0] == 250
        restart = threading.Thread(target=manager.restart)
        restart.start()
        wait_until(lambda: manager.said("STOPPING=1"), "the stop to begin")
        other = threading.Thread(target=lambda: answers.append(own_world.send(MAX, ERIKA, token)))
        other.start()
        assert session.docmd("RCPT", f"TO:<{ERIKA}>")[0] == 250
        assert session.data(f"From: {MAX}\nTo: {ERIKA}\nSubject: {token}first\n\nx\n")[0] == 250
        assert not answers
    restart.join()
    other.join()
    assert answers[0].code == 250
    for word in (token, f"{token}first"):
        own_world.sandbox.wait(ERIKA, word.encode())


def test_units_are_good(tmp_path):
    for source in SYSTEMD.iterdir():
        if source.suffix == ".in" or source.suffix == ".socket":
            text = source.read_text()
            for name in DAEMONS:
                text = text.replace(f"@SBINDIR@/{name}", str(program(name)))
            (tmp_path / source.name.removesuffix(".in")).write_text(text)
    units = sorted(tmp_path.iterdir())
    assert [unit.name for unit in units] == [f"{n}.{kind}" for n in DAEMONS for kind in ("service", "socket")]
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", *units], capture_output=True, text=True, timeout=60,
                          check=False)
    complaints = [line for line in done.stderr.splitlines() if re.search("demail-", line)]
    assert (done.returncode, complaints) == (0, []), done.stderr
