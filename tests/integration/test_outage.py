"""Parts that are down: nothing is lost, nothing slips by."""

from harness import smtp
from harness.wait import wait_until

MAX, ERIKA, INTERNET = "max@gemeinde.example", "erika@muster.de-mail.de", "jemand@example.org"


def test_milter_killed(own_world, token):
    own_world.gateway.milter.kill()
    for recipient in (ERIKA, INTERNET):
        answers = own_world.send(MAX, recipient, token)
        assert 400 <= answers.code < 500, answers
    own_world.gateway.start_milter()
    for recipient in (ERIKA, INTERNET):
        assert own_world.send(MAX, recipient, token).code == 250
    own_world.sandbox.wait(ERIKA, token.encode())
    wait_until(lambda: len(own_world.sink.messages(token.encode())) == 1, "the ordinary mail to leave")


def test_poller_stopped(own_world, token):
    assert own_world.gateway.poller.stop() == 0
    assert own_world.send(MAX, ERIKA, token).code == 250
    wait_until(lambda: any(ERIKA in line for line in own_world.mta.queue()), "the message in the queue")
    assert own_world.send(MAX, INTERNET, token).code == 250
    wait_until(lambda: own_world.sink.messages(token.encode()), "ordinary mail to leave")
    assert not own_world.sandbox.mails(ERIKA, token.encode())
    own_world.gateway.start_poller()
    own_world.sandbox.wait(ERIKA, token.encode())
    own_world.mta.wait_empty()
    assert own_world.sandbox.submissions(ERIKA) == 1


def test_provider_stopped(own_world, token):
    own_world.allow("event=provider-down", "event=submission-failed")
    assert own_world.sandbox.stop() == 0
    assert own_world.send(MAX, ERIKA, token).code == 250
    wait_until(lambda: "deferred" in own_world.mta.outcomes(ERIKA + ".demail.invalid"), "the MTA to defer")
    own_world.sandbox.start()
    wait_until(lambda: own_world.mta.flush() or not own_world.mta.queue(), "the queue to empty", 90)
    assert len(own_world.sandbox.mails(ERIKA, token.encode())) == 1


def test_poller_killed_while_it_submits(own_world, token):
    own_world.allow("event=submission-failed")
    own_world.sandbox.fault("delay", method="POST", path="/v1/messages", seconds=3, times=1)
    assert own_world.send(MAX, ERIKA, token).code == 250
    wait_until(lambda: own_world.sandbox.stats()["posts"] > 0, "the submission to begin")
    own_world.gateway.poller.kill()
    own_world.gateway.start_poller()
    own_world.mta.wait_empty(timeout=90)
    assert own_world.sandbox.submissions(ERIKA) == 1
    assert len(own_world.sandbox.mails(ERIKA, token.encode())) == 1


def test_stamped_message_survives_the_milters_restart(own_world, token):
    assert own_world.gateway.poller.stop() == 0
    assert own_world.send(MAX, ERIKA, token).code == 250
    assert own_world.gateway.milter.stop() == 0
    own_world.gateway.start()
    own_world.sandbox.wait(ERIKA, token.encode())
    message = smtp.message(MAX, ERIKA, token + "again")
    assert smtp.send(own_world.mta.ports["submission"], MAX, [ERIKA], message).code == 250
