"""Mixed addressing in all its forms: what is refused, and what each recipient gets where mixing is permitted."""

from email import message_from_bytes
from email.utils import parseaddr

import pytest

from harness import smtp
from harness.draft import as_submitted
from harness.sandbox import field
from harness.tenants import TenantsWorld
from harness.wait import wait_until

MAX, ERNA, CHEFIN = "max@gemeinde.example", "erna@gemeinde.example", "chefin@gemeinde.example"
ERIKA, OTTO, INTERNET = "erika@muster.de-mail.de", "otto@normal.de-mail.de", "jemand@example.org"

# To and Cc of a message to Erika and Otto: does an e-mail address stand in it?
ADDRESSES = {
    "group of De-Mail": (f"To: Alle: {ERIKA}, Otto <{OTTO}>;", False),
    "group with an e-mail address": (f"To: Alle: {ERIKA}, {INTERNET};", True),
    "group behind a De-Mail address": (f"To: {ERIKA}, Alle: {OTTO}, {INTERNET};", True),
    "empty group": ("To: undisclosed-recipients:;", False),
    "two To fields of De-Mail": (f"To: {ERIKA}\nTo: {OTTO}", False),
    "second To field with an e-mail address": (f"To: {ERIKA}\nTo: {INTERNET}", True),
    "third Cc field with an e-mail address": (f"To: {ERIKA}\nCc: {OTTO}\nCc: {ERIKA}\nCc: {INTERNET}", True),
    "comments": (f"To: (jemand@example.org) {ERIKA} (an Erika), Otto (otto\\) <{INTERNET}>) <{OTTO}>", False),
    "e-mail address behind a comment": (f"To: {ERIKA} (Erika), (noch) {INTERNET}", True),
    "e-mail address as display name": (f'To: "{INTERNET}" <{ERIKA}>', False),
    "De-Mail address as display name": (f'To: {ERIKA}, "{OTTO}" <{INTERNET}>', True),
    "encoded words": (f"To: =?utf-8?q?M=C3=BCller=2C_Erika?= <{ERIKA}>", False),
    "e-mail address in an encoded word": (f"To: =?utf-8?q?jemand=40example=2Eorg?= <{ERIKA}>", False),
    "encoded word before an e-mail address": (f"To: {ERIKA}, =?utf-8?q?M=C3=BCller?= <{INTERNET}>", True),
    "folded": (f"To: {ERIKA},\n\t{INTERNET}", True),
    "upper case": (f"To: {ERIKA.upper()}", False),
    "source route": (f"To: {ERIKA}, <@relay.example:{INTERNET}>", True),
    "an address without domain": (f"To: {ERIKA}, erna", True),
}


@pytest.mark.parametrize("name", ADDRESSES)
def test_header_of_a_demail(world, token, name):
    fields, mixed = ADDRESSES[name]
    message = f"From: {MAX}\n{fields}\nSubject: {token}\n\nText\n".encode()
    answers = smtp.send(world.mta.ports["submission"], MAX, [ERIKA, OTTO], message)
    if mixed:
        assert (answers.code, answers.enhanced) == (550, "5.7.1"), answers
        assert not world.sandbox.mails(ERIKA, token.encode())
    else:
        assert answers.code == 250, answers
        world.sandbox.wait(ERIKA, token.encode())
        world.sandbox.wait(OTTO, token.encode())


def test_message_split_by_a_groupware_server(world, token):
    """One envelope for each domain: the De-Mail half is refused, for its header is mixed; the other half is e-mail."""
    message = smtp.message(MAX, [ERIKA, INTERNET], token)
    answers = smtp.send(world.mta.ports["submission"], MAX, [ERIKA], message)
    assert (answers.code, answers.enhanced) == (550, "5.7.1") and INTERNET in answers.text
    assert smtp.send(world.mta.ports["submission"], MAX, [INTERNET], message).code == 250
    world.mta.wait_empty()
    assert [t.recipients for t in world.sink.messages(token.encode())] == [(INTERNET,)]
    assert not world.sandbox.mails(ERIKA, token.encode())


@pytest.fixture(scope="module")
def _internal():
    """The worlds with mixed_addressing = internal, by MTA."""
    worlds = {}
    yield worlds
    wrong = [line for world in worlds.values() for line in world.stop()]
    assert not wrong, "\n".join(wrong)


