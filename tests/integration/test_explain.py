"""demailctl explain and the milter give the same verdict."""

import json

import pytest

from harness import smtp

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


def explain(world, sender, login, client, recipients, fields):
    arguments = ["-c", world.gateway.conf, "--json", "explain", "--from", sender, "--client", client]
    if login:
        arguments += ["--login", f"{login}@gemeinde.example"]
    for recipient in recipients:
        arguments += ["--to", f"<{recipient}>"]  # as the MTA gives it
    for name, value in fields.items():
        arguments += ["--header", f"{name}: {value}"]
    return world.gateway.demailctl(*arguments)


@pytest.mark.parametrize("name", CASES)
def test_same_verdict(world, name):
    sender, login, client, recipients, extra = CASES[name]
    fields = {"From": sender, "To": ", ".join(recipients), "Subject": "Bescheid", **extra}
    message = "".join(f"{k}: {v}\n" for k, v in fields.items()).encode() + b"\nText\n"
    port = "open" if client != "127.0.0.1" and not login else "submission"
    credentials = (f"{login}@gemeinde.example", "wunderland") if login else None
    answers = smtp.send(world.mta.ports[port], sender, recipients, message, client=client, login=credentials)
    done = explain(world, sender, login, client, recipients, fields)
    assert done.returncode == 0, done
    verdict = json.loads(done.stdout)
    if answers.code == 250:
        assert verdict["verdict"] in ("ordinary", "demail"), verdict
    else:
        said = f"{verdict['code']} {verdict['status']} {verdict['text']}"
        assert said == f"{answers.code} {' '.join(answers.text.split())}"
