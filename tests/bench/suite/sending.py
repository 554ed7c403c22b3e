"""De-Mail from the MTA's queue to the provider, against the limit that the provider's answer time sets."""

import json
import signal
import subprocess
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path

from harness.ports import free_port
from harness.process import Daemon
from harness.wait import wait_until
from harness.world import World

from .figures import Bound, Figure, interleave
from .mail import cpu_seconds

MIB = 1 << 20
SMALL, LARGE = 4 << 10, 20 * MIB
SENDER, RECIPIENT = "max@gemeinde.example", "erika@muster.de-mail.de"
ACCOUNT = "poststelle@gemeinde.de-mail.de"

SECONDS = 0.05  # the provider's answer time
JUDGED = 32  # submissions at once, up to which the limit has to be reached
POLLED = 2  # mailboxes, each of which may need a connection of its own

# Numbers of submissions at once, and how many times as many messages are timed; without answer time in all.
WAVES = {1: 40, 8: 40, 32: 40, 128: 12}
QUICK_WAVES = {32: 4}
COUNT, QUICK_COUNT = 1000, 200
ALL_FAULTS = 1_000_000

# What the sandbox counts, and how much of it is the bench: a fault set, faults cleared twice, and what it counts asked.
OWN_CALLS = {"connections": 4, "tls_handshakes": 4, "requests": 4, "posts": 0}


class Servers:
    """A world with a port for senders of De-Mail, and LMTP servers that only wait, behind the same transport."""

    def __init__(self, build):
        self.build = build
        self.stack = ExitStack()
        self.world = World("postfix", build)
        self.stack.callback(self.world.stop)
        try:
            self._start()
        except BaseException:
            self.stack.close()
            raise

    def _start(self):
        world = self.world
        self.port = free_port()
        self.sinks = {millis: self._sink(millis) for millis in (0, int(SECONDS * 1000))}
        routes = ",".join(f"{millis}.sink.example=demail:unix:{world.home}/sink{millis}" for millis in self.sinks)
        world.mta.configure("smtpd_client_connection_rate_limit=0", "default_process_limit=300",
                            f"transport_maps=inline:{{{routes}}},lmdb:{world.mta.etc}/divert")
        world.mta.serve(self.port)
        world.gateway.config["poller"]["max_connections"] = "256"

    def _sink(self, millis):
        socket = self.world.home / f"sink{millis}"
        sink = Daemon("lmtp_sink", [self.build / "tests/bench/lmtp_sink", f"unix:{socket}", millis],
                      self.world.home / f"sink{millis}.log")
        self.stack.callback(sink.kill)
        sink.start(socket.exists)
        return sink

    def allow(self, at_once):
        """So many submissions at once, on both sides."""
        world = self.world
        world.mta.configure(f"demail_destination_concurrency_limit={at_once}",
                            f"demail_initial_destination_concurrency={at_once}")
        world.gateway.config["provider sandbox"]["max_submissions"] = str(at_once)
        world.gateway.write_config()
        world.gateway.poller.reload("event=reloaded")

    def answer_after(self, seconds):
        self.world.sandbox.clear_faults()
        if seconds > 0:
            self.world.sandbox.fault("late-answer", seconds=seconds, times=ALL_FAULTS)

    def fill(self, recipient, count, octets=SMALL):
        """Hands messages in, and waits until all stand in the queue of those that are ready to be sent."""
        subprocess.run(["smtp-source", "-s", str(min(count, 8)), "-m", str(count), "-l", str(octets), "-f", SENDER,
                        "-t", recipient, f"127.0.0.1:{self.port}"], check=True)
        incoming = self.world.mta.home / "queue" / "incoming"
        wait_until(lambda: not any(file.is_file() for file in incoming.rglob("*")), "qmgr to take all messages")

    def deliver(self, daemon, event, recipient, at_once, count):
        """Messages per second from the end of the first wave to the end of the last: there are more behind them. The
        LMTP server stands still while the queue is filled."""
        total = count + 2 * at_once
        daemon.signal(signal.SIGSTOP)
        try:
            self.fill(recipient, total)
            log = Log(daemon.log, event)
        finally:
            daemon.signal(signal.SIGCONT)
        wait_until(lambda: log.count() >= total, f"{total} messages", timeout=120)
        self.world.mta.wait_empty()
        times = log.moments()
        return count / (times[at_once - 1 + count] - times[at_once - 1])


class Log:
    """When an event is logged, from now on."""

    def __init__(self, file, event):
        self.file, self.mark = file, f" event={event} ".encode()
        self.start = file.stat().st_size

    def _text(self):
        with open(self.file, "rb") as log:
            log.seek(self.start)
            return log.read()

    def count(self):
        return self._text().count(self.mark)

    def moments(self):
        """In seconds."""
        return [datetime.fromisoformat(line[:23].decode()).timestamp()
                for line in self._text().splitlines() if self.mark in line]


class Client:
    """Submits what the poller submitted, without MTA and gateway."""

    def __init__(self, servers):
        world = servers.world
        self.program = servers.build / "tests/bench/submit_client"
        self.world = world
        entry = world.sandbox.entries(RECIPIENT)[0]
        self.draft = world.home / "draft"
        self.draft.write_bytes(world.sandbox.draft(entry))
        self.envelope = json.dumps({"sender": "max@gemeinde.de-mail.de", "recipients": [RECIPIENT],
                                    "private_id": entry["private_id"]})
        self.token = world.sandbox.session(ACCOUNT)

    def submit(self, at_once, count):
        """Submissions per second."""
        pki = self.world.pki
        done = subprocess.run([self.program, f"{self.world.sandbox.url}/v1/messages", pki.cert("ca"),
                               pki.cert("client"), pki.key("client"), self.token, self.envelope, self.draft,
                               str(at_once), str(count)], check=True, capture_output=True, text=True)
        return float(done.stdout)


