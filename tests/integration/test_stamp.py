"""The stamp: what bears a valid one passes, everything else is refused."""

import re
import smtplib

from harness import smtp
from harness.sandbox import field
from harness.sink import LmtpSink
from harness.wait import wait_until

MAX, ERIKA = "max@gemeinde.example", "erika@muster.de-mail.de"
DIVERTED = ERIKA + ".demail.invalid"


def handed_over(world, recipient, message):
    """The message as the MTA hands it over to the poller, which is down: another one takes it."""
    sink = LmtpSink(world.gateway.lmtp.removeprefix("unix:"))
    try:
        answers = smtp.send(world.mta.ports["submission"], MAX, [recipient], message)
        assert answers.code == 250, answers
        taken = wait_until(sink.messages, "the MTA to hand the message over")
        world.mta.wait_empty()
    finally:
        sink.stop()
    assert [(t.sender, t.recipients) for t in taken] == [(MAX, (DIVERTED,))]
    return taken[0].data


def stamped(world, token):
    """A message that the milter has stamped."""
    return handed_over(world, ERIKA, smtp.message(MAX, ERIKA, f"[P] {token}"))


def lmtp(world, recipient, message):
    """Hands a message to the poller as an MTA does; the replies to RCPT and to DATA."""
    path = world.gateway.lmtp.removeprefix("unix:")
    with smtplib.LMTP(path) as session:
        session.ehlo_or_helo_if_needed()
        session.mail(MAX)
        rcpt = session.docmd("RCPT", f"TO:<{recipient}>")
        return rcpt, session.data(smtp.crlf(message)) if rcpt[0] == 250 else None


def test_second_pass_through_the_milter_is_untouched(own_world, token):
    own_world.gateway.poller.stop()
    message = stamped(own_world, token)
    again = handed_over(own_world, DIVERTED, message)
    assert again[again.index(b"X-Demail-Stamp"):] == message[message.index(b"X-Demail-Stamp"):]
    own_world.gateway.start_poller()
    assert smtp.send(own_world.mta.ports["submission"], MAX, [DIVERTED], again).code == 250
    own_world.mta.wait_empty()
    raw = own_world.sandbox.wait(ERIKA, token.encode())
    assert field(raw, "X-de-mail-private") == "yes"
    assert own_world.sandbox.submissions(ERIKA) == 1


def test_replay_sends_nothing(own_world, token):
    own_world.gateway.poller.stop()
    message = stamped(own_world, token)
    own_world.gateway.start_poller()
    replies = [lmtp(own_world, DIVERTED, message)[1] for _ in range(3)]
    assert [code for code, _ in replies] == [250] * 3
    assert own_world.sandbox.submissions(ERIKA) == 1


def test_changed_message_or_other_recipient_is_refused(own_world, token):
    own_world.allow("event=stamp-refused", "event=barrier-refused")
    own_world.gateway.poller.stop()
    message = stamped(own_world, token)
    own_world.gateway.start_poller()
    stamp = re.search(rb"id=([0-9a-f]{32})", message).group(1)
    forged = {
        "option": message.replace(b"X-de-mail-private: yes", b"X-de-mail-private: no"),
        "subject": message.replace(token.encode(), b"another subject"),
        "gateway id": message.replace(stamp, bytes(reversed(stamp))),
        "no stamp": re.sub(rb"X-Demail-Stamp:.*\r\n([ \t].*\r\n)*", b"", message),
        "added field": b"X-de-mail-authoritative: yes\r\n" + message,
    }
    for what, text in forged.items():
        assert text != message, what
        _, data = lmtp(own_world, DIVERTED, text)
        assert data[0] == 550 and b"5.7.1" in data[1], (what, data)
    _, data = lmtp(own_world, "otto@normal.de-mail.de.demail.invalid", message)
    assert data[0] == 550, data
    assert not own_world.sandbox.stats()["submissions"]


def test_direct_lmtp_is_refused(world, token):
    world.allow("event=barrier-refused", "event=stamp-refused")
    message = smtp.message(MAX, ERIKA, token)
    for recipient in (ERIKA, DIVERTED):
        rcpt, data = lmtp(world, recipient, message)
        code, text = data or rcpt
        assert code == 550 and b"5.7.1" in text and b"De-Mail gateway" in text


def test_stamp_of_a_client_is_not_believed(world, token):
    message = (f"X-Demail-Stamp: v=1; id={'0' * 32}; q=; tenant=gemeinde; t=1700000000; rcpt={'0' * 16};\n"
               f" mac={'0' * 64}\n").encode() + smtp.message(MAX, ERIKA, token)
    answers = smtp.send(world.mta.ports["submission"], MAX, [DIVERTED], message)
    assert (answers.code, answers.enhanced) == (550, "5.1.2"), answers
    assert smtp.send(world.mta.ports["submission"], MAX, [ERIKA], message).code == 250
    world.sandbox.wait(ERIKA, token.encode())
