"""The signed list of providers: what it makes De-Mail, and what becomes of it when something is wrong."""

import json
from datetime import timedelta

import pytest

from harness.explain import explain
from harness.ports import free_port
from harness.trust_list import ListServer, make_list

MAX, ERIKA, OTTO = "max@gemeinde.example", "erika@muster.de-mail.de", "otto@normal.de-mail.de"
DOMAINS = {"muster.de-mail.de": "granted", "normal.de-mail.de": "withdrawn"}

pytestmark = pytest.mark.only("postfix", "the MTA has no part in this")


@pytest.fixture
def listed(own_world):
    """A world in which only the tenants' domains are in demail_domains, and a server that has no list yet."""
    gateway = own_world.gateway
    own_world.pki.signer("tsl")
    own_world.pki.signer("stranger")
    server = ListServer(own_world.pki, free_port())
    gateway.write_table("demail_domains", "gemeinde.de-mail.de x\nstadt.de-mail.de x\n")
    gateway.config["gateway"].update(trust_list_url=server.url, trust_list_ca_file=str(own_world.pki.cert("ca")),
                                     trust_list_signer=str(own_world.pki.cert("tsl")))
    gateway.write_config()
    own_world.server = server
    yield own_world
    server.stop()


def serve(world, sequence, domains, signer="tsl", **options):
    world.server.content = make_list(world.pki, signer, sequence, domains, **options)


def verdict(world, recipient):
    return explain(world, [("From", MAX), ("To", recipient)], MAX, None, "127.0.0.1", [recipient])


def checked(world):
    done = world.gateway.demailctl("-c", world.gateway.conf, "--json", "check", "--no-mta", "--no-login")
    answer = json.loads(done.stdout)
    assert answer["good"], answer
    return answer


def test_list_decides_without_restart(listed, token):
    listed.allow("event=table-missing", "event=trust-list-failed")
    listed.gateway.milter.reload("event=reloaded")
    listed.gateway.poller.reload("event=trust-list-failed")
    assert verdict(listed, ERIKA)["verdict"] == "ordinary"
    assert listed.send(MAX, "x@example.org", token).code == 250
    assert sum("event=table-missing" in line for line in listed.gateway.milter.lines()) == 1
    assert any("no list has been fetched yet" in remark for remark in checked(listed)["remarks"])
    serve(listed, 1, DOMAINS)
    lines = listed.gateway.poller.reload("event=trust-list-in-force")
    assert "sequence=1" in lines[-1] and "domains=2" in lines[-1], lines
    assert listed.send(MAX, ERIKA, token).code == 250
    listed.sandbox.wait(ERIKA, token.encode())
    answers = listed.send(MAX, OTTO, token)
    assert (answers.code, answers.enhanced) == (550, "5.1.2") and OTTO in answers.text, answers
    assert "trust list entry muster.de-mail.de, active" in "\n".join(verdict(listed, ERIKA)["because"])
    found = checked(listed)["trust_list"]
    assert (found["sequence"], found["domains"], found["active"], found["expired"]) == (1, 2, 1, False), found
    query = listed.gateway.demailctl("query", f"lmdb:{listed.gateway.home}/state/trust_list", "x.normal.de-mail.de")
    assert query.stdout == "inactive\n"
    serve(listed, 2, {"muster.de-mail.de": "withdrawn", "normal.de-mail.de": "granted"})
    listed.gateway.poller.reload("event=trust-list-in-force from=https")
    assert listed.send(MAX, OTTO, token).code == 250
    assert listed.send(MAX, ERIKA, token).enhanced == "5.1.2"


def test_bad_lists_are_not_taken(listed, token):
    serve(listed, 5, DOMAINS)
    listed.gateway.poller.reload("event=trust-list-in-force")
    listed.gateway.milter.reload("event=reloaded")
    other = {"muster.de-mail.de": "withdrawn"}
    good = listed.server.content
    bad = {
        "tsl.signer-untrusted": make_list(listed.pki, "stranger", 6, other),
        "tsl.signature-invalid": good.replace(b"normal.de-mail.de", b"gmail.example"),
        "tsl.malformed": b"<html>moved</html"[:-1],
        "sequence number is lower": make_list(listed.pki, "tsl", 4, other),
        "has expired": make_list(listed.pki, "tsl", 6, other, valid=timedelta(hours=-1)),
        "larger than": b"<x>" + b" " * (16 * 1024 * 1024),
        "answers 503": None,
    }
    for reason, content in bad.items():
        listed.allow("event=trust-list-failed")
        listed.server.content = content
        lines = listed.gateway.poller.reload("event=trust-list-failed")
        assert reason in lines[-1], lines
        assert verdict(listed, ERIKA)["verdict"] == "demail", reason
        assert checked(listed)["trust_list"]["sequence"] == 5
        assert not listed.bad_lines()
    assert listed.send(MAX, ERIKA, token).code == 250
    listed.sandbox.wait(ERIKA, token.encode())


def test_list_signed_with_properties(listed):
    """XAdES, as lists of trust services are signed; a list is no longer good if its properties have been changed."""
    serve(listed, 5, DOMAINS, xades=True)
    listed.gateway.poller.reload("event=trust-list-in-force")
    listed.gateway.milter.reload("event=reloaded")
    assert verdict(listed, ERIKA)["verdict"] == "demail"
    assert checked(listed)["trust_list"]["sequence"] == 5
    listed.allow("event=trust-list-failed")
    listed.server.content = listed.server.content.replace(b"SigningTime>2026", b"SigningTime>2027")
    lines = listed.gateway.poller.reload("event=trust-list-failed")
    assert "tsl.signature-invalid" in lines[-1], lines


def test_expired_list_warns_and_works(listed, token):
    listed.allow("event=trust-list-expired")
    serve(listed, 1, DOMAINS, valid=timedelta(seconds=6))
    lines = listed.gateway.poller.reload("event=trust-list-expired")
    listed.gateway.milter.reload("event=reloaded")
    assert sum("event=trust-list-in-force" in line for line in lines) == 1, lines
    answer = checked(listed)
    assert answer["trust_list"]["expired"] and any("has expired" in remark for remark in answer["remarks"])
    assert listed.send(MAX, ERIKA, token).code == 250
    listed.sandbox.wait(ERIKA, token.encode())


def test_server_is_down_at_start(listed, token):
    serve(listed, 3, DOMAINS)
    listed.gateway.poller.reload("event=trust-list-in-force")
    listed.gateway.milter.reload("event=reloaded")
    listed.gateway.poller.stop()
    listed.gateway.milter.stop()
    listed.server.content = None
    (listed.gateway.home / "state" / "trust_list.demail.lmdb").unlink()  # as after a crash before it was made
    listed.allow("event=trust-list-failed", "event=table-missing")
    before = len(listed.gateway.poller.lines())
    listed.gateway.start()
    listed.gateway.poller.reload("event=trust-list-failed")
    lines = listed.gateway.poller.lines()[before:]
    assert any("event=trust-list-in-force from=state_dir sequence=3" in line for line in lines), lines
    assert listed.send(MAX, ERIKA, token).code == 250
    listed.sandbox.wait(ERIKA, token.encode())
