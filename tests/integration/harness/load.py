"""Mail in both directions without a pause, while processes die; and what has become of it."""

import http.client
import itertools
import random
import smtplib
import threading
import time
from collections import Counter
from dataclasses import dataclass, field

from . import smtp

MAX, ERNA, POSTSTELLE = "max@gemeinde.example", "erna@gemeinde.example", "poststelle@gemeinde.example"
ERIKA, AMT = "erika@muster.de-mail.de", "amt@viele.de-mail.de"

# What a client gets when the other end dies.
BROKEN = (OSError, smtplib.SMTPException, http.client.HTTPException)


@dataclass
class Sent:
    """What was handed in for good."""
    outgoing: dict = field(default_factory=dict)  # Message-ID -> (sender, recipients, with receipt)
    unknown: dict = field(default_factory=dict)  # recipient that the provider does not know -> sender
    incoming: dict = field(default_factory=dict)  # subject -> mailbox
    ordinary: list = field(default_factory=list)  # subjects
    tries: Counter = field(default_factory=Counter)  # attempts that had to be repeated, by what was tried


class Load:
    """Several clients, each in a thread, until stop()."""

    def __init__(self, world, token, seed):
        self.world, self.token = world, token
        self.sent = Sent()
        self._number = itertools.count(1)
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._failed = []
        clients = [self._send_demail, self._send_demail, self._send_demail, self._send_demail, self._send_ordinary,
                   self._citizen_writes, self._citizen_writes]
        self._threads = [threading.Thread(target=self._run, args=(client, random.Random(f"{seed} {n}")), daemon=True)
                         for n, client in enumerate(clients)]
        for thread in self._threads:
            thread.start()

    def stop(self):
        """Lets every client finish what it has begun."""
        self._stopping.set()
        for thread in self._threads:
            thread.join()
        if self._failed:
            raise self._failed[0]

    def count(self):
        """How many messages were handed in so far."""
        with self._lock:
            return len(self.sent.outgoing) + len(self.sent.incoming) + len(self.sent.ordinary)

    def _run(self, client, rng):
        try:
            while not self._stopping.is_set():
                with self._lock:
                    name = f"{self.token}n{next(self._number):06}n"
                client(rng, name)
                self._stopping.wait(rng.random() * 0.4)
        except Exception as error:  # pylint: disable=broad-except
            self._failed.append(error)

    def _send_demail(self, rng, name):
        sender = rng.choice([MAX, ERNA])
        recipients = [f"{name}{i}@viele.de-mail.de" for i in range(rng.choice([1, 1, 2, 3]))]
        unknown = [f"{name}u@muster.de-mail.de"] if rng.random() < 0.2 else []
        receipt = rng.random() < 0.3
        message_id = f"<{name}@gemeinde.example>"
        message = smtp.message(sender, recipients + unknown, ("[EB] " if receipt else "") + name,
                               Message_ID=message_id)
        self._submit(sender, recipients + unknown, message)
        with self._lock:
            self.sent.outgoing[message_id] = (sender, recipients, receipt)
            self.sent.unknown.update((u, sender) for u in unknown)

    def _send_ordinary(self, _, name):
        self._submit(MAX, ["jemand@example.org"], smtp.message(MAX, "jemand@example.org", name))
        with self._lock:
            self.sent.ordinary.append(name)

    def _submit(self, sender, recipients, message):
        """As a mail client does: again until it is taken."""
        while True:
            try:
                answers = smtp.send(self.world.mta.ports["submission"], sender, recipients, message)
                if answers.code == 250:
                    return
                if answers.code >= 500:
                    raise AssertionError(f"the MTA refused a message: {answers}")
            except BROKEN:
                pass
            with self._lock:
                self.sent.tries["submission"] += 1
            time.sleep(0.1)

    def _citizen_writes(self, rng, name):
        """One whose provider dies before it answers may have arrived, and counts for nothing."""
        local, mailbox = rng.choice([("max", MAX), ("erna", ERNA), ("unbekannt", POSTSTELLE)])
        try:
            self.world.sandbox.send(ERIKA, [f"{local}@gemeinde.de-mail.de"], name, "Guten Tag\r\n")
        except BROKEN:
            with self._lock:
                self.sent.tries["a citizen's De-Mail"] += 1
            return
        with self._lock:
            self.sent.incoming[name] = mailbox


@dataclass
class Account:
    """What has become of it all, as texts of what is wrong, and in numbers."""
    lost: list
    twice: list
    marked: int
    messages: int


def settled(world, sent):
    """Whether everything that was handed in has come somewhere, as far as can be told at once."""
    return not world.mta.queue() and not _lost(world, sent, _Inside(world))


def account_for(world, sent):
    inside = _Inside(world)
    accepted = world.sandbox.stats()["submissions"]
    recipients = [r for _, those, _ in sent.outgoing.values() for r in those]
    twice = [f"{accepted[r]} accepted for {r}" for r in recipients if accepted.get(r, 0) > 1]
    if repeated := world.sandbox.repeated():
        twice.append(f"{repeated} recipients submitted again after a final result")
    twice += [f"{n} De-Mails to {r}" for r, n in inside.delivered.items() if n > 1]
    twice += [f"{n} unmarked mails {key}" for key, n in inside.unmarked.items() if n > 1]
    twice += [f"{n} bounces for {u}" for u in sent.unknown if (n := inside.bounces(u)) > 1]
    messages = len(sent.outgoing) + len(sent.incoming) + len(sent.ordinary)
    return Account(_lost(world, sent, inside), twice, inside.marked.total(), messages)


class _Inside:
    """What lies in the mailboxes at both ends. Mails are told apart by the provider's Message-ID."""

    def __init__(self, world):
        self.unmarked, self.marked, self.arrived, self.receipts, self._bounced = (Counter() for _ in range(5))
        self.delivered = Counter(r for e in world.sandbox.entries(AMT) if e["type"] == "normal"
                                 for r in e["recipients"])
        for address in (MAX, ERNA, POSTSTELLE):
            for mail in world.mailboxes.mails(address):
                self._add(address, mail)

    def _add(self, address, mail):
        header = mail.header
        if header["X-de-mail-message-id"] is None:
            self._bounced.update(_failed_recipients(header))
            return
        kind = self.marked if header["X-Demail-Redelivered"] == "yes" else self.unmarked
        kind[address, header["X-de-mail-message-id"]] += 1
        if header["X-de-mail-message-type"] == "normal":
            self.arrived[address, mail.subject] += 1
        else:
            self.receipts[header["In-Reply-To"], header["Cc"]] += 1

    def bounces(self, recipient):
        return self._bounced[recipient]


def _failed_recipients(header):
    """Of a bounce, as the user typed them."""
    for part in header.walk():
        if part.get_content_type() == "message/delivery-status":
            for block in part.get_payload():
                if block["Original-Recipient"]:
                    yield block["Original-Recipient"].partition(";")[2].strip()


def _lost(world, sent, inside):
    lost = [f"De-Mail to {r}" for _, those, _ in sent.outgoing.values() for r in those if not inside.delivered[r]]
    lost += [f"receipt of {r}" for message_id, (_, those, receipt) in sent.outgoing.items() if receipt
             for r in those if not inside.receipts[message_id, r]]
    lost += [f"bounce for {u}" for u in sent.unknown if not inside.bounces(u)]
    lost += [f"mail {subject}" for subject, box in sent.incoming.items() if not inside.arrived[box, subject]]
    taken = b"\n".join(t.data.partition(b"\r\n\r\n")[0] for t in world.sink.messages())
    return lost + [f"ordinary mail {name}" for name in sent.ordinary if name.encode() not in taken]
