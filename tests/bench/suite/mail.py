"""Ordinary mail through Postfix with our milter, without any, with a filter that does nothing, and with OpenDKIM."""

import os
import subprocess
import time
from contextlib import ExitStack

from harness.ports import free_port
from harness.process import Daemon, program
from harness.wait import wait_until
from harness.world import World

from .figures import Bound, Figure, interleave

SIZES = {"4 KiB": 4 << 10, "200 KiB": 200 << 10, "5 MiB": 5 << 20}
SESSIONS = (1, 10, 50)
MESSAGES = {"4 KiB": {1: 600, 10: 2000, 50: 2000}, "200 KiB": {1: 300, 10: 500, 50: 500},
            "5 MiB": {1: 30, 10: 40, 50: 50}}
QUICK = {"4 KiB": 100, "200 KiB": 60, "5 MiB": 50}

OPENDKIM = """\
Syslog no
Mode v
Socket local:{socket}
UMask 000
UserID {user}
"""


class Servers:
    """A world whose Postfix has an smtpd of its own for each filter; what is mailed to others is thrown away."""

    def __init__(self, build):
        self.stack = ExitStack()
        self.world = World("postfix", build)
        self.stack.callback(self.world.stop)
        try:
            self._start(build)
        except BaseException:
            self.stack.close()
            raise

    def _start(self, build):
        world = self.world
        home = world.home / "filters"
        home.mkdir()
        home.chmod(0o777)
        self.milter = self._restart_on(world, f"unix:{home}/ours")
        lean = Daemon("lean_filter", ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups",
                                      build / "tests/bench/lean_filter", f"unix:{home}/lean"], home / "lean.log")
        (home / "opendkim.conf").write_text(OPENDKIM.format(socket=home / "opendkim", user="nobody:nogroup"))
        opendkim = Daemon("opendkim", ["opendkim", "-f", "-x", home / "opendkim.conf"], home / "opendkim.log")
        for daemon, socket in ((lean, home / "lean"), (opendkim, home / "opendkim")):
            daemon.start(socket.exists)
            self.stack.callback(daemon.kill)
            socket.chmod(0o777)
        self.filters = {"ours": self.milter, "lean": lean, "opendkim": opendkim}
        self.ports = {name: free_port() for name in ("ours", "none", "lean", "opendkim")}
        world.mta.configure("default_transport=discard:", "relay_transport=discard:",
                            "smtpd_client_connection_rate_limit=0", "default_process_limit=200")
        for name, port in self.ports.items():
            milters = f"unix:{home}/{name}" if name != "none" else ""
            world.mta.serve(port, f"smtpd_milters={milters}")

    @staticmethod
    def _restart_on(world, socket):
        """All filters listen on sockets of the same kind."""
        milter = world.gateway.milter
        assert milter.stop() == 0
        world.gateway.config["milter"].update(socket=socket, socket_group="postfix")
        world.gateway.write_config()
        world.gateway.start_milter()
        return milter

    def cpu(self, name):
        """Seconds that the filter has used so far; all of the others for which there is none."""
        return cpu_seconds(self.filters[name].process.pid) if name in self.filters else 0.0

    def send(self, name, message, sessions, count):
        """Messages per second, and the filter's microseconds per message."""
        before, start = self.cpu(name), time.monotonic()
        subprocess.run(["smtp-source", "-s", str(sessions), "-m", str(count), "-f", "someone@elsewhere.example",
                        "-t", "else@example.net", "-F", str(message), f"127.0.0.1:{self.ports[name]}"], check=True)
        seconds = time.monotonic() - start
        used = self.cpu(name) - before
        self.world.mta.wait_empty()
        return count / seconds, used * 1e6 / count


def cpu_seconds(process):
    """The processor time of all threads of a process, as its clock gives it."""
    return time.clock_gettime((~process << 3) | 2)


def write_message(path, size):
    """An ordinary message of about so many bytes."""
    line = "Lorem ipsum dolor sit amet, consetetur sadipscing elitr, sed diam nonumy ei.\n"
    head = ("Message-ID: <20260102030405.12345@elsewhere.example>\nDate: Fri, 2 Jan 2026 03:04:05 +0100\n"
            "From: Someone <someone@elsewhere.example>\nTo: Else <else@example.net>\nSubject: Lorem ipsum\n"
            "MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 7bit\n\n")
    path.write_text(head + line * ((size - len(head)) // len(line)))


def bounds(size):
    return [Bound("ours", "lean", least=0.97), Bound("ours", "opendkim", least=1.0),
            *([Bound("ours", "none", least=0.95)] if size == "5 MiB" else []), ]


def run(options):
    servers = Servers(options.build)
    try:
        used = {}
        for size, octets in SIZES.items():
            message = servers.world.home / f"message-{octets}"
            write_message(message, octets)
            for sessions in SESSIONS:
                count = QUICK[size] if options.quick else MESSAGES[size][sessions]
                variants = {name: lambda name=name: servers.send(name, message, sessions, count)
                            for name in servers.ports}
                servers.send("none", message, sessions, sessions)
                rate, cpu = interleave(variants, options.rounds)
                del cpu["none"]
                yield Figure("mail", f"{size}, {sessions} sessions", "messages/s", rate, bounds(size))
                yield Figure("mail", f"{size}, {sessions} sessions, filter", "us/message", cpu,
                             [Bound("ours", "lean", most=1.5)])
    finally:
        servers.stack.close()