class Sending:
    """The figures of one number of submissions at once."""

    def __init__(self, servers, client, at_once, quick):
        self.servers, self.client, self.at_once, self.quick = servers, client, at_once, quick
        self.cpu = {"poller": [], "sandbox": []}
        self.stats = servers.world.sandbox.stats()
        servers.allow(at_once)

    def ours(self, count):
        servers, world = self.servers, self.servers.world
        processes = {"poller": world.gateway.poller.process.pid, "sandbox": world.sandbox.process.pid}
        before = {name: cpu_seconds(process) for name, process in processes.items()}
        rate = servers.deliver(world.gateway.poller, "submitted", RECIPIENT, self.at_once, count)
        for name, process in processes.items():
            self.cpu[name].append((cpu_seconds(process) - before[name]) * 1e6 / (count + 2 * self.at_once))
        return rate

    def sink(self, millis, count):
        return self.servers.deliver(self.servers.sinks[millis], "taken", f"else@{millis}.sink.example", self.at_once,
                                    count)

    def at_50_ms(self, rounds, count):
        """Against the limit; what Postfix alone reaches tells whose the rest is."""
        self.servers.answer_after(SECONDS)
        rate = interleave(self.without_mta({"ours": lambda: self.ours(count),
                                            "MTA": lambda: self.sink(int(SECONDS * 1000), count)}), rounds)
        rate["limit"] = [self.at_once / SECONDS] * rounds
        self.servers.answer_after(0)
        yield Figure("sending", f"50 ms, {self.at_once} at once", "messages/s", rate,
                     [Bound("ours", "limit", least=0.9 if self.at_once <= JUDGED else None),
                      *([] if self.quick else [Bound("MTA", "limit")])],
                     "one call for each De-Mail; MTA: Postfix to an LMTP server that only waits so long")
        yield self.processor("50 ms")
        yield self.connections(rounds * (count + 2 * self.at_once))

    def at_0_ms(self, rounds, count):
        """Against a client that submits the same without MTA and gateway, and against Postfix alone."""
        rate = interleave(self.without_mta({"ours": lambda: self.ours(count), "MTA": lambda: self.sink(0, count),
                                            "client": lambda: self.client.submit(self.at_once, count)}), rounds)
        yield Figure("sending", f"0 ms, {self.at_once} at once", "messages/s", rate,
                     [Bound("ours", "client"), *([] if self.quick else [Bound("ours", "MTA")])])
        yield self.processor("0 ms")

    def without_mta(self, variants):
        """A quick run does not measure what nothing is judged by."""
        return {name: variant for name, variant in variants.items() if not (self.quick and name == "MTA")}

    def processor(self, answer):
        cpu, self.cpu = self.cpu, {name: [] for name in self.cpu}
        return Figure("sending", f"{answer}, {self.at_once} at once, processor", "us/message", cpu)

    def connections(self, messages):
        """Counted by the sandbox since there is this number at once, without the calls of the bench itself."""
        after = self.servers.world.sandbox.stats()
        counts = {name: [after[name] - self.stats[name] - own] for name, own in OWN_CALLS.items()}
        counts.update(messages=[messages], allowed=[self.at_once + POLLED])
        return Figure("sending", f"50 ms, {self.at_once} at once, counted", "", counts,
                      [Bound("connections", "allowed", most=1, counted=True),
                       Bound("tls_handshakes", "connections", most=1, counted=True),
                       Bound("posts", "messages", least=1, most=1, counted=True),
                       Bound("requests", "connections")])


class Memory:
    """Peak resident memory of poller and milter together, with as many De-Mails at once at the provider as judged."""

    def __init__(self, servers):
        self.servers = servers
        gateway = servers.world.gateway
        self.daemons = (gateway.poller, gateway.milter)

    def peak(self, octets):
        """In bytes. All have arrived at the provider before it answers any."""
        world = self.servers.world
        for daemon in self.daemons:
            Path(f"/proc/{daemon.process.pid}/clear_refs").write_text("5")
        world.sandbox.fault("late-answer", seconds=600, times=ALL_FAULTS)
        log = Log(world.gateway.poller.log, "submitted")
        arrived = world.sandbox.stats()["posts"] + JUDGED
        self.servers.fill(RECIPIENT, JUDGED, octets)
        wait_until(lambda: world.sandbox.stats()["posts"] == arrived, "all messages at the provider", timeout=120)
        assert log.count() == 0, "one was answered before the last had come"
        world.sandbox.clear_faults()
        world.mta.wait_empty()
        return sum(daemon.peak_rss() for daemon in self.daemons)

    def figures(self):
        """In daemons that have not sent anything yet: what they keep from earlier would hide what they grow by."""
        small = self.peak(SMALL)
        large = self.peak(LARGE)
        yield Figure("sending", f"peak memory, {JUDGED} at once", "MiB",
                     {"4 KiB": [small / MIB], "20 MiB": [large / MIB]})
        yield Figure("sending", f"memory grown, {JUDGED} x 20 MiB", "MiB",
                     {"grown": [max(large - small, 0) / MIB], "allowed": [64]},
                     [Bound("grown", "allowed", most=1, counted=True)])


def run(options):
    servers = Servers(options.build)
    try:
        servers.allow(JUDGED)
        yield from Memory(servers).figures()
        client = Client(servers)
        for at_once, waves in (QUICK_WAVES if options.quick else WAVES).items():
            sending = Sending(servers, client, at_once, options.quick)
            yield from sending.at_50_ms(options.rounds, waves * at_once)
            yield from sending.at_0_ms(options.rounds, QUICK_COUNT if options.quick else COUNT)
    finally:
        servers.stack.close()
