"""A message handed to Postfix leaves as a De-Mail."""

import re

from harness import smtp
from harness.sandbox import body, field

MAX, ERIKA = "max@gemeinde.example", "erika@muster.de-mail.de"


def test_demail_with_options_arrives_with_exactly_these_headers(world, token):
    message = smtp.message("Max Mustermann <max@gemeinde.example>", ERIKA, f"[P, EB] Bescheid {token}",
                           Message_ID=f"<{token}@gemeinde.example>", User_Agent="Trial/1.0", X_Other="stays")
    answers = smtp.send(world.mta.ports["submission"], MAX, [ERIKA], message)
    assert answers.code == 250, answers
    raw = world.sandbox.wait(ERIKA, token.encode())
    expected = {
        "Subject": f"Bescheid {token}",
        "From": "Max Mustermann <max@gemeinde.de-mail.de>",
        "To": ERIKA,
        "Message-ID": f"<{token}@gemeinde.example>",
        "X-Other": "stays",
        "User-Agent": None,
        "Received": None,
        "X-Demail-Stamp": None,
        "X-de-mail-private": "yes",
        "X-de-mail-confirmation-of-receipt": "yes",
        "X-de-mail-confirmation-of-dispatch": "no",
        "X-de-mail-confirmation-of-retrieve": "no",
        "X-de-mail-authoritative": "no",
        "X-de-mail-sender": "max@gemeinde.de-mail.de",
        "X-de-mail-chosen-recipient": f"to={ERIKA}",
        "X-de-mail-message-type": "normal",
        "X-de-mail-auth-level": "high",
        "X-de-mail-account-holder": "Gemeinde Beispiel",
        "Envelope-to": ERIKA,
    }
    assert {name: field(raw, name) for name in expected} == expected
    assert re.fullmatch(r"[0-9a-f]{32}", field(raw, "X-de-mail-private-id"))
    assert b"demail.invalid" not in raw


def test_body_arrives_byte_for_byte(world, token):
    text = "Umlaute äöü\r\n.\r\n..punkt\r\n\r\nFrom here\r\n" + "x" * 900 + "\r\n\ttab \r\n\r\n\r\n"
    message = smtp.message(MAX, ERIKA, token).partition(b"\n\n")[0] + b"\n\n" + text.encode("utf-8")
    assert smtp.send(world.mta.ports["submission"], MAX, [ERIKA], message).code == 250
    assert body(world.sandbox.wait(ERIKA, token.encode())) == text.encode("utf-8")


def test_from_is_mapped_by_table_and_by_domain(world, token):
    for sender, demail in (("chefin@gemeinde.example", "leitung@gemeinde.de-mail.de"),
                           ("rathaus@stadt.example", "rathaus@stadt.de-mail.de")):
        assert world.send(sender, ERIKA, token + sender).code == 250
        raw = world.sandbox.wait(ERIKA, (token + sender).encode())
        assert field(raw, "From") == demail
        assert field(raw, "X-de-mail-sender") == demail


def test_bcc_shows_only_in_its_own_copy(world, token):
    otto = "otto@normal.de-mail.de"
    message = smtp.message(MAX, ERIKA, token)
    assert smtp.send(world.mta.ports["submission"], MAX, [ERIKA, otto], message).code == 250
    assert b"otto" not in world.sandbox.wait(ERIKA, token.encode())
    raw = world.sandbox.wait(otto, token.encode())
    assert "bcc=" + otto in field(raw, "X-de-mail-chosen-recipient")


def test_confirmation_of_dispatch_arrives_in_the_mailbox(world, token):
    assert world.send(MAX, ERIKA, f"[VB] {token}").code == 250
    private_id = field(world.sandbox.wait(ERIKA, token.encode()), "X-de-mail-private-id")
    mail = world.mailboxes.wait(MAX, private_id.encode())
    assert mail.header["X-de-mail-message-type"] == "confirmation of dispatch"
    assert mail.header["X-de-mail-private-id"] == private_id
    assert token in mail.subject


def test_unknown_recipient_bounces_with_the_providers_reason(world, token):
    world.allow("event=recipient-refused")
    nobody = "niemand@muster.de-mail.de"
    assert world.send(MAX, nobody, token).code == 250
    bounce = world.mailboxes.wait(MAX, nobody.encode())
    assert "unknown-recipient" in bounce.text()
    assert bounce.header.get_content_type() == "multipart/report"
    status = [str(p) for p in bounce.header.walk() if p.get_content_type() == "message/delivery-status"][0]
    assert f"Original-Recipient: rfc822;{nobody}" in status
    assert "Status: 5.1.1" in status


def test_submission_with_auth_and_by_sendmail(world, token):
    login = ("max@gemeinde.example", "wunderland")
    answers = world.send(MAX, ERIKA, token + "auth", client=smtp.OUTSIDE, login=login)
    assert answers.code == 250, answers
    world.sandbox.wait(ERIKA, (token + "auth").encode())
    world.mta.sendmail(MAX, [ERIKA], smtp.message(MAX, ERIKA, token + "local"))
    world.sandbox.wait(ERIKA, (token + "local").encode())


def test_login_can_not_send_as_somebody_else(world, token):
    login = ("max@gemeinde.example", "wunderland")
    answers = world.send("chefin@gemeinde.example", ERIKA, token, login=login)
    assert (answers.code, answers.enhanced) == (550, "5.7.1")
    login = ("erna@gemeinde.example", "wunderland")
    assert world.send("poststelle@gemeinde.example", ERIKA, token, login=login).code == 250
    raw = world.sandbox.wait(ERIKA, token.encode())
    assert field(raw, "X-de-mail-sender") == "poststelle@gemeinde.de-mail.de"


def test_own_demail_domain_is_delivered_locally(world, token):
    assert world.send(MAX, "leitung@gemeinde.de-mail.de", token).code == 250
    world.mailboxes.wait("chefin@gemeinde.example", token.encode())
    assert not world.sandbox.mails("leitung@gemeinde.de-mail.de", token.encode())
