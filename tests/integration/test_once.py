"""Every recipient gets a De-Mail once, however the MTA cuts and repeats it."""

import pytest

from harness import smtp

MAX, ERIKA = "max@gemeinde.example", "erika@muster.de-mail.de"


def send_many(world, token, count):
    recipients = [f"{token}{i}@viele.de-mail.de" for i in range(count)]
    message = smtp.message(MAX, "alle@viele.de-mail.de", token)
    assert smtp.send(world.mta.ports["submission"], MAX, recipients, message).code == 250
    return recipients


def accepted(world, recipients):
    """How often each was accepted by the provider."""
    counts = world.sandbox.stats()["submissions"]
    return [counts.get(recipient, 0) for recipient in recipients]


def test_120_recipients_in_envelopes_of_50(own_world, token):
    own_world.mta.limit_envelope(50)
    recipients = send_many(own_world, token, 120)
    own_world.mta.wait_empty()
    assert accepted(own_world, recipients) == [1] * 120
    assert own_world.sandbox.stats()["posts"] == 3


def test_120_recipients_in_one_envelope(world, token):
    before = world.sandbox.stats()["posts"]
    recipients = send_many(world, token, 120)
    world.mta.wait_empty()
    assert accepted(world, recipients) == [1] * 120
    assert world.sandbox.stats()["posts"] == before + 1


def test_deferred_recipients_are_tried_again_and_the_others_are_not(world, token):
    names = [f"{token}{i}@viele.de-mail.de" for i in range(5)]
    for name in names[:2]:
        world.sandbox.fault("deny", address=name, code="mailbox-full", retryable=True, times=1)
    recipients = send_many(world, token, 5)
    world.mta.wait_empty()
    assert accepted(world, recipients) == [1] * 5
    outcomes = [world.mta.outcomes(f"{name}.demail.invalid") for name in names]
    assert outcomes == [["deferred", "sent"]] * 2 + [["sent"]] * 3


@pytest.mark.parametrize("fault", ["lose-answer", "truncate-answer"])
def test_lost_answer_is_asked_for_and_nothing_is_sent_again(own_world, token, fault):
    own_world.allow("event=submission-failed")
    own_world.sandbox.fault(fault, method="POST", path="/v1/messages", times=1)
    recipients = send_many(own_world, token, 3)
    own_world.mta.wait_empty()
    assert accepted(own_world, recipients) == [1] * 3
    assert (own_world.sandbox.repeated(), own_world.sandbox.stats()["posts"]) == (0, 1)
    assert own_world.mta.outcomes(f"{recipients[0]}.demail.invalid")[0] == "deferred", "the answer was not lost"


def test_expired_session_is_renewed(world, token):
    world.sandbox.fault("expire-sessions")
    recipients = send_many(world, token, 1)
    world.mta.wait_empty()
    assert accepted(world, recipients) == [1]
    assert world.mta.outcomes(f"{recipients[0]}.demail.invalid") == ["sent"]
