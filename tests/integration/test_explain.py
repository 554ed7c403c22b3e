"""demailctl explain and the milter give the same verdict."""

import json
from email import message_from_bytes

import pytest

from harness import smtp
from harness.explain import explain
from harness.ledger import Ledger
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


@pytest.fixture(scope="module")
def ledger():
    made = Ledger([])
    yield made
    made.close()


TRUSTED = "trusted: client 127.0.0.1 is in trusted_clients"
TO_ERIKA = f"recipient {ERIKA}: De-Mail, demail_domains entry .de-mail.de"
SANDBOX = "provider: sandbox, open for sending by gemeinde"


@pytest.mark.parametrize("sender, client, recipients, subject, because", [
    (MAX, "127.0.0.1", [ERIKA], "[AH] Bescheid", [
        TO_ERIKA, TRUSTED, f"tenant: gemeinde, sending as {MAX}", f"From: {MAX}, the envelope sender", SANDBOX,
        "senders: @gemeinde.example -> all", "De-Mail address: max@gemeinde.de-mail.de",
        "mixed addressing: none that is not permitted", "options: asked for retrieve, allowed are private,"
        "authoritative,dispatch,receipt,retrieve", "options: retrieve implies private",
        "private id: none given, the gateway id"]),
    ("einfach@gemeinde.example", "127.0.0.1", [ERIKA], "[P] Bescheid", [
        TO_ERIKA, TRUSTED, "tenant: gemeinde, sending as einfach@gemeinde.example",
        "From: einfach@gemeinde.example, the envelope sender", SANDBOX, "senders: einfach@gemeinde.example -> none",
        "De-Mail address: einfach@gemeinde.de-mail.de", "mixed addressing: none that is not permitted",
        "options: asked for private, allowed are none", "refused by rule option-not-allowed"]),
    (MAX, "192.0.2.7", [ERIKA], "Bescheid", [
        TO_ERIKA, "not trusted: no login, and client 192.0.2.7 is not in trusted_clients",
        "refused by rule untrusted"]),
    (MAX, "192.0.2.7", ["x@example.org"], "Bescheid", ["recipient x@example.org: e-mail"]),
])
def test_the_trace_names_what_each_rule_gave_in_their_order(ledger, sender, client, recipients, subject, because):
    arguments = ["--from", sender, "--client", client, "--header", f"Subject: {subject}"]
    for recipient in recipients:
        arguments += ["--to", recipient]
    assert json.loads(ledger.run("explain", "--json", *arguments))["because"] == because
    text = ledger.run("explain", *arguments)
    assert [line.removeprefix("because:   ") for line in text.splitlines() if line.startswith("because:")] == because