@pytest.fixture
def internal(_internal, mta):
    if mta not in _internal:
        _internal[mta] = TenantsWorld(mta, mixed_addressing="internal")
    yield _internal[mta]
    wrong = _internal[mta].check()
    assert not wrong, "\n".join(wrong)


def submit(world, recipients, header):
    answers = smtp.send(world.mta.ports["submission"], MAX, recipients, header.encode() + b"\nText\n")
    assert answers.code == 250, answers
    world.mta.wait_empty()


def test_internal_recipient_gets_an_email_that_can_be_answered(internal, token):
    header = f"From: Max <{MAX}>\nTo: Erika <{ERIKA}>\nCc: Erna <{ERNA}>\nSubject: {token}\nMessage-ID: <{token}@x>\n"
    submit(internal, [ERIKA, ERNA], header)
    mail = internal.mailboxes.wait(ERNA, token.encode()).header
    assert (mail["From"], mail["To"], mail["Cc"]) == (f"Max <{MAX}>", f"Erika <{ERIKA}>", f"Erna <{ERNA}>")
    fields, _ = as_submitted(internal.sandbox.wait_draft(ERIKA, token.encode()))
    assert [f for f in fields if not f.startswith(b"Date:")] == [
        b"From: Max <max@gemeinde.de-mail.de>", b"To: Erika <erika@muster.de-mail.de>",
        b"Cc: Erna <erna@gemeinde.de-mail.de>", f"Subject: {token}".encode(), f"Message-ID: <{token}@x>".encode()]
    answer = smtp.message(ERNA, parseaddr(mail["From"])[1], f"Re: {token}")
    assert smtp.send(internal.mta.ports["submission"], ERNA, [MAX], answer).code == 250
    internal.mailboxes.wait(MAX, f"Re: {token}".encode())
    assert not internal.sink.messages(token.encode())


def test_nobody_sees_a_bcc(internal, token):
    submit(internal, [ERIKA, ERNA, OTTO, CHEFIN], f"From: {MAX}\nTo: {ERIKA}, {ERNA}\nSubject: {token}\n")
    hidden = (b"otto", b"chefin", b"leitung")
    assert not [word for word in hidden if word in internal.sandbox.wait(ERIKA, token.encode())]
    for address in (ERNA, CHEFIN):
        # Delivery itself may name the one whom the copy is for.
        lines = [line for line in internal.mailboxes.wait(address, token.encode()).raw.lower().splitlines()
                 if not line.startswith((b"delivered-to:", b"x-original-to:", b"\tfor <"))]
        assert not [line for line in lines for word in hidden if word in line]
    raw = internal.sandbox.wait(OTTO, token.encode())
    assert f"bcc={OTTO}" in field(raw, "X-de-mail-chosen-recipient")
    assert b"leitung" not in raw and b"chefin" not in raw


def test_bcc_only(internal, token):
    submit(internal, [ERIKA, ERNA], f"From: {MAX}\nTo: undisclosed-recipients:;\nSubject: {token}\n")
    raw = internal.sandbox.wait(ERIKA, token.encode())
    assert field(raw, "X-de-mail-chosen-recipient") == f"bcc={ERIKA}"
    assert b"erna" not in raw
    mail = internal.mailboxes.wait(ERNA, token.encode())
    assert b"erika" not in mail.raw


def test_own_demail_recipient_is_internal(internal, token):
    """To stays as written in the e-mail, and is the De-Mail address in the De-Mail."""
    own = "leitung@gemeinde.de-mail.de"
    submit(internal, [ERIKA, own], f"From: {MAX}\nTo: {ERIKA}, {own}\nSubject: {token}\n")
    mail = internal.mailboxes.wait(CHEFIN, token.encode())
    assert mail.header["To"] == f"{ERIKA}, {own}" and mail.header["From"] == MAX
    raw = internal.sandbox.wait(ERIKA, token.encode())
    assert field(raw, "To") == f"{ERIKA}, {own}"
    assert not internal.sandbox.mails(own, token.encode())


def test_halves_of_a_split_message(internal, token):
    header = f"From: {MAX}\nTo: {ERIKA}\nCc: {ERNA}\nSubject: {token}\n"
    submit(internal, [ERIKA], header)
    submit(internal, [ERNA], header)
    internal.sandbox.wait(ERIKA, token.encode())
    assert len(internal.sandbox.mails(ERIKA, token.encode())) == 1
    mails = wait_until(lambda: internal.mailboxes.mails(ERNA, token.encode()), "the e-mail")
    assert [message_from_bytes(m.raw)["From"] for m in mails] == [MAX]
