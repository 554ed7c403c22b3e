"""What the milter refuses in the SMTP session, and what it leaves alone."""

import pytest

from harness import smtp

MAX, ERIKA, INTERNET = "max@gemeinde.example", "erika@muster.de-mail.de", "jemand@example.org"


def refused(answers, enhanced="5.7.1"):
    assert (answers.code, answers.enhanced) == (550, enhanced), answers
    return answers.text


def test_mixed_addressing_in_the_envelope(world, token):
    text = refused(world.send(MAX, [ERIKA, INTERNET], token))
    assert INTERNET in text
    assert not world.sink.messages(token.encode())
    assert not world.sandbox.mails(ERIKA, token.encode())


@pytest.mark.parametrize("name", ["To", "Cc"])
def test_mixed_addressing_in_the_header(world, token, name):
    fields = {"To": ERIKA, "Cc": INTERNET} if name == "Cc" else {"To": f"{ERIKA}, {INTERNET}"}
    message = smtp.message(MAX, fields["To"], token, Cc=fields.get("Cc"))
    text = refused(smtp.send(world.mta.ports["submission"], MAX, [ERIKA], message))
    assert INTERNET in text


def test_ordinary_mail_is_untouched(world, token):
    message = (f"From: Max <{MAX}>\nTo: {INTERNET}\nSubject: =?utf-8?q?Gr=C3=B6=C3=9Fe?=\n {token}\n"
               "X-Odd:no blank\nX-Empty:\nMessage-ID: <1@gemeinde.example>\nDate: Mon, 1 Jan 2024 00:00:00 +0000\n"
               "\nKörper\n.\n..\n  Ende \n").encode()
    assert smtp.send(world.mta.ports["submission"], MAX, [INTERNET], message).code == 250
    world.mta.wait_empty()
    data = world.sink.messages(token.encode())[0].data
    received, _, rest = data.partition(b"From: Max")
    assert received.startswith(b"Received: ") and received.count(b"\r\n") == 3
    assert b"From: Max" + rest == smtp.crlf(message)


@pytest.mark.parametrize("sender, port, client", [
    (MAX, "submission", "127.0.0.1"),
    ("boese@example.net", "open", smtp.OUTSIDE),
])
def test_forged_demail_fields_are_removed_from_ordinary_mail(world, token, sender, port, client):
    message = (f"X-de-mail-private: yes\nFrom: {sender}\nX-DE-MAIL-Sender: amt@viele.de-mail.de\n"
               f"To: {INTERNET}\nX-Demail-Status: verified=pass\nSubject: {token}\nX-de-mail-private: no\n"
               "X-de-mail-integrity: v=1\n b=abc\nX-Demail-Stamp: v=1; id=0\n\nText\n").encode()
    assert smtp.send(world.mta.ports[port], sender, [INTERNET], message, client=client).code == 250
    world.mta.wait_empty()
    data = world.sink.messages(token.encode())[0].data.lower()
    assert b"x-de-mail-" not in data and b"x-demail-" not in data


def test_untrusted_client(world, token):
    refused(world.send(MAX, ERIKA, token, port="open", client=smtp.OUTSIDE))
    assert not world.sandbox.mails(ERIKA, token.encode())


@pytest.mark.parametrize("sender, subject, enhanced", [
    ("gesperrt@gemeinde.example", "Thema", "5.7.1"),
    ("fremd@example.net", "Thema", "5.7.1"),
    ("einfach@gemeinde.example", "[EB] Thema", "5.7.1"),
    ("vertraulich@gemeinde.example", "[P, EB, AS] Thema", "5.7.1"),
    ("max@gemeinde.example", "[P, XY] Thema", "5.7.1"),
])
def test_sender_or_option_not_allowed(world, sender, subject, enhanced):
    refused(world.send(sender, ERIKA, subject), enhanced)


@pytest.mark.parametrize("fields", [{"X_de_mail_private": "vielleicht"}, {"X_de_mail_private_id": "x" * 1100}])
def test_bad_values_in_fields_of_the_client(world, token, fields):
    message = smtp.message(MAX, ERIKA, token, **fields)
    answers = smtp.send(world.mta.ports["submission"], MAX, [ERIKA], message)
    assert answers.code == 550, answers


def test_two_from_addresses_or_another_from(world, token):
    for sender in (f"{MAX}, chefin@gemeinde.example", "chefin@gemeinde.example"):
        message = smtp.message(sender, ERIKA, token)
        refused(smtp.send(world.mta.ports["submission"], MAX, [ERIKA], message))


def test_client_that_names_the_divert_domain(world, token):
    refused(world.send(MAX, ERIKA + ".demail.invalid", token), "5.1.2")


def test_subject_that_only_looks_like_options(world, token):
    for subject in (f"[Projekt] {token}", f"Re: [P] {token}"):
        assert world.send(MAX, ERIKA, subject).code == 250
        assert f"Subject: {subject}\r\n".encode() in world.sandbox.wait(ERIKA, subject.encode())
