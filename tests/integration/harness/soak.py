"""Many messages through milter and poller in parallel SMTP sessions, and what the daemons hold meanwhile."""

import re
import subprocess
import time

from . import smtp
from .footprint import connections_at, connections_on, measure
from .process import stop_all
from .wait import wait_until
from .world import World

MAX, ERIKA, STADT = "max@gemeinde.example", "erika@muster.de-mail.de", "rathaus@stadt.de-mail.de"

# Sessions, recipient and subject; of 50 messages as many as there are sessions. What goes to STADT comes back in
# through the poller, and so does the confirmation that [EB] orders.
MIX = ((30, ERIKA, "Mitteilung"), (10, STADT, "Mitteilung"), (2, ERIKA, "[EB] Bescheid"),
       (8, "someone@example.net", "Einladung"))
SESSIONS = sum(sessions for sessions, _, _ in MIX)
GOES_OUT = sum(sessions for sessions, to, _ in MIX if to in (ERIKA, STADT))
COMES_IN = sum(sessions for sessions, to, subject in MIX if to == STADT or "[EB]" in subject)

WARM_UP = 5000  # messages after which memory must not grow any more
GROWTH_MAX = 1.05

# What the poller keeps for later: max_submissions, and one for each tenant's mailbox. curl has two descriptors of its
# own for each.
CONNECTIONS_MAX = 32 + 2
CURLS_OWN = 2

BODY = "Guten Tag,\n\nanbei, was besprochen wurde.\n" + "Mit der Bitte um Kenntnisnahme und Antwort.\n" * 40

VALGRIND = ("valgrind", "--quiet", "--vgdb=no", "--leak-check=full", "--show-leak-kinds=definite",
            "--errors-for-leak-kinds=definite", "--error-exitcode=99", "--num-callers=30")


