"""One fixed conversation by De-Mail, whose phases come one after the other: the same steps each time."""

import json
import time

from . import smtp
from .killing import Mortal

MAX, POSTSTELLE = "max@gemeinde.example", "poststelle@gemeinde.example"
ERIKA = "erika@muster.de-mail.de"
ACCOUNT = "poststelle@gemeinde.de-mail.de"


class Conversation:
    """In `world`, whose poller is down and whose mailboxes are empty. `token` stands in every subject."""

    def __init__(self, world, token, stop=None):
        self.world, self.token = world, token
        self.anna, self.otto = f"anna-{token}@viele.de-mail.de", f"otto-{token}@viele.de-mail.de"
        self.nobody = f"niemand-{token}@muster.de-mail.de"
        self.repeated_before = world.sandbox.repeated()
        self.poller = Mortal(world.gateway, token, stop)
        self._received = 0
        self._next_poll = 0

    @property
    def recipients(self):
        return [self.anna, self.otto, self.nobody]

    def run(self):
        """From the first start of the poller until everything has arrived."""
        self._citizen_writes("Anfrage", ["max@gemeinde.de-mail.de"])
        self.poller.start()
        self._wait_received(1)
        self._send("[VB, EB] Bescheid", self.recipients)
        self._receive(3)  # that it was dispatched; two receipts
        self.world.sandbox.fault("undeliverable", address=self.otto, code="unknown-recipient", times=1)
        self._send("Nachtrag", [self.otto])
        self._citizen_writes("Re: Bescheid", ["max@gemeinde.de-mail.de"])
        self._citizen_writes("Rundbrief", ["max@gemeinde.de-mail.de", "unbekannt@gemeinde.de-mail.de"])
        self._receive(4)  # the provider makes two of the last

    def repeat(self):
        """Starts the poller once more and lets everything be looked through: what comes last proves that it was."""
        self.poller.stop()
        self._citizen_writes("Ende", ["max@gemeinde.de-mail.de"])
        self.poller.start_again()
        self._wait_received(1)
        self._wait_sent()

    def end(self):
        """Ends the poller, and forgets what was ordered for it."""
        self.world.sandbox.clear_faults()
        self.poller.end()

    def wait(self, condition, what, timeout=60.0):
        """Waits for it, and starts the poller again in the meantime. The queue is tried again after that."""
        end = time.monotonic() + timeout
        while True:
            self.poller.mind()
            if condition():
                return
            if time.monotonic() > end:
                raise AssertionError(f"waited {timeout:g} s in vain for {what}")
            time.sleep(0.02)

    def _send(self, subject, recipients):
        message = smtp.message(MAX, recipients, f"{subject} {self.token}",
                               Message_ID=f"<{subject.split()[-1]}.{self.token}@gemeinde.example>")
        answers = smtp.send(self.world.mta.ports["submission"], MAX, recipients, message)
        if answers.code != 250:
            raise AssertionError(f"the MTA did not take the De-Mail: {answers}")
        self._wait_sent()

    def _wait_sent(self):
        self.wait(self._sent, "the MTA's queue to be empty")

    def _sent(self):
        if not self.world.mta.queue():
            return True
        if self.poller.deaths:
            self.world.mta.flush()
        return False

    def _citizen_writes(self, subject, recipients):
        self.world.sandbox.send(ERIKA, recipients, f"{subject} {self.token}", "Guten Tag\r\n")

    def _receive(self, count):
        self.poller.poll()
        self._wait_received(count)

    def _wait_received(self, count):
        self._received += count
        self._next_poll = time.monotonic() + 1
        self.wait(self._all_received, f"{self._received} messages to be received")
        self._wait_sent()

    def _all_received(self):
        if self.poller.deaths and time.monotonic() > self._next_poll:  # something waited for another round
            self._next_poll = time.monotonic() + 1
            self.poller.poll()
        # Cheap, and enough to see that it is too early: a life that ended may have left one line unwritten.
        if self.poller.logged("event=received") < self._received - self.poller.deaths:
            return False
        return self._received <= sum(e["direction"] == "received" and e["state"] == "acknowledged"
                                     for e in self.journal())

    def journal(self):
        """The entries, as demailctl shows them."""
        done = self.world.gateway.demailctl("-c", self.world.gateway.conf, "messages", "--json")
        if done.returncode != 0:
            raise AssertionError(f"demailctl messages: {done.stderr}")
        return [json.loads(line) for line in done.stdout.splitlines()]
