"""Nobody makes an e-mail look like a De-Mail, wherever he sends it from."""

import time

import pytest

from harness import smtp
from harness.wait import wait_until
from harness.world import World

MAX, ERIKA, INTERNET = "max@gemeinde.example", "erika@muster.de-mail.de", "jemand@example.org"
LOGIN = (MAX, "wunderland")

# Before and behind the other fields.
FORGED = (
    b"X-Demail-Status: verified=pass; signed=CN=Siegel; auth-level=high; options=private\n"
    b"X-de-mail-private: yes\nx-de-mail-PRIVATE: no\nX-DE-MAIL-AUTH-LEVEL: high\n"
    b"X-de-mail-integrity: v=1; d=de-mail.de;\n b=abc\n\tdef\nX-de-mail-message-type:normal\n",
    b"X-de-mail-private-id:\nX-de-mail-privat-id: 1\nX-de-mail-unheard-of: yes\n"
    b"X-Demail-Stamp: v=1; id=0\nX-DEMAIL-Redelivered: yes\nx-demail-undeliverable: max@gemeinde.example\n"
    b"X-de-mail-version: 1.8\n")
STAYS = b"X-de-mailer: stays\nX-Demailed: stays\n\nX-de-mail-private: in the body\n"

# How it comes in, and where it arrives.
WAYS = {
    "trusted client to the Internet": (MAX, INTERNET, {"port": "submission"}),
    "login to the Internet": (MAX, INTERNET, {"port": "submission", "client": smtp.OUTSIDE, "login": LOGIN}),
    "trusted client to a colleague": ("erna@gemeinde.example", MAX, {"port": "submission"}),
    "outside to a user": ("boese@example.net", MAX, {"port": "open", "client": smtp.OUTSIDE}),
    "bounce from outside": ("", MAX, {"port": "open", "client": smtp.OUTSIDE}),
    "sendmail(1)": (MAX, INTERNET, None),
}


def arrived(world, recipient, token):
    """The message with LF line ends, without what delivery put before it."""
    world.mta.wait_empty()
    if recipient == INTERNET:
        data = world.sink.messages(token.encode())[0].data
    else:
        data = world.mailboxes.wait(recipient, token.encode()).raw
    data = data.replace(b"\r\n", b"\n")
    return data[data.index(b"X-First: 1\n"):]


@pytest.mark.parametrize("name", WAYS)
def test_reserved_fields_go_and_nothing_else(world, token, name):
    sender, recipient, way = WAYS[name]
    head = (f"X-First: 1\nFrom: {sender or 'mailer-daemon@example.net'}\nTo: {recipient}\nSubject: {token}\n"
            f"Message-ID: <{token}@example.net>\nDate: Mon, 1 Jan 2024 00:00:00 +0000\n").encode()
    message = FORGED[0] + head + FORGED[1] + STAYS
    if way is None:
        world.mta.sendmail(sender, [recipient], message)
        wait_until(lambda: world.sink.messages(token.encode()), "the message to leave")
    else:
        way = dict(way)
        answers = smtp.send(world.mta.ports[way.pop("port")], sender, [recipient], message, **way)
        assert answers.code == 250, answers
    assert arrived(world, recipient, token) == head + STAYS


@pytest.mark.parametrize("way", ["submission", "open"])
def test_at_most_200_reserved_fields(world, token, way):
    """More are refused, and quickly: an MTA takes seconds to delete them. Sendmail itself takes 32 KiB of header."""
    client = {"submission": "127.0.0.1", "open": smtp.OUTSIDE}[way]
    message = smtp.message(MAX, "erna@gemeinde.example", token)
    for count, outcome in ((200, (250, "2.0.0")), (201, (550, "5.3.4")), (1500, (550, "5.3.4"))):
        forged = b"".join(b"X-de-mail-x%d: yes\n" % (i % 3) for i in range(count)) + message
        begin = time.monotonic()
        answers = smtp.send(world.mta.ports[way], MAX, ["erna@gemeinde.example"], forged, client=client)
        assert (answers.code, answers.enhanced) == outcome, answers
        assert time.monotonic() - begin < 10
    mail = world.mailboxes.wait("erna@gemeinde.example", token.encode())
    assert b"x-de-mail-" not in mail.raw.lower()
    world.mta.wait_empty()
    assert len(world.mailboxes.mails("erna@gemeinde.example", token.encode())) == 1


# A Subject before and behind the milter, where subject_prefix is "[De-Mail]".
SUBJECTS = {
    "plain": (b"[De-Mail] Mahnung", "Mahnung"),
    "twice": (b"[De-Mail] [De-Mail] Mahnung", "Mahnung"),
    "upper case": (b"[DE-MAIL]Mahnung", "Mahnung"),
    "folded": (b"\n [De-Mail]\n Mahnung", "Mahnung"),
    "encoded": (b"=?utf-8?q?=5BDe-Mail=5D_Mahnung?=", "Mahnung"),
    "base64": (b"=?utf-8?b?W0RlLU1haWxdIE1haG51bmc=?=", "Mahnung"),
    "in two encoded words": (b"=?utf-8?q?=5BDe-?= =?utf-8?q?Mail=5D_Mahnung?=", "Mahnung"),
    "zero width": (b"=?utf-8?q?=5BDe=E2=80=8B-Mail=5D_Mahnung?=", "Mahnung"),
    "not at the start": (b"Re: [De-Mail] Mahnung", "Re: [De-Mail] Mahnung"),
    "something like it": (b"[De-Mails] Mahnung", "[De-Mails] Mahnung"),
}


@pytest.fixture(scope="module")
def _marked():
    """Worlds with a subject_prefix, by MTA."""
    worlds = {}
    yield worlds
    wrong = [line for world in worlds.values() for line in world.stop()]
    assert not wrong, "\n".join(wrong)


@pytest.fixture
def marked(_marked, mta):
    if mta not in _marked:
        _marked[mta] = world = World(mta)
        world.gateway.config["tenant gemeinde"]["subject_prefix"] = "[De-Mail]"
        world.gateway.write_config()
        world.gateway.milter.reload("event=reloaded")
        world.gateway.poller.reload("event=reloaded")
    return _marked[mta]


@pytest.mark.parametrize("name", SUBJECTS)
def test_imitated_marking(marked, token, name):
    sent, seen = SUBJECTS[name]
    message = f"From: a@example.net\nTo: {MAX}\nX-Token: {token}\nSubject: ".encode() + sent + b"\n\nText\n"
    answers = smtp.send(marked.mta.ports["open"], "a@example.net", [MAX], message, client=smtp.OUTSIDE)
    assert answers.code == 250, answers
    mail = marked.mailboxes.wait(MAX, token.encode())
    assert mail.subject == seen
    if seen.encode() in sent and name.startswith(("not", "something")):
        assert b"Subject: " + sent + b"\n" in mail.raw


def test_several_imitated_subjects(marked, token):
    message = (f"Subject: {token}\nFrom: a@example.net\nTo: {MAX}\nSubject: [De-Mail] Mahnung\n\nText\n").encode()
    answers = smtp.send(marked.mta.ports["open"], "a@example.net", [MAX], message, client=smtp.OUTSIDE)
    assert answers.code == 250, answers
    mail = marked.mailboxes.wait(MAX, token.encode())
    assert "De-Mail" not in "".join(mail.header.get_all("Subject"))


def test_genuine_marking(marked, token):
    marked.sandbox.send(ERIKA, ["max@gemeinde.de-mail.de"], token, "Guten Tag\r\n")
    assert marked.mailboxes.wait(MAX, token.encode()).subject == f"[De-Mail] {token}"
