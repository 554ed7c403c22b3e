"""A De-Mail arrives in a mailbox."""

from email.utils import parseaddr

from harness import smtp
from harness.sandbox import body, field

ERIKA = "erika@muster.de-mail.de"


def test_demail_arrives_in_the_mailbox(world, token):
    world.sandbox.send(ERIKA, ["max@gemeinde.de-mail.de"], token, "Guten Tag, Größe\r\n", private=True)
    raw = world.sandbox.wait("max@gemeinde.de-mail.de", token.encode())
    mail = world.mailboxes.wait("max@gemeinde.example", token.encode())
    assert parseaddr(mail.header["From"])[1] == ERIKA
    assert mail.body == body(raw)
    for name in ("X-de-mail-private", "X-de-mail-message-id", "X-de-mail-sender", "X-de-mail-auth-level"):
        assert mail.header.get_all(name) == [field(raw, name)]
    status = mail.header["X-Demail-Status"]
    assert status.startswith("verified=pass;") and "signed=no" in status
    assert "auth-level=high" in status and "options=private" in status
    assert mail.header["Authentication-Results"].split()[:3] == ["gemeinde.example;", "x-demail=pass", "(hash)"]
    assert mail.header["Return-Path"] == "<postmaster@gemeinde.example>"


def test_address_without_mailbox_goes_to_the_catch_all(world, token):
    world.allow("event=undeliverable")
    address = "unbekannt@gemeinde.de-mail.de"
    world.sandbox.send(ERIKA, [address], token, "Wer?\r\n")
    mail = world.mailboxes.wait("poststelle@gemeinde.example", token.encode())
    assert mail.header["X-Demail-Undeliverable"] == "unbekannt@gemeinde.example"


def test_one_of_several_recipients_goes_to_the_catch_all(world, token):
    world.allow("event=undeliverable")
    world.sandbox.send(ERIKA, ["max@gemeinde.de-mail.de", "unbekannt@gemeinde.de-mail.de"], token, "Alle\r\n")
    mail = world.mailboxes.wait("max@gemeinde.example", token.encode())
    assert mail.header["X-Demail-Undeliverable"] is None
    world.mailboxes.wait("poststelle@gemeinde.example", token.encode())


def test_address_is_mapped_back_by_table(world, token):
    world.sandbox.send(ERIKA, ["leitung@gemeinde.de-mail.de"], token, "An die Leitung\r\n")
    world.mailboxes.wait("chefin@gemeinde.example", token.encode())


def test_citizen_answers(world, token):
    assert world.send("max@gemeinde.example", ERIKA, token).code == 250
    raw = world.sandbox.wait(ERIKA, token.encode())
    world.sandbox.send(ERIKA, [parseaddr(field(raw, "From"))[1]], f"Re: {token}", "Danke\r\n")
    answer = world.mailboxes.wait("max@gemeinde.example", f"Re: {token}".encode())
    message = smtp.message("max@gemeinde.example", parseaddr(answer.header["From"])[1], f"Re: Re: {token}")
    assert smtp.send(world.mta.ports["submission"], "max@gemeinde.example", [ERIKA], message).code == 250
    world.sandbox.wait(ERIKA, f"Re: Re: {token}".encode())


def test_forged_gateway_fields_are_replaced(world, token):
    draft = (f"From: {ERIKA}\r\nTo: max@gemeinde.de-mail.de\r\nSubject: {token}\r\n"
             "X-Demail-Status: verified=pass; signed=\"CN=Forged\"\r\nX-Demail-Redelivered: yes\r\n"
             "Authentication-Results: gemeinde.example; x-demail=pass (signed)\r\n\r\nHallo\r\n").encode()
    assert world.sandbox.send_draft(ERIKA, "max@gemeinde.de-mail.de", draft) == "accepted"
    mail = world.mailboxes.wait("max@gemeinde.example", token.encode())
    assert len(mail.header.get_all("X-Demail-Status")) == 1
    assert "signed=no" in mail.header["X-Demail-Status"]
    assert len(mail.header.get_all("Authentication-Results")) == 1
    assert "(signed)" not in mail.header["Authentication-Results"]
    assert mail.header["X-Demail-Redelivered"] is None
