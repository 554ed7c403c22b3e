"""Poller, milter and provider are killed at random times while mail goes in both directions, and are started again as
systemd does. DEMAIL_KILLS: how many times (tests/kill takes many); DEMAIL_SEED: which, as a former run printed."""

import json
import os
import random
import time
from collections import Counter

import pytest

from harness.load import Load, account_for, settled

MANY = 100  # rounds, of which some certainly come at a moment that matters


def kill_some(world, rng, rounds):
    """Kills one of them after a random time, and starts it again at once, so many times; how often each was killed."""
    starts = {"milter": world.gateway.start_milter, "poller": world.gateway.start_poller,
              "provider": world.sandbox.start}
    daemons = {"milter": world.gateway.milter, "poller": world.gateway.poller, "provider": world.sandbox}
    kills = Counter()
    for _ in range(rounds):
        time.sleep(rng.random() * 0.8)
        victim = rng.choice(["milter", "poller", "poller", "provider"])
        daemons[victim].kill()
        starts[victim]()
        kills[victim] += 1
    return kills


def settle(world, sent):
    """Until everything has arrived. The queue and the polls are hurried on, not the messages."""
    end = time.monotonic() + 240
    while not settled(world, sent) and time.monotonic() < end:
        world.mta.flush()
        world.gateway.poller.reload("event=reloaded")
        time.sleep(1)


def open_entries(world):
    """Entries of the journal that are not at their end."""
    done = world.gateway.demailctl("-c", world.gateway.conf, "messages", "--json")
    assert done.returncode == 0, done.stderr
    entries = [json.loads(line) for line in done.stdout.splitlines()]
    return [e for e in entries if e["direction"] == "received" and e["state"] != "acknowledged"
            or e["direction"] == "sent" and any(r["state"] in ("submitting", "unknown", "deferred")
                                                for r in e["recipients"])]


@pytest.mark.only("postfix", "the load is on our own programs")
def test_random_kills(own_world, token, record_property):
    rounds = int(os.environ.get("DEMAIL_KILLS", "12"))
    seed = int(os.environ.get("DEMAIL_SEED", random.SystemRandom().randrange(10**6)))
    print(f"DEMAIL_SEED={seed}")
    own_world.allow("level=warning")
    begin = time.monotonic()
    load = Load(own_world, token, seed)
    try:
        kills = kill_some(own_world, random.Random(seed), rounds)
    finally:
        load.stop()
    settle(own_world, load.sent)
    own_world.allow("level=warning")
    account = account_for(own_world, load.sent)
    resumed = sum("event=submission-resumed " in line or "event=settled " in line
                  for line in own_world.gateway.poller.lines())
    record_property("random kills", f"seed {seed}: {rounds} kills, {account.messages} messages, "
                    f"{len(account.lost)} lost, {len(account.twice)} twice, {account.marked} marked copies, "
                    f"{resumed} times the provider was asked, "
                    f"{sum(load.sent.tries.values())} attempts repeated, {time.monotonic() - begin:.0f} s")
    assert (account.lost, account.twice, open_entries(own_world)) == ([], [], [])
    assert account.marked <= kills["poller"], "at each end, one message to one recipient may be inside"
    assert rounds < MANY or (resumed and account.marked), "the kills came at no moment that matters"
