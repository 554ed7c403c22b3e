"""demailctl explain and the milter give the same verdict."""

from email import message_from_bytes

import pytest

from harness import smtp
from harness.explain import explain
from test_stamp import DIVERTED, stamped

MAX, ERIKA = "max@gemeinde.example", "erika@muster.de-mail.de"

# Sender, login, client, envelope recipients, header fields.
CASES = {
    "De-Mail": (MAX, None, "127.0.0.1", [ERIKA], {}),
    "options": (MAX, None, "127.0.0.1", [ERIKA], {"Subject": "[P, EB] Bescheid"}),
    "ordinary": (MAX, None, "127.0.0.1", ["x@example.org"], {}),
    "ordinary from outside": ("a@example.net", None, smtp.OUTSIDE, ["x@example.org"], {}),
    "untrusted": (MAX, None, smtp.OUTSIDE, [ERIKA], {}),
    "login": (MAX, "max", smtp.OUTSIDE, [ERIKA], {}),
    "somebody else's login": ("chefin@gemeinde.example", "max", smtp.OUTSIDE, [ERIKA], {}),
    "mixed envelope": (MAX, None, "127.0.0.1", [ERIKA, "x@example.org"], {}),
    "mixed header": (MAX, None, "127.0.0.1", [ERIKA], {"Cc": "x@example.org"}),
    "unknown option": (MAX, None, "127.0.0.1", [ERIKA], {"Subject": "[P, XY] Bescheid"}),
    "option not allowed": ("einfach@gemeinde.example", None, "127.0.0.1", [ERIKA], {"Subject": "[EB] Bescheid"}),
    "sender not allowed": ("gesperrt@gemeinde.example", None, "127.0.0.1", [ERIKA], {}),
    "no tenant": ("a@example.net", None, "127.0.0.1", [ERIKA], {}),
    "another From": (MAX, None, "127.0.0.1", [ERIKA], {"From": "chefin@gemeinde.example"}),
    "bad value": (MAX, None, "127.0.0.1", [ERIKA], {"X-de-mail-private": "vielleicht"}),
    "quoted": (MAX, None, "127.0.0.1", ['"erika"@muster.de-mail.de'], {}),
    "divert domain": (MAX, None, "127.0.0.1", [ERIKA + ".demail.invalid"], {}),
    "own mailbox": (MAX, None, "127.0.0.1", ["leitung@gemeinde.de-mail.de"], {}),
}


@pytest.mark.parametrize("name", CASES)
def test_same_verdict(world, name):
    sender, login, client, recipients, extra = CASES[name]
    fields = {"From": sender, "To": ", ".join(recipients), "Subject": "Bescheid", **extra}
    message = "".join(f"{k}: {v}\n" for k, v in fields.items()).encode() + b"\nText\n"
    port = "open" if client != "127.0.0.1" and not login else "submission"
    login = f"{login}@gemeinde.example" if login else None
    before = len(world.gateway.milter.lines())
    answers = smtp.send(world.mta.ports[port], sender, recipients, message, client=client,
                        login=(login, "wunderland") if login else None)
    verdict = explain(world, list(fields.items()), sender, login, client, recipients)
    if answers.code == 250:
        diverted = any("event=diverted" in line for line in world.gateway.milter.lines()[before:])
        assert verdict["verdict"] == ("demail" if diverted else "ordinary"), verdict
    else:
        said = f"{verdict['code']} {verdict['status']} {verdict['text']}"
        assert said == f"{answers.code} {' '.join(answers.text.split())}"


def test_message_that_comes_by_again(own_world, token):
    own_world.gateway.poller.stop()
    message = stamped(own_world, token)
    own_world.gateway.start_poller()
    verdict = explain(own_world, message_from_bytes(message).items(), MAX, None, "127.0.0.1", [DIVERTED])
    assert verdict["verdict"] == "again", verdict
    assert smtp.send(own_world.mta.ports["submission"], MAX, [DIVERTED], message).code == 250
    assert any("event=passed-again" in line for line in own_world.gateway.milter.lines())
    verdict = explain(own_world, message_from_bytes(message).items(), MAX, None, smtp.OUTSIDE, [DIVERTED])
    assert verdict["rule"] == "untrusted", verdict
