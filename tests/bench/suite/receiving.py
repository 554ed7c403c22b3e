"""A mailbox emptied by the poller into Postfix, against its parts alone, and the cost of a message at both ends of a
mailbox of 100,000."""

import json
import os
import re
import subprocess
import tempfile
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from statistics import median

from harness.fill import fill, retrieve
from harness.process import program
from harness.wait import wait_until
from harness.world import World

from .figures import Bound, Figure, interleave
from .mail import cpu_seconds

ACCOUNT, OTHER_ACCOUNT = "poststelle@gemeinde.de-mail.de", "rathaus@stadt.de-mail.de"
MAILBOX = "poststelle@gemeinde.example"
TEXT = "Guten Tag, dies ist eine Zeile von vielen in einem Bescheid.\n" * 64
RECEIVED = re.compile(rb"^(\S+) .* event=received tenant=gemeinde ", re.MULTILINE)
INJECTION = re.compile(r"demail-in/smtpd\[\d+\]: disconnect from .* mail=(\d+)")


@dataclass(frozen=True)
class Amounts:
    round: int     # messages that are received in one
    mailbox: int   # of the large one
    journal: int   # entries of other mailboxes


FULL = Amounts(2000, 100_000, 1_000_000)
QUICK = Amounts(300, 4000, 10_000)


@dataclass
class Progress:
    """What the poller had received, and used, at a moment."""
    count: int
    last: float  # the time of the last message's line in its log
    cpu: float   # seconds


class Office:
    """A world in which the poller of one tenant is started for a number of messages; what it injects is discarded."""

    def __init__(self, build, folder=None):
        self.build = build
        with temporary(folder):
            self.world = World("postfix", build)
        try:
            self._prepare()
        except BaseException:
            self.world.stop()
            raise

    def _prepare(self):
        world = self.world
        world.gateway.poller.stop()
        world.gateway.milter.kill()
        world.gateway.config["provider sandbox"]["poll_interval"] = "1h"
        world.gateway.config["tenant stadt"]["poll"] = "no"
        world.gateway.write_config()
        world.mta.configure("virtual_transport=discard:")
        world.sandbox.send("erika@muster.de-mail.de", [ACCOUNT, OTHER_ACCOUNT], "Bescheid", TEXT)
        self.message = world.home / "message"
        self.message.write_bytes(world.sandbox.raw(world.sandbox.entries(ACCOUNT)[0]))
        self.text = world.home / "message.txt"
        self.text.write_bytes(self.message.read_bytes().replace(b"\r\n", b"\n"))

    def fill(self, count, retrieved=0, other=0):
        """As many De-Mails in the mailbox, the first of them retrieved before, and in that of the other tenant; the ids
        of those that were retrieved."""
        sandbox = self.world.sandbox
        sandbox.stop()
        ids = fill(sandbox, ACCOUNT, count, valid=True)["inbox"][:retrieved]
        retrieve(sandbox, ids)
        if other:
            fill(sandbox, OTHER_ACCOUNT, other, valid=True)
        sandbox.start()
        return ids

    def remember(self, ids, others):
        """The journal has these as received long since, and so many of others."""
        state = self.world.gateway.home / "state"
        owner = state.stat()
        maker = subprocess.Popen([program("make_journal", self.build), state], stdin=subprocess.PIPE, text=True)
        for number in range(others):
            maker.stdin.write(received_line(f"before-{number:032}", number))
        for number, name in enumerate(ids):
            maker.stdin.write(received_line(name, others + number))
        maker.stdin.close()
        if maker.wait() != 0:
            raise AssertionError("the journal could not be made")
        for path in (state / "journal.lmdb", state / "journal.lmdb-lock"):
            os.chown(path, owner.st_uid, owner.st_gid)

    @contextmanager
    def receiving(self):
        """The poller at work: a function that gives its Progress."""
        poller = self.world.gateway.poller
        with open(poller.log, "rb") as log:
            log.seek(0, os.SEEK_END)
            seen = Progress(0, 0.0, 0.0)

            def progress():
                lines = RECEIVED.findall(log.read())
                seen.count += len(lines)
                if lines:
                    seen.last = datetime.fromisoformat(lines[-1].decode().replace("Z", "+00:00")).timestamp()
                seen.cpu = cpu_seconds(poller.process.pid)
                return Progress(seen.count, seen.last, seen.cpu)
            self.world.gateway.start_poller()
            try:
                yield progress
            finally:
                poller.stop()
                self.world.mta.wait_empty()

    def receive(self, count):
        """Microseconds for a message on the way, from the start on, and of the poller's processor time."""
        start = time.time()
        with self.receiving() as progress:
            now = wait_for(progress, count)
            return (now.last - start) * 1e6 / now.count, now.cpu * 1e6 / now.count

    def part(self, *arguments):
        """Microseconds of one part for each message."""
        run = subprocess.run([self.build / "tests/bench/receive_parts", self.world.gateway.conf, "stadt",
                              *map(str, arguments)], capture_output=True, text=True, check=False)
        if run.returncode != 0:
            raise AssertionError(f"receive_parts {arguments[0]}: {run.stderr}")
        return float(run.stdout)

    def inject(self, count):
        """Microseconds for each message, by a client that only injects, over one connection."""
        start = time.monotonic()
        subprocess.run(["smtp-source", "-d", "-s", "1", "-m", str(count), "-f", "postmaster@gemeinde.example",
                        "-t", MAILBOX, "-F", self.text, f"127.0.0.1:{self.world.mta.ports['inject']}"], check=True)
        seconds = time.monotonic() - start
        self.world.mta.wait_empty()
        return seconds * 1e6 / count

    def parts(self, count):
        """The same for all parts, by name."""
        with tempfile.TemporaryDirectory(dir=self.world.home) as journal:
            return {"fetch": self.part("fetch", count), "verify": self.part("verify", count, self.message),
                    "inject": self.inject(count), "record": self.part("record", count, journal)}

    def connections(self):
        """How many connections the poller has made to the MTA, and how many messages they have brought."""
        mails = [int(found[1]) for line in self.world.mta.lines("demail-in") if (found := INJECTION.search(line))]
        return len(mails), sum(mails)


