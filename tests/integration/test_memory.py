"""A large attachment streams through: no daemon grows with it."""

import base64
import os
import random

import pytest

from harness import smtp
from harness.sandbox import body
from harness.world import World

MIB = 1024 * 1024
MAX, ERIKA = "max@gemeinde.example", "erika@muster.de-mail.de"


def attachment(size):
    """Base64 lines with `size` bytes behind them."""
    return base64.encodebytes(random.Random(size).randbytes(size)).decode()


@pytest.mark.skipif("DEMAIL_BUILD_RELEASE" not in os.environ,
                    reason="sanitizers keep freed memory; tests/run gives DEMAIL_BUILD_RELEASE")
def test_20_mib_attachment_costs_no_memory(mta, token, record_property):
    world = World(mta, os.environ["DEMAIL_BUILD_RELEASE"])
    try:
        daemons = (world.gateway.milter, world.gateway.poller)
        world.send(MAX, ERIKA, token + "small")
        world.sandbox.wait(ERIKA, (token + "small").encode())
        world.mta.wait_empty()
        small = [daemon.peak_rss() for daemon in daemons]
        text = attachment(20 * MIB)
        message = smtp.message(MAX, ERIKA, token + "large", text, Content_Transfer_Encoding="base64")
        assert smtp.send(world.mta.ports["submission"], MAX, [ERIKA], message).code == 250
        raw = world.sandbox.wait(ERIKA, (token + "large").encode(), timeout=120)
        world.mta.wait_empty()
        assert body(raw) == smtp.crlf(text.encode())
        draft = smtp.crlf(smtp.message(ERIKA, "max@gemeinde.de-mail.de", token + "back", text))
        assert world.sandbox.send_draft(ERIKA, "max@gemeinde.de-mail.de", draft) == "accepted"
        mail = world.mailboxes.wait(MAX, (token + "back").encode(), timeout=120)
        assert mail.body == smtp.crlf(text.encode())
        grown = {d.name: d.peak_rss() - before for d, before in zip(daemons, small)}
        record_property("peak RSS grown with 20 MiB, KiB", {name: growth // 1024 for name, growth in grown.items()})
        assert all(growth < 8 * MIB for growth in grown.values()), grown
    finally:
        wrong = world.stop()
    assert not wrong, wrong


def test_20_mib_attachment_arrives(world, token):
    text = attachment(20 * MIB)
    message = smtp.message(MAX, ERIKA, token, text, Content_Transfer_Encoding="base64")
    assert smtp.send(world.mta.ports["submission"], MAX, [ERIKA], message).code == 250
    assert body(world.sandbox.wait(ERIKA, token.encode(), timeout=120)) == smtp.crlf(text.encode())
