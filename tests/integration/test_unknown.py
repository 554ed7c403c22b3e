"""A De-Mail of which the provider can't tell whether it has it: held, released, given up, or sent again."""

import json

import pytest

from harness.wait import wait_until

MAX, ERIKA = "max@gemeinde.example", "erika@muster.de-mail.de"


def demailctl(world, *arguments):
    return world.gateway.demailctl("-c", world.gateway.conf, *arguments)


def forgetful(world, on_unknown="hold"):
    """The provider loses one answer and then can't tell what became of it. It is not polled: that asks the same way."""
    world.gateway.config["gateway"]["on_unknown"] = on_unknown
    for tenant in ("gemeinde", "stadt"):
        world.gateway.config[f"tenant {tenant}"]["poll"] = "no"
    world.gateway.write_config()
    world.gateway.poller.stop()
    world.gateway.start_poller()
    world.allow("event=submission-failed", "event=submission-held", "event=submission-repeated", "event=settled")
    world.sandbox.fault("lose-answer", method="POST", path="/v1/messages", times=1)
    world.sandbox.fault("status", method="GET", path="/v1/messages", status=501, times=1000)


def poller_lines(world, event):
    return [line for line in world.gateway.poller.lines() if f"event={event} " in line]


def wait_sent(world):
    """The queue is empty before the MTA's log says so."""
    world.mta.wait_empty()
    wait_until(lambda: world.mta.outcomes(f"{ERIKA}.demail.invalid")[-1] == "sent", "the De-Mail to be sent")


@pytest.fixture
def held(own_world, token):
    """A world with one held De-Mail: (world, its gateway id)."""
    forgetful(own_world)
    own_world.send(MAX, ERIKA, token)
    wait_until(lambda: poller_lines(own_world, "submission-held"), "the De-Mail to be held")
    line = json.loads(demailctl(own_world, "status", "--json").stdout)
    return own_world, line["gateway_id"]


def test_held_and_shown(held):
    world, gateway_id = held
    status = demailctl(world, "status")
    assert status.returncode == 1
    assert "  unknown     " + gateway_id in status.stdout and ERIKA in status.stdout
    assert "under way: 0, held: 1;" in status.stdout
    assert demailctl(world, "messages", "--state", "unknown").stdout.count(ERIKA) == 1
    assert world.mta.outcomes(f"{ERIKA}.demail.invalid")[-1] == "deferred"
    assert world.sandbox.stats()["posts"] == 1


def test_still_held_after_a_restart(held):
    world, _ = held
    world.gateway.poller.kill()
    world.gateway.start_poller()
    before = len(world.mta.outcomes(f"{ERIKA}.demail.invalid"))
    wait_until(lambda: len(world.mta.outcomes(f"{ERIKA}.demail.invalid")) >= before + 2, "two more attempts")
    assert world.sandbox.stats()["posts"] == 1
    assert demailctl(world, "status").returncode == 1


def test_retry(held):
    world, gateway_id = held
    done = demailctl(world, "retry", gateway_id)
    assert (done.returncode, done.stderr) == (0, "") and "sent again" in done.stdout
    wait_sent(world)
    assert world.sandbox.stats()["posts"] == 2
    assert demailctl(world, "status").returncode == 0
    again = demailctl(world, "retry", gateway_id)
    assert again.returncode == 1 and "no recipient is held" in again.stderr


def test_drop(held):
    world, gateway_id = held
    assert demailctl(world, "drop", gateway_id).returncode == 0
    world.mta.wait_empty()
    bounce = world.mailboxes.wait(MAX, b"given up by the administrator")
    assert b"5.3.0" in bounce.raw
    assert world.sandbox.stats()["posts"] == 1
    assert demailctl(world, "status").returncode == 0


def test_told_after_all(held):
    world, _ = held
    world.sandbox.clear_faults()
    wait_sent(world)
    assert world.sandbox.stats()["posts"] == 1


def test_settled_at_the_start_without_the_mta(own_world, token):
    """The poller asks by itself what became of a submission that a crash cut off."""
    forgetful(own_world)
    own_world.sandbox.clear_faults()
    own_world.sandbox.fault("lose-answer", method="POST", path="/v1/messages", times=1)
    own_world.send(MAX, ERIKA, token)
    wait_until(lambda: poller_lines(own_world, "submission-failed"), "the lost answer")
    own_world.gateway.poller.kill()
    own_world.mta.stop()
    own_world.gateway.start_poller()
    line = wait_until(lambda: poller_lines(own_world, "settled"), "the provider's word")[0]
    assert "accepted=1" in line and "unknown=0" in line
    assert demailctl(own_world, "status").returncode == 0


def test_sent_again_by_configuration(own_world, token):
    forgetful(own_world, "resend")
    own_world.send(MAX, ERIKA, token)
    wait_sent(own_world)
    assert own_world.sandbox.stats()["posts"] == 2
    assert len(poller_lines(own_world, "submission-repeated")) == 1


@pytest.mark.parametrize("command", ["retry", "drop"])
def test_wrong_names(own_world, command):
    unknown = demailctl(own_world, command, "4XyZ")
    assert unknown.returncode == 1 and "is no sent De-Mail" in unknown.stderr
    assert demailctl(own_world, command).returncode == 64


def test_root_follows_no_link_of_the_poller(own_world):
    """Who has taken over the poller must not have demailctl destroy a file of root's."""
    lock = own_world.gateway.home / "state" / "journal.lmdb-lock"
    victim = own_world.home / "victim"
    victim.write_text("root's own\n")
    victim.chmod(0o600)
    own_world.gateway.poller.stop()
    for command in (["status"], ["messages"], ["retry", "4XyZ"]):
        lock.unlink(missing_ok=True)
        lock.symlink_to(victim)
        assert demailctl(own_world, *command).returncode != 0
        assert victim.read_text() == "root's own\n"
    lock.unlink()
    own_world.gateway.start_poller()
