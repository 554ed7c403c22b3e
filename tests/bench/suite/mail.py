"""Ordinary mail through Postfix with our milter, without any, with a filter that does nothing, and with OpenDKIM."""

import subprocess
import time
from contextlib import ExitStack

from harness.ports import free_port
from harness.process import Daemon
from harness.world import World

from .figures import Bound, Figure, interleave

SIZES = {"4 KiB": 4 << 10, "200 KiB": 200 << 10, "5 MiB": 5 << 20}
SESSIONS = (1, 10, 50)
MESSAGES = {"4 KiB": {1: 200, 10: 400, 50: 400}, "200 KiB": {1: 150, 10: 200, 50: 200},
            "5 MiB": {1: 15, 10: 20, 50: 50}}  # of a burst, half a second
BURSTS = 6  # of each variant in a round, in turn: one of them differs from the next by 10 %

OPENDKIM = """\
Syslog no
Mode v
Socket local:{socket}
UMask 000
UserID {user}
"""

EVERYWHERE = ("ours", "none", "lean", "opendkim")


class Servers:
    """A world whose Postfix has an smtpd of its own for each filter; what is sent is thrown away."""

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
        lean = [Daemon(name, ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups",
                              build / "tests/bench/lean_filter", f"unix:{home}/{name}", *options], home / f"{name}.log")
                for name, options in (("lean", []), ("header", ["header"]))]
        (home / "opendkim.conf").write_text(OPENDKIM.format(socket=home / "opendkim", user="nobody:nogroup"))
        opendkim = Daemon("opendkim", ["opendkim", "-f", "-x", home / "opendkim.conf"], home / "opendkim.log")
        for daemon in (*lean, opendkim):
            self.stack.callback(daemon.kill)
            daemon.start((home / daemon.name).exists)
            (home / daemon.name).chmod(0o777)
        self.filters = {daemon.name: daemon for daemon in (*lean, opendkim)}
        self.filters["ours"] = self.milter
        self.ports = {name: free_port() for name in (*EVERYWHERE, "header")}
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
        """Seconds that the filter has used so far; 0 where there is none."""
        return cpu_seconds(self.filters[name].process.pid) if name in self.filters else 0.0

    def send(self, name, content, sessions, count):
        """A burst: its seconds, and those that the filter worked. `content`: arguments of smtp-source."""
        before, start = self.cpu(name), time.monotonic()
        subprocess.run(["smtp-source", "-s", str(sessions), "-m", str(count), "-f", "someone@elsewhere.example",
                        "-t", "else@example.net", *content, f"127.0.0.1:{self.ports[name]}"], check=True)
        seconds = time.monotonic() - start
        used = self.cpu(name) - before
        self.world.mta.wait_empty()
        return seconds, used


def cpu_seconds(process):
    """The processor time of all threads of a process, as its clock gives it."""
    return time.clock_gettime((~process << 3) | 2)


def write_message(path, size):
    """A message of about so many bytes that has come a long way."""
    hops = "".join(f"Received: from mx{hop}.elsewhere.example (mx{hop}.elsewhere.example [192.0.2.{hop}])\n"
                   f"\tby mx{hop + 1}.elsewhere.example (Postfix) with ESMTPS id 4ABCDEF{hop}\n"
                   f"\tfor <else@example.net>; Fri, 2 Jan 2026 03:04:0{hop} +0100\n" for hop in range(5))
    marks = "".join(f"X-Mark-{number}: {'lorem ipsum ' * 4}\n" for number in range(12))
    head = (f"{hops}{marks}Message-ID: <20260102030405.12345@elsewhere.example>\nDate: Fri, 2 Jan 2026 03:04:05 +0100\n"
            "From: Someone <someone@elsewhere.example>\nTo: Else <else@example.net>\nSubject: Lorem ipsum\n"
            "MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 7bit\n\n")
    line = "Lorem ipsum dolor sit amet, consetetur sadipscing elitr, sed diam nonumy ei.\n"
    path.write_text(head + line * ((size - len(head)) // len(line)))


def measure(servers, options, names, name, content, sessions, count):
    """These variants, as two figures without bounds: rates, and what the filters use."""
    bursts = 1 if options.quick else BURSTS
    variants = {variant: lambda variant=variant: servers.send(variant, content, sessions, count)
                for variant in names}
    for send in variants.values():
        send()
    seconds, used = interleave(variants, options.rounds * bursts)
    rate = {variant: [count * bursts / total for total in sums(values, bursts)] for variant, values in seconds.items()}
    cpu = {variant: [total * 1e6 / count / bursts for total in sums(values, bursts)]
           for variant, values in used.items() if variant in servers.filters}
    return Figure("mail", name, "messages/s", rate), Figure("mail", f"{name}: filter", "us/message", cpu)


def sums(values, size):
    """Of each `size` neighbours."""
    return [sum(values[begin:begin + size]) for begin in range(0, len(values), size)]


def run(options):
    servers = Servers(options.build)
    by_size = {}
    try:
        for size, octets in SIZES.items():
            for sessions in SESSIONS[1:2] if options.quick else SESSIONS:
                names = (*EVERYWHERE, "header") if size == "4 KiB" else EVERYWHERE
                rate, cpu = measure(servers, options, names, f"{size}, {sessions} sessions", ["-l", str(octets)],
                                    sessions, max(MESSAGES[size][sessions] // (4 if options.quick else 1), sessions))
                rate.bounds = [Bound("ours", "lean", least=0.97), Bound("ours", "opendkim", least=1.0)]
                if size == "5 MiB":
                    rate.bounds.append(Bound("ours", "none", least=0.95))
                if "header" in names:
                    rate.bounds += [Bound("header", "lean"), Bound("ours", "header")]
                cpu.bounds = [Bound("ours", "lean", most=1.5)]
                yield rate
                yield cpu
                if sessions == SESSIONS[1]:
                    # Rounds of several minutes apart: as shares of what the lean filter used in the same round.
                    by_size[size] = [ours / lean for ours, lean in zip(cpu.samples["ours"], cpu.samples["lean"])]
        yield Figure("mail", f"ours: filter, by size, {SESSIONS[1]} sessions", "of lean", by_size,
                     [Bound("5 MiB", "4 KiB")])
        long_way = servers.world.home / "long-way"
        write_message(long_way, SIZES["4 KiB"])
        rate, cpu = measure(servers, options, (*EVERYWHERE, "header"), "4 KiB, 25 fields, 10 sessions",
                            ["-F", str(long_way)], 10, MESSAGES["4 KiB"][10] // (4 if options.quick else 1))
        rate.bounds = [Bound("ours", "lean"), Bound("header", "lean"), Bound("ours", "header")]
        yield rate
        yield cpu
    finally:
        servers.stack.close()
