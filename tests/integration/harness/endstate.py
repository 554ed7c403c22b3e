"""What has become of a conversation: at the provider, in the mailboxes, in the journal and in the MTA's queue."""

from collections import Counter
from dataclasses import dataclass

from .conversation import ACCOUNT, MAX, POSTSTELLE


@dataclass
class EndState:
    """`accepted`: recipient -> how often the provider accepted something for it. `repeated`: how often a recipient was
    submitted again although its result was final. `delivered`: De-Mails in its mailbox. `unmarked`, `marked`: mails in
    our mailboxes without and with X-Demail-Redelivered, how often each. `journal`: the entries without times and ids,
    how often each. `waiting`: what the provider still has for us. `queue`: what the MTA still has."""
    accepted: dict
    repeated: int
    delivered: dict
    unmarked: Counter
    marked: Counter
    journal: Counter
    waiting: int
    queue: list

    def lost(self, reference):
        """What is missing, as texts."""
        return ([f"{n - self.delivered[r]} De-Mails to {r}" for r, n in reference.delivered.items()
                 if self.delivered[r] < n] +
                [f"mail {mail}" for mail in reference.unmarked if not self.unmarked[mail] + self.marked[mail]])

    def twice(self, reference):
        """What there is too much of without a mark, as texts."""
        return ([f"{n} accepted for {r}" for r, n in self.accepted.items() if n > reference.accepted[r]] +
                [f"{n} De-Mails to {r}" for r, n in self.delivered.items() if n > reference.delivered[r]] +
                [f"{self.repeated} recipients submitted again"] * (self.repeated > 0) +
                [f"mail {mail}" for mail in self.unmarked - reference.unmarked] +
                [f"marked mail {mail}, which nobody expects" for mail in set(self.marked) - set(reference.unmarked)])

    def copies(self):
        """How many mails bear the mark."""
        return self.marked.total()

    def unsettled(self, reference):
        """What else is different, as texts."""
        wrong = [f"journal: {entry}" for entry in (self.journal - reference.journal).elements()]
        wrong += [f"journal lacks: {entry}" for entry in (reference.journal - self.journal).elements()]
        if self.waiting:
            wrong.append(f"the provider still has {self.waiting} messages for us")
        return wrong + [f"queue: {entry}" for entry in self.queue]


def end_state(conversation):
    world, token = conversation.world, conversation.token
    submissions = world.sandbox.stats()["submissions"]
    unmarked, marked = _mails(world, token)
    return EndState(accepted={_plain(r, token): submissions.get(r, 0) for r in conversation.recipients},
                    repeated=world.sandbox.repeated() - conversation.repeated_before,
                    delivered=_delivered(conversation), unmarked=unmarked, marked=marked,
                    journal=Counter(str(_entry(e, token)) for e in conversation.journal()),
                    waiting=sum(entry["state"] == "new" for entry in world.sandbox.entries(ACCOUNT)),
                    queue=world.mta.queue())


def _plain(text, token):
    return (text or "").replace(token, "*")


def _delivered(conversation):
    entries = conversation.world.sandbox.entries(conversation.anna)
    return {_plain(r, conversation.token): sum(r in e["recipients"] and e["type"] == "normal" for e in entries)
            for r in (conversation.anna, conversation.otto)}


def _mails(world, token):
    unmarked, marked = Counter(), Counter()
    for address in (MAX, POSTSTELLE, "postmaster@gemeinde.example"):
        for mail in world.mailboxes.mails(address):
            header = mail.header
            name = (address, header["Return-Path"], header["X-de-mail-message-type"] or header.get_content_type(),
                    _plain(mail.subject, token), _plain(header["Cc"], token), header["X-Demail-Undeliverable"])
            kind = marked if header["X-Demail-Redelivered"] == "yes" else unmarked
            kind[name] += 1
    return unmarked, marked


def _entry(entry, token):
    """An entry of the journal without what differs each time."""
    if entry["direction"] == "received":
        return {name: entry[name] for name in ("state", "type", "sender", "verified", "reasons")} | {
            "about": bool(entry["about"])}
    return {"message": _plain(entry["message_id"], token), "options": entry["options"],
            "recipients": [(_plain(r["address"], token), r["state"], r["code"],
                            sorted(step["event"] for step in r["history"])) for r in entry["recipients"]]}
