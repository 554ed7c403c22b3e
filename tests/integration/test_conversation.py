"""A conversation of many De-Mails with random options between a tenant and citizens: every confirmation that was
requested arrives, in the thread of the message that it confirms, verified and matched, and stands in the journal; and
nothing else does. DEMAIL_CONVERSATION: how many De-Mails; DEMAIL_SEED: what they are like, as a former run printed."""

import itertools
import json
import os
import random
from collections import Counter
from dataclasses import dataclass, field

from harness import smtp
from harness.wait import wait_until

ERIKA, OTTO, AMT = "erika@muster.de-mail.de", "otto@normal.de-mail.de", "bauamt@viele.de-mail.de"
TENANT = "poststelle@gemeinde.de-mail.de"
SENDERS = ["max@gemeinde.example", "erna@gemeinde.example", "chefin@gemeinde.example"]
MAPPED = {"max@gemeinde.example": "max@gemeinde.de-mail.de", "erna@gemeinde.example": "erna@gemeinde.de-mail.de",
          "chefin@gemeinde.example": "leitung@gemeinde.de-mail.de"}
OPTIONS = ["private", "authoritative", "dispatch", "receipt", "retrieve"]
NEED_HIGH = {"private", "retrieve"}

STEP = {"confirmation of dispatch": "dispatched", "confirmation of receipt": "received",
        "confirmation of retrieve": "retrieved", "notification": "notified"}


@dataclass
class Letter:
    """One De-Mail and what must come of it."""
    number: str
    message_id: str
    options: set
    author: str
    recipients: dict = field(default_factory=dict)  # address -> to, cc or bcc

    @property
    def visible(self):
        return [r for r, way in self.recipients.items() if way != "bcc"]

    @property
    def hidden(self):
        return [r for r, way in self.recipients.items() if way == "bcc"]

    def undelivered(self, recipient):
        """Who can't log in at auth level high gets nothing that needs it, and the sender is notified."""
        return recipient == OTTO and bool(self.options & NEED_HIGH)

    def answers(self):
        """(message type, recipient that it is about) of every message that must come back."""
        if "dispatch" in self.options:
            for about in ([""] if self.visible else []) + [""] * len(self.hidden):
                yield "confirmation of dispatch", about
        for recipient in self.recipients:
            if self.undelivered(recipient):
                yield "notification", ""
                continue
            for option in ("receipt", "retrieve"):
                if option in self.options:
                    yield f"confirmation of {option}", recipient

    def steps(self, recipient):
        """What the journal must hold for the recipient."""
        done = {"accepted"}
        if "dispatch" in self.options:
            done.add("dispatched")
        if self.undelivered(recipient):
            return done | {"notified"}
        return done | {STEP[f"confirmation of {o}"] for o in ("receipt", "retrieve") if o in self.options}


def make_letter(rng, token, index):
    count = rng.choice([1, 1, 1, 2, 3])
    options = {option for option in OPTIONS if rng.random() < 0.4}
    if "retrieve" in options:
        options.add("private")
    letter = Letter(f"{token}.{index:04}.", f"<{token}.{index:04}@gemeinde.example>", options, rng.choice(SENDERS))
    for recipient in rng.sample([ERIKA, OTTO, AMT], count):
        letter.recipients[recipient] = rng.choice(["to", "to", "cc", "bcc"])
    return letter


def send_letter(world, letter):
    def named(way):
        return ", ".join(r for r, w in letter.recipients.items() if w == way) or None

    tag = f"[{', '.join(sorted(letter.options))}] " if letter.options else ""
    message = smtp.message(letter.author, named("to") or "undisclosed-recipients:;", f"{tag}Bescheid {letter.number}",
                           Cc=named("cc"), Message_ID=letter.message_id)
    answers = smtp.send(world.mta.ports["submission"], letter.author, list(letter.recipients), message)
    assert answers.code == 250, answers


