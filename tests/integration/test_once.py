"""Every recipient gets a De-Mail once, however the MTA cuts and repeats it."""

import pytest

from harness import smtp

MAX, ERIKA = "max@gemeinde.example", "erika@muster.de-mail.de"


def send_many(world, token, count):
    recipients = [f"{token}{i}@viele.de-mail.de" for i in range(count)]
    message = smtp.message(MAX, "alle@viele.de-mail.de", token)
    assert smtp.send(world.postfix.ports["submission"], MAX, recipients, message).code == 250
    return recipients


def accepted(world, recipients):
    """How often each was accepted by the provider."""
    counts = world.sandbox.stats()["submissions"]
    return [counts.get(recipient, 0) for recipient in recipients]


def test_120_recipients_in_envelopes_of_50(own_world, token):
    own_world.postfix.set("demail_destination_recipient_limit=50")
    recipients = send_many(own_world, token, 120)
    own_world.postfix.wait_empty()
    assert accepted(own_world, recipients) == [1] * 120
    assert len(own_world.postfix.lines("status=sent")) >= 120


def test_120_recipients_in_one_envelope(world, token):
    before = world.sandbox.stats()["posts"]
    recipients = send_many(world, token, 120)
    world.postfix.wait_empty()
    assert accepted(world, recipients) == [1] * 120
    assert world.sandbox.stats()["posts"] == before + 1


def test_deferred_recipients_are_tried_again_and_the_others_are_not(world, token):
    names = [f"{token}{i}@viele.de-mail.de" for i in range(5)]
    for name in names[:2]:
        world.sandbox.fault("deny", address=name, code="mailbox-full", retryable=True, times=1)
    recipients = send_many(world, token, 5)
    world.postfix.wait_empty()
    assert accepted(world, recipients) == [1] * 5
    deferred = [line for name in names for line in world.postfix.lines(f"to=<{name}.demail.invalid>")
                if "status=deferred" in line]
    assert len(deferred) == 2


@pytest.mark.parametrize("fault", ["lose-answer", "truncate-answer"])
def test_lost_answer_is_asked_for_and_nothing_is_sent_again(own_world, token, fault):
    own_world.allow("event=submission-failed")
    own_world.sandbox.fault(fault, method="POST", path="/v1/messages", times=1)
    recipients = send_many(own_world, token, 3)
    own_world.postfix.wait_empty()
    assert accepted(own_world, recipients) == [1] * 3
    assert own_world.postfix.lines("status=deferred"), "the answer was not lost"


def test_expired_session_is_renewed(world, token):
    world.sandbox.fault("expire-sessions")
    recipients = send_many(world, token, 1)
    world.postfix.wait_empty()
    assert accepted(world, recipients) == [1]
    assert not [line for line in world.postfix.lines(recipients[0]) if "status=deferred" in line]
