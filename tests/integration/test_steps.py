"""The poller ends at every step at which that matters, one after the other, in the midst of the same conversation. When
it has been started again, all is as if nothing had happened; what may be inside twice is marked."""

import itertools
import os
import shutil
from collections import Counter

import pytest

from harness.conversation import Conversation
from harness.endstate import end_state
from harness.world import World

# How often the conversation passes each. A new place in the code, or one less, shows here.
STEPS = {
    "journal-write": 33, "journal-written": 33,
    "provider-call": 30, "provider-data": 2, "provider-answer": 30,
    "lmtp-answer": 2, "lmtp-answered": 2,
    "inject": 9, "inject-data": 8, "injected": 9,
}
ALL = sum(STEPS.values())

# tests/kill takes them all.
EVERY = int(os.environ.get("DEMAIL_EVERY_STEP", "5"))

# The first message is handed to the MTA and acknowledged; the MTA hands over the first De-Mail and is answered.
WITH_THE_MTA = range(11, 31)

# What is in our mailboxes when all is over, beside the bounce for the recipient that the provider does not know.
BOUNCE = {"postfix": "Undelivered Mail Returned to Sender", "sendmail": "Returned mail: see transcript for details"}
SUBJECTS = ["Anfrage *", "*Versandbestätigung* Bescheid *",
            "*Eingangsbestätigung* Bescheid *", "*Eingangsbestätigung* Bescheid *",
            "Nachricht nicht zugestellt: Nachtrag *", "Re: Bescheid *", "Rundbrief *", "Rundbrief *", "Ende *"]

_number = itertools.count(1)


class Stage:
    """A world for many conversations, one after the other, and the end state of one that nothing disturbed."""

    def __init__(self, mta):
        self.world = World(mta)
        gateway = self.world.gateway
        gateway.poller.stop()
        gateway.config["provider sandbox"]["poll_interval"] = "1h"
        gateway.config["tenant stadt"]["poll"] = "no"
        self.steps, self.reference = self.play()

    def play(self, stop=None):
        """A conversation in which the poller ends at the step `stop`; the names of its steps, and the end state."""
        self.world.allow("event=undeliverable", "event=submission-failed", "event=message-deferred")
        for box in self.world.mailboxes.folder.iterdir():
            shutil.rmtree(box)
        conversation = Conversation(self.world, f"s{os.getpid()}x{next(_number)}x", stop)
        try:
            conversation.run()
            conversation.repeat()
            return conversation.poller.steps(), end_state(conversation)
        finally:
            conversation.end()


@pytest.fixture(scope="session")
def stages():
    """By MTA. One that a failed test has disturbed is given up for a new one."""
    stages = {}
    yield stages
    wrong = [line for stage in stages.values() for line in stage.world.stop()]
    assert not wrong, "\n".join(wrong)


@pytest.fixture
def stage(stages, mta):
    if mta not in stages:
        stages[mta] = Stage(mta)
    stage = stages[mta]
    yield stage
    wrong = stage.world.bad_lines()
    assert not wrong, "\n".join(wrong)


@pytest.fixture
def own_world(stage):
    """For a failed test's report."""
    return stage.world


def test_steps_of_the_conversation(stage, mta):
    assert Counter(stage.steps) == STEPS
    assert {"provider-data", "lmtp-answer", "lmtp-answered"} <= {stage.steps[step - 1] for step in WITH_THE_MTA}
    reference = stage.reference
    assert reference.accepted == {"anna-*@viele.de-mail.de": 1, "otto-*@viele.de-mail.de": 2,
                                  "niemand-*@muster.de-mail.de": 0}
    assert reference.delivered == {"anna-*@viele.de-mail.de": 1, "otto-*@viele.de-mail.de": 1}
    assert set(reference.unmarked.values()) == {1}
    assert sorted(subject for _, _, _, subject, _, _ in reference.unmarked) == sorted([BOUNCE[mta], *SUBJECTS])
    assert (reference.copies(), reference.repeated, reference.waiting, reference.queue) == (0, 0, 0, [])


@pytest.mark.only("postfix", "Sendmail takes part in those of the next test")
@pytest.mark.parametrize("step", range(1, ALL + 1, EVERY))
def test_end_at_a_step(stages, stage, mta, step, own_world, record_property):
    check_step(stages, mta, step, record_property)


@pytest.mark.only("sendmail", "Postfix goes through all of them in the test before")
@pytest.mark.parametrize("step", WITH_THE_MTA[::EVERY])
def test_end_at_a_step_with_the_mta(stages, stage, mta, step, own_world, record_property):
    check_step(stages, mta, step, record_property)


def check_step(stages, mta, step, record_property):
    names, reference = stages[mta].steps, stages[mta].reference
    try:
        seen, state = stages[mta].play(step)
    except AssertionError:
        stages.pop(mta).world.stop()
        raise
    lost, twice = state.lost(reference), state.twice(reference)
    for name, count in (("steps", 1), ("lost", len(lost)), ("twice", len(twice)), ("marked copies", state.copies())):
        record_property(f"end at a step, {mta}: {name}", count)
    assert seen == names[:step]
    assert (lost, twice, state.unsettled(reference)) == ([], [], [])
    assert state.copies() == in_an_injection(names, step), names[step - 1:step + 1]


def in_an_injection(names, step):
    """Whether the journal says, when the poller ends at this step, that the MTA may have a mail. There is one recipient
    to each message in the conversation."""
    before, name, after = names[step - 2], names[step - 1], names[step] if step < len(names) else None
    return (name in ("inject", "inject-data", "injected") or (name, after) == ("journal-written", "inject") or
            (before, name) == ("injected", "journal-write"))