def send_answer(world, rng, token, index):
    """A citizen's De-Mail; what must come into the mailbox: (address, message type, recipient of a receipt)."""
    address = rng.choice(SENDERS)
    options = {option: True for option in ("authoritative", "dispatch", "receipt") if rng.random() < 0.4}
    number = f"{token}.{index:04}."
    world.sandbox.send(ERIKA, [MAPPED[address]], f"Antrag {number}", "Guten Tag\r\n", **options)
    yield address, "normal", number
    if "receipt" in options:
        yield address, "confirmation of receipt", number


def fields(mail):
    """What the mail is: the type, the thread, the recipient that it is about."""
    header = mail.header
    kind = header["X-de-mail-message-type"]
    return kind, header["In-Reply-To"], header["Cc"] or ""


def collect(world, token):
    return {address: world.mailboxes.mails(address, token.encode()) for address in SENDERS}


def judged_well(mail):
    return (mail.header["X-Demail-Status"].startswith("verified=pass;")
            and mail.header["Authentication-Results"].split()[:2] == ["gemeinde.example;", "x-demail=pass"]
            and (mail.header["X-de-mail-message-type"] == "normal"
                 or mail.header["X-de-mail-message-type"] == "notification"
                 or ' signed="' in " ".join(mail.header["X-Demail-Status"].split())))


def journal(world, token):
    """The sent De-Mails of this test by Message-ID."""
    done = world.gateway.demailctl("-c", world.gateway.conf, "messages", "--tenant", "gemeinde", "--json")
    assert done.returncode == 0, done.stderr
    entries = [json.loads(line) for line in done.stdout.splitlines()]
    return {e["message_id"]: e for e in entries if e["direction"] == "sent" and token in e["message_id"]}


def check_journal(letters, entries):
    assert set(entries) == {letter.message_id for letter in letters}
    for letter in letters:
        entry = entries[letter.message_id]
        assert entry["sender"] == letter.author and set(entry["options"]) == letter.options
        found = {r["address"]: {step["event"] for step in r["history"]} for r in entry["recipients"]}
        assert found == {r: letter.steps(r) for r in letter.recipients}, letter


def test_conversation(own_world, record_property, token):
    world, size = own_world, int(os.environ.get("DEMAIL_CONVERSATION", "200"))
    seed = int(os.environ.get("DEMAIL_SEED", random.SystemRandom().randrange(10**6)))
    rng = random.Random(seed)
    print(f"DEMAIL_SEED={seed}")
    letters, incoming = [], []
    for index in range(size):
        if index % 4 == 3:
            incoming += send_answer(world, rng, token, index)
            continue
        letters.append(make_letter(rng, token, index))
        send_letter(world, letters[-1])
    world.mta.wait_empty(timeout=120)
    for citizen in (ERIKA, AMT):
        world.sandbox.log_in(citizen)

    expected = Counter((letter.author, kind, letter.message_id, about)
                       for letter in letters for kind, about in letter.answers())
    total = sum(expected.values()) + len(incoming)
    wait_until(lambda: sum(map(len, collect(world, token).values())) >= total, f"{total} mails", timeout=240)
    wait_until(lambda: all(e["state"] != "new" for e in world.sandbox.entries(TENANT)), "an inbox without new mail")

    mails = [(address, mail) for address, box in collect(world, token).items() for mail in box]
    ours = {letter.message_id for letter in letters}
    assert Counter((a, *fields(m)) for a, m in mails if fields(m)[1] in ours) == expected
    others = Counter((a, fields(m)[0]) for a, m in mails if fields(m)[1] not in ours)
    assert others == Counter((address, kind) for address, kind, _ in incoming)
    assert [m.subject for _, m in mails if not judged_well(m)] == []
    assert [m.subject for m in itertools.chain(world.mailboxes.mails("poststelle@gemeinde.example"),
                                               world.mailboxes.mails("postmaster@gemeinde.example"))] == []
    check_journal(letters, journal(world, token))
    record_property("conversation", f"seed {seed}: {len(letters)} De-Mails sent, {total} messages came")
