"""Where Postfix and Sendmail differ, and what follows for the milter: one test for each fact."""

import pytest

from harness import smtp
from harness.sandbox import field

MAX, ERIKA = "max@gemeinde.example", "erika@muster.de-mail.de"

# Sendmail writes address fields anew on the way out: quotes for a phrase with a dot or an apostrophe, its own folding.
FROM = ["Dr. Max Mustermann <max@gemeinde.example>", "Max O'Muster <max@gemeinde.example>",
        "max@gemeinde.example (Max Mustermann)", '"Mustermann, Max" <max@gemeinde.example>',
        "=?utf-8?q?M=C3=BCller=2C_Max?= <max@gemeinde.example>", "Max <Max@Gemeinde.Example>",
        "Max Müller <max@gemeinde.example>", "<max@gemeinde.example>", "Max   Mustermann\n <max@gemeinde.example>",
        '"Max \\"der\\" Muster" <max@gemeinde.example>']


@pytest.mark.parametrize("sender", FROM)
def test_from_as_the_mta_writes_it_fits_the_stamp(world, token, sender):
    message = smtp.message(sender, ERIKA, token)
    answers = smtp.send(world.mta.ports["submission"], MAX, [ERIKA], message)
    assert answers.code == 250, answers
    raw = world.sandbox.wait(ERIKA, token.encode())
    assert "max@gemeinde.de-mail.de" in field(raw, "From")


@pytest.mark.parametrize("by", ["SMTP", "sendmail(1)"])
def test_message_without_message_id_and_date(world, token, by):
    message = smtp.message(MAX, ERIKA, token)
    if by == "SMTP":
        assert smtp.send(world.mta.ports["submission"], MAX, [ERIKA], message).code == 250
    else:
        world.mta.sendmail(MAX, [ERIKA], message)
    raw = world.sandbox.wait(ERIKA, token.encode())
    assert field(raw, "Message-ID") and field(raw, "Date")


def test_queue_id_is_that_of_the_mta(world, token):
    before = len(world.gateway.milter.lines())
    assert world.send(MAX, ERIKA, token).code == 250
    diverted = [line for line in world.gateway.milter.lines()[before:] if "event=diverted" in line]
    queue_id = diverted[0].partition("qid=")[2].split()[0]
    world.sandbox.wait(ERIKA, token.encode())
    world.mta.wait_empty()
    assert world.mta.lines(f"{queue_id}: to=<{ERIKA}.demail.invalid>")
    submitted = [line for line in world.gateway.poller.lines() if f"qid={queue_id} " in line]
    assert any("event=submitted" in line for line in submitted)


@pytest.mark.parametrize("client, login", [("127.0.0.1", None), (smtp.OUTSIDE, ("max@gemeinde.example", "wunderland"))])
def test_login_and_client_as_the_milter_sees_them(world, token, client, login):
    before = len(world.gateway.milter.lines())
    assert world.send(MAX, ERIKA, token, client=client, login=login).code == 250
    line = [line for line in world.gateway.milter.lines()[before:] if "event=diverted" in line][0]
    assert f"client={client}" in line
    assert ("login=max@gemeinde.example" in line) == (login is not None)


@pytest.mark.parametrize("value", ["no blank", " one blank", "  two blanks", "\ta tab"])
def test_blank_behind_the_colon_stays(world, token, value):
    message = f"From:{MAX}\nTo:{ERIKA}\nSubject:[P] {token}\nX-Odd:{value}\n\nText\n".encode()
    assert smtp.send(world.mta.ports["submission"], MAX, [ERIKA], message).code == 250
    raw = world.sandbox.wait(ERIKA, token.encode())
    assert field(raw, "Subject") == token
    assert f"\r\nX-Odd:{value}\r\n".encode() in raw
