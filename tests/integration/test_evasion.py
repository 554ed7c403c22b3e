"""Recipients that are meant to slip past recognition never leave as plain e-mail; look-alikes do."""

import pytest

from harness import smtp
from harness.wait import wait_until

MAX, ERIKA = "max@gemeinde.example", "erika@muster.de-mail.de"

# Recipient, and the enhanced code of the milter's refusal; None: it is diverted and arrives. Postfix itself may refuse
# some of them at RCPT.
EVASIONS = {
    "upper case": ("Erika@MUSTER.DE-MAIL.DE", None),
    "trailing dot": ("erika@muster.de-mail.de.", None),
    "quoted local part": ('"erika"@muster.de-mail.de', "5.1.3"),
    "quoted blank": ('"erika muster"@muster.de-mail.de', "5.1.3"),
    "source route": ("@relay.example:erika@muster.de-mail.de", "5.1.3"),
    "percent": ("erika%muster.de-mail.de", "5.1.3"),
    "percent at own domain": ("erika%muster.de-mail.de@gemeinde.example", "5.1.3"),
    "percent at elsewhere": ("erika%muster.de-mail.de@example.org", "5.1.3"),
    "bang": ("muster.de-mail.de!erika", "5.1.3"),
    "bang at elsewhere": ("muster.de-mail.de!erika@example.org", "5.1.3"),
    "second at": ('"erika@muster.de-mail.de"@example.org', "5.1.3"),
    "comment": ("erika(Erika)@muster.de-mail.de", "5.1.3"),
    "comment in domain": ("erika@(hier)muster.de-mail.de", "5.1.3"),
    "divert domain": ("erika@muster.de-mail.de.demail.invalid", "5.1.2"),
}

IDNA = {
    "soft hyphen": "erika@muster.de\u00ad-mail.de",
    "full width": "erika@muster.\uff44\uff45-mail.de",
    "ideographic full stop": "erika@muster\u3002de-mail\u3002de",
    "full width at": "erika%muster.de-mail.de@ex\u00e4mple.org",
}

LOOK_ALIKES = ["bounce-erika=muster.de-mail.de@example.org", "srs0=ab=cd=muster.de-mail.de=erika@example.org",
               "erika@notde-mail.de", "erika@de-mail.de.example.org", "erika@de-mail.example",
               "de-mail.de@example.org"]


def nothing_left(world, token):
    """The message is in no queue, and the Internet has not seen it."""
    world.mta.wait_empty()
    assert not world.sink.messages(token.encode())


@pytest.mark.parametrize("name", EVASIONS)
def test_with_the_milter(world, token, name):
    recipient, enhanced = EVASIONS[name]
    message = smtp.message(MAX, ERIKA, token)
    answers = smtp.send(world.mta.ports["submission"], MAX, [recipient], message)
    if enhanced is None:
        assert answers.code == 250, answers
        world.sandbox.wait(ERIKA, token.encode())
    elif answers.data:
        assert (answers.code, answers.enhanced) == (550, enhanced), answers
    else:
        assert 500 <= answers.code < 600, answers
    nothing_left(world, token)


@pytest.mark.parametrize("name", [n for n in EVASIONS if "elsewhere" not in n and n != "second at"])
def test_by_the_barrier_alone(world, token, name):
    world.allow("event=barrier-refused", "event=stamp-refused")
    message = smtp.message(MAX, ERIKA, token)
    answers = smtp.send(world.mta.ports["bypass"], MAX, [EVASIONS[name][0]], message)
    assert answers.code == 250 or 500 <= answers.code < 600, answers
    if answers.code == 250:
        bounce = world.mailboxes.wait(MAX, token.encode())
        assert bounce.header.get_content_type() == "multipart/report"
    nothing_left(world, token)
    assert not world.sandbox.mails(ERIKA, token.encode())


@pytest.mark.parametrize("name", IDNA)
def test_internationalised_domain(world, token, name):
    message = smtp.message(MAX, ERIKA, token)
    answers = smtp.send(world.mta.ports["submission"], MAX, [IDNA[name]], message, utf8=True)
    assert 500 <= answers.code < 600, answers
    assert answers.enhanced == "5.1.3", answers
    nothing_left(world, token)


def test_alias_that_expands_to_a_demail_address(world, token):
    world.allow("event=barrier-refused")
    assert world.send(MAX, "verteiler@gemeinde.example", token).code == 250
    bounce = world.mailboxes.wait(MAX, token.encode())
    assert "De-Mail gateway" in bounce.text()
    nothing_left(world, token)
    assert not world.sandbox.mails(ERIKA, token.encode())


@pytest.mark.only("sendmail", reason="Postfix's barrier is a compiled table, which it keeps open")
def test_barrier_without_its_table_lets_nothing_pass(own_world, token):
    table = own_world.mta.etc / "demail_domains"
    text = table.read_text()
    table.unlink()
    message = smtp.message(MAX, ERIKA, token)
    assert smtp.send(own_world.mta.ports["bypass"], MAX, [ERIKA], message).code == 250
    wait_until(lambda: own_world.mta.lines("unsafe map file"), "Sendmail to miss the table")
    assert own_world.mta.queue()
    own_world.allow("event=barrier-refused", "event=stamp-refused")
    table.write_text(text)
    own_world.mailboxes.wait(MAX, token.encode())
    nothing_left(own_world, token)


def test_last_of_more_than_1000_recipients(world, token):
    recipients = [f"r{i}@example.org" for i in range(1001)] + [ERIKA]
    message = smtp.message(MAX, "alle@example.org", token)
    answers = smtp.send(world.mta.ports["submission"], MAX, recipients, message)
    assert (answers.code, answers.enhanced) == (550, "5.7.1"), answers
    nothing_left(world, token)


def test_last_of_more_than_1000_recipients_by_the_barrier_alone(world, token):
    world.allow("event=barrier-refused")
    recipients = [f"r{i}@example.org" for i in range(1001)] + [ERIKA]
    message = smtp.message(MAX, "alle@example.org", token)
    assert smtp.send(world.mta.ports["bypass"], MAX, recipients, message).code == 250
    world.mailboxes.wait(MAX, token.encode())
    world.mta.wait_empty()
    left = [r for taken in world.sink.messages(token.encode()) for r in taken.recipients]
    assert sorted(left) == sorted(recipients[:-1])


def test_more_than_1000_demail_recipients_arrive_once_each(world, token):
    recipients = [f"{token}{i}@viele.de-mail.de" for i in range(1100)]
    answers = smtp.send(world.mta.ports["submission"], MAX, recipients, smtp.message(MAX, ERIKA, token))
    assert answers.code == 250, answers
    world.mta.wait_empty(timeout=120)
    counts = world.sandbox.stats()["submissions"]
    assert [r for r in recipients if counts.get(r.lower()) != 1] == []
    assert not world.sink.messages(token.encode())


@pytest.mark.parametrize("recipient", LOOK_ALIKES)
def test_look_alike_stays_ordinary_mail(world, token, recipient):
    assert world.send(MAX, recipient, token).code == 250
    world.mta.wait_empty()
    assert [t.recipients for t in world.sink.messages(token.encode())] == [(recipient,)]