class Soak:
    """A world of its own with the binaries of `build`. `wrapper`: a command in front of those of milter and poller."""

    def __init__(self, build, wrapper=()):
        self.sent = 0
        self.world = World("postfix", build)
        try:
            self._prepare(wrapper)
        except BaseException:
            self.world.stop()
            raise
        self._received = _Counter(self.world.gateway.poller.log, b"event=received ")

    def _prepare(self, wrapper):
        """Behind the gateway nothing is kept; it would only fill the disk."""
        self.world.mta.configure("default_transport=discard:", "virtual_transport=discard:",
                                 "initial_destination_concurrency=32", "demail_destination_concurrency_limit=32")
        for number, (_, recipient, subject) in enumerate(MIX):
            (self.world.home / f"message-{number}").write_bytes(smtp.message(MAX, recipient, subject, BODY))
        if wrapper:
            wrong = stop_all(self.daemons)
            assert not wrong, wrong
            for daemon in self.daemons:
                daemon.command[:0] = wrapper
            self.world.gateway.start()

    @property
    def daemons(self):
        return self.world.gateway.milter, self.world.gateway.poller

    def footprints(self):
        return {daemon.name: measure(daemon.process.pid, self.world.sandbox.port) for daemon in self.daemons}

    def run(self, messages, timeout=600):
        """Sends so many more, a multiple of SESSIONS, and waits until all have arrived and the daemons rest. Returns
        how many a second went through."""
        start = time.monotonic()
        running = [subprocess.Popen(self._source(number, messages), stderr=subprocess.PIPE, text=True)
                   for number in range(len(MIX))]
        said = [process.communicate(timeout=timeout)[1] for process in running]
        assert not any(process.returncode for process in running), said
        self.sent += messages
        wait_until(lambda: min(self.surplus()) >= 0, f"{self.sent} messages to arrive", timeout)
        self.world.mta.wait_empty()
        rate = messages / (time.monotonic() - start)
        wait_until(self._rests, "the MTA to close its connections")
        return rate

    def _source(self, number, messages):
        sessions, recipient, _ = MIX[number]
        return ["smtp-source", "-s", str(sessions), "-m", str(messages * sessions // SESSIONS), "-f", MAX,
                "-t", recipient, "-F", str(self.world.home / f"message-{number}"),
                f"127.0.0.1:{self.world.mta.ports['submission']}"]

    def surplus(self):
        """How many De-Mails the provider took, and how many the MTA was handed, more than there should be by now."""
        rounds = self.sent // SESSIONS
        taken = self.world.sandbox.stats()["submissions"]
        return (taken.get(ERIKA, 0) + taken.get(STADT, 0) - rounds * GOES_OUT,
                self._received.count() - rounds * COMES_IN)

    def _rests(self):
        """The MTA keeps a connection for some seconds after its last message, the poller a thread for 15."""
        gateway = self.world.gateway
        return (connections_at(gateway.milter_port) == 0 and
                connections_on(gateway.lmtp.removeprefix("unix:")) == 0 and
                self.footprints()[gateway.poller.name].threads < SESSIONS // 4)

    def stop(self):
        """What was wrong, as lines."""
        return self.world.stop()


class _Counter:
    """Counts the lines of a growing file with some bytes in them, reading each once."""

    def __init__(self, path, text):
        self._path, self._text = path, text
        self._offset = self._count = 0

    def count(self):
        with open(self._path, "rb") as file:
            file.seek(self._offset)
            for line in file:
                if not line.endswith(b"\n"):
                    break
                self._offset += len(line)
                self._count += self._text in line
        return self._count


def least_growth(stages):
    """Of each daemon's memory at rest from one stage to the next, the smallest, in KiB. A heap that still fills up grows
    in some of them, a leak in every one."""
    pairs = list(zip(stages, stages[1:]))
    return {name: min(after[name].own - before[name].own for before, after in pairs) for name in stages[0]}


def soak(build, messages, say, stage=WARM_UP):
    """Runs in stages of so many messages; what was wrong with the messages, and the footprints after each stage, of which
    the first is the warm-up."""
    stages = []
    run = Soak(build)
    try:
        _say(say, "started", run.footprints())
        while run.sent < messages:
            rate = run.run(_rounded(min(stage, messages - run.sent)))
            stages.append(run.footprints())
            _say(say, f"{run.sent} messages, {rate:.0f}/s", stages[-1])
        surplus = run.surplus()
    finally:
        wrong = run.stop()
    if surplus != (0, 0):
        wrong.append(f"messages more than expected: {surplus[0]} at the provider, {surplus[1]} at the MTA")
    return wrong, stages


def judge(result, growth_max=GROWTH_MAX):
    """What is wrong with a run of soak(), as lines."""
    wrong, stages = result
    warm, end = stages[0], stages[-1]
    for name, last in end.items():
        first = warm[name]
        growth = last.own / first.own
        if growth > growth_max:
            wrong.append(f"{name}: memory at rest has grown to {growth:.3f} of what it was")
        if (last.provider > CONNECTIONS_MAX or
                last.descriptors > first.descriptors + CURLS_OWN * max(last.provider - first.provider, 0)):
            wrong.append(f"{name}: descriptors at rest, beside connections to the provider, were "
                         f"{first.descriptors}+{first.provider}, are {last.descriptors}+{last.provider}")
    return wrong


def memcheck(build, messages, say):
    """Runs milter and poller in valgrind; what it found, as lines."""
    run = Soak(build, VALGRIND)
    try:
        rate = run.run(_rounded(messages), timeout=4 * 3600)
        say(f"{run.sent} messages, {rate:.0f}/s")
        surplus = run.surplus()
    finally:
        logs = [daemon.log.read_text(errors="replace") for daemon in run.daemons]
        wrong = run.stop()
    if surplus != (0, 0):
        wrong.append(f"messages more than expected: {surplus[0]} at the provider, {surplus[1]} at the MTA")
    return wrong + re.findall(r"(?m)^==\d+== .*", "\n".join(logs))


def _rounded(messages):
    return max(messages // SESSIONS, 1) * SESSIONS


def _say(say, when, footprints):
    say(when)
    for name, footprint in footprints.items():
        say(f"  {name:14} {footprint}")