@contextmanager
def temporary(folder):
    """Temporary files below this folder, if one is given."""
    before = tempfile.tempdir
    tempfile.tempdir = folder or before
    try:
        yield
    finally:
        tempfile.tempdir = before


def received_line(name, number):
    return json.dumps({"received": name, "time": 1_760_000_000 + number, "tenant": "gemeinde", "type": "normal",
                       "sender": "erika@muster.de-mail.de"}) + "\n"


def wait_for(progress, count, timeout=600.0):
    """The Progress when so many have been received."""
    reached = []

    def enough():
        reached.append(progress())
        return reached[-1].count >= count
    wait_until(enough, f"{count} messages", timeout)
    return reached[-1]


def against_parts(options, amounts, name, folder=None):
    """Ours and the sum of the parts, in turn, over one mailbox."""
    office = Office(options.build, folder)
    try:
        total = amounts.round * (options.rounds + 2)
        office.fill(total, other=total)
        parts = []

        def sum_of_parts():
            parts.append(office.parts(amounts.round))
            return 1e6 / sum(parts[-1].values())
        before = office.world.sandbox.stats()["tls_handshakes"], *office.connections()
        rates = interleave({"ours": lambda: 1e6 / office.receive(amounts.round)[0], "parts": sum_of_parts},
                           options.rounds)
        note = ", ".join(f"{part} {median(found[part] for found in parts):.0f}" for part in parts[0])
        yield Figure("receiving", name, "messages/s", rates, [Bound("ours", "parts")], f"us of the parts: {note}")
        after = office.world.sandbox.stats()["tls_handshakes"], *office.connections()
        yield connections(options.rounds, *(now - then for now, then in zip(after, before)))
    finally:
        office.world.stop()


def connections(rounds, handshakes, made, brought):
    """The bare clients make one each in every round, and our start and the MTA's one each; more would be one for each
    message, or nearly."""
    return Figure("receiving", f"connections for {brought} messages", "", {
        "provider": [float(handshakes)], "MTA": [float(made)], "rounds": [float(rounds)]},
        [Bound("provider", "rounds", most=4.0, counted=True), Bound("MTA", "rounds", most=2.0, counted=True)])


def both_ends(options, amounts):
    """The cost of a message at the beginning of a mailbox, with an empty journal, and at the end of one, in turn."""
    with ExitStack() as stack:
        ends = {}
        for name in ("first", "last"):
            ends[name] = Office(options.build)
            stack.callback(ends[name].world.stop)
        ends["first"].fill(amounts.mailbox)
        ids = ends["last"].fill(amounts.mailbox, retrieved=amounts.mailbox - amounts.round * (options.rounds + 2))
        ends["last"].remember(ids, amounts.journal)
        for end in ends.values():
            end.receive(amounts.round // 4)
        way, used = interleave({name: lambda end=end: end.receive(amounts.round) for name, end in ends.items()},
                               options.rounds)
    bounds = [Bound("last", "first", most=1.1)]
    what = f"{amounts.mailbox:,} messages, {amounts.journal:,} in the journal"
    yield Figure("receiving", what, "us/message", way, bounds)
    yield Figure("receiving", f"{what}, poller", "us/message", used, bounds)


def whole(options, count):
    """A mailbox is emptied as a whole: the cost of a message in the first and in the last tenth, in ten steps each."""
    office = Office(options.build)
    try:
        office.fill(count)
        with office.receiving() as progress:
            marks = [wait_for(progress, step * count // 100) for step in range(1, 101)]
        way, used = ([(getattr(now, what) - getattr(then, what)) * 1e6 / (now.count - then.count)
                      for then, now in zip(marks, marks[1:])] for what in ("last", "cpu"))
    finally:
        office.world.stop()
    for values, what in ((way, ""), (used, ", poller")):
        yield Figure("receiving", f"tenths of {count:,} messages{what}", "us/message",
                     {"first": values[:10], "last": values[-10:]}, [Bound("last", "first", most=1.1)])


def run(options):
    amounts = QUICK if options.quick else FULL
    yield from against_parts(options, amounts, f"{amounts.round} at a time, RAM disk")
    if not options.quick:
        yield from against_parts(options, amounts, f"{amounts.round} at a time, disk", "/tmp")
    yield from both_ends(options, amounts)
    if not options.quick:
        yield from whole(options, amounts.mailbox)
