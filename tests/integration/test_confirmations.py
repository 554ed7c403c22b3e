"""What comes back to a De-Mail: receipts whose seal is good, and others; reports of failure; the journal that tells."""

import json

import pytest

from harness import smtp

MAX, ERIKA = "max@gemeinde.example", "erika@muster.de-mail.de"


def send(world, token, subject):
    """A De-Mail from Max to Erika; its Message-ID."""
    message_id = f"<{token}@gemeinde.example>"
    message = smtp.message(MAX, ERIKA, subject, Message_ID=message_id)
    assert smtp.send(world.mta.ports["submission"], MAX, [ERIKA], message).code == 250
    return message_id


def demailctl(world, *arguments):
    return world.gateway.demailctl("-c", world.gateway.conf, *arguments)


def shown(world, name):
    done = demailctl(world, "show", "--json", name)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def state(world, name):
    entry, = [e for e in shown(world, name) if e["direction"] == "sent"]
    return entry["recipients"][0]["state"]


@pytest.mark.parametrize("kind, status", [("unknown-recipient", "5.1.1"), ("closed-account", "5.2.1"),
                                          ("invalid-format", "5.6.0")])
def test_undeliverable_becomes_a_report(world, token, tmp_path, kind, status):
    world.sandbox.fault("undeliverable", address=ERIKA, code=kind, times=1)
    message_id = send(world, token, f"Bescheid {token}")
    mail = world.mailboxes.wait(MAX, message_id.encode())
    assert mail.header["Return-Path"] == "<>"
    assert mail.header["In-Reply-To"] == mail.header["References"] == message_id
    assert mail.header.get_content_type() == "multipart/report"
    assert mail.header.get_param("report-type") == "delivery-status"
    text, report, original = mail.header.get_payload()
    assert ERIKA in text.get_payload(decode=True).decode()
    general, recipient = report.get_payload()
    assert general["Reporting-MTA"] and general["Arrival-Date"]
    assert recipient["Final-Recipient"] == recipient["Original-Recipient"] == f"rfc822; {ERIKA}"
    assert (recipient["Action"], recipient["Status"]) == ("failed", status)
    assert original.get_content_type() == "message/rfc822"
    assert state(world, message_id) == "undeliverable"

    boundary = mail.header.get_boundary().encode()
    evidence = mail.raw.split(b"--" + boundary)[3].partition(b"\n\n")[2][:-1]
    file = tmp_path / "notification.eml"
    file.write_bytes(evidence.replace(b"\n", b"\r\n"))
    done = world.gateway.demailctl("verify", "--ca", world.sandbox.seal_ca, file)
    assert done.returncode == 0, done.stdout


def test_receipt_with_an_untrusted_seal_is_no_evidence(own_world, token):
    own_world.allow("event=verify-failed")
    own_world.gateway.config["gateway"].update(trust_anchors=str(own_world.pki.cert("ca")), crl_files="")
    own_world.gateway.write_config()
    own_world.gateway.poller.reload("event=reloaded")
    message_id = send(own_world, token, f"[EB] Bescheid {token}")
    mail = own_world.mailboxes.wait(MAX, b"confirmation of receipt")
    status = " ".join(mail.header["X-Demail-Status"].split())
    assert status.startswith("verified=fail; signed=no;") and "reason=certificate.untrusted" in status
    assert "x-demail=fail" in mail.header["Authentication-Results"]
    assert mail.header["In-Reply-To"] is None
    assert state(own_world, message_id) == "accepted"


def test_without_anchors_seals_are_not_judged(own_world, token):
    own_world.allow("event=trust-anchors-missing")
    own_world.gateway.config["gateway"].update(trust_anchors="", crl_files="")
    own_world.gateway.write_config()
    lines = own_world.gateway.poller.reload("event=reloaded")
    assert sum("event=trust-anchors-missing" in line for line in lines) == 1
    message_id = send(own_world, token, f"[EB] Bescheid {token}")
    mail = own_world.mailboxes.wait(MAX, b"confirmation of receipt")
    assert " ".join(mail.header["X-Demail-Status"].split()).startswith("verified=pass; signed=no;")
    assert state(own_world, message_id) == "accepted"


def test_unreadable_anchors_keep_the_old_configuration(own_world):
    own_world.allow("event=reload-refused")
    own_world.gateway.config["gateway"].update(trust_anchors="/nonexistent/seal-ca.pem")
    own_world.gateway.write_config()
    lines = own_world.gateway.poller.reload("event=reload-refused")
    assert any("/nonexistent/seal-ca.pem" in line for line in lines)


def test_shown_by_every_name(world, token):
    world.sandbox.log_in(ERIKA)
    message_id = send(world, token, f"[VB, EB] Bescheid {token}")
    world.mailboxes.wait(MAX, message_id.encode())
    world.mta.wait_empty()
    entry, = shown(world, message_id)
    names = [entry["gateway_id"], entry["queue_id"], entry["private_id"], entry["recipients"][0]["provider_id"]]
    for name in names:
        assert entry["message_id"] in [e["message_id"] for e in shown(world, name) if e["direction"] == "sent"]
    text = demailctl(world, "show", message_id).stdout
    assert entry["gateway_id"] in text and ERIKA in text and "accepted" in text
    missing = demailctl(world, "show", "nobody-knows-this")
    assert missing.returncode == 1 and "nobody-knows-this is not in the journal" in missing.stderr


def test_a_private_id_gives_the_terminal_no_orders(world, token):
    message = smtp.message(MAX, ERIKA, f"Bescheid {token}", Message_ID=f"<{token}@gemeinde.example>",
                           X_de_mail_private_id=f"=?utf-8?q?{token}_=C2=9B31m_=E2=80=AE?=")
    assert smtp.send(world.mta.ports["submission"], MAX, [ERIKA], message).code == 250
    world.mta.wait_empty()
    entry, = shown(world, f"<{token}@gemeinde.example>")
    assert entry["private_id"] == f"{token} \x9b31m \u202e"
    text = demailctl(world, "show", f"<{token}@gemeinde.example>").stdout
    assert f"{token}  31m" in text and "\x9b" not in text and "\u202e" not in text


def listed(world, *arguments):
    done = demailctl(world, "messages", "--json", *arguments)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_listed_by_tenant_state_and_time(own_world, token):
    world = own_world
    world.sandbox.send(ERIKA, ["rathaus@stadt.de-mail.de"], token, "Guten Tag\r\n")
    world.mailboxes.wait("rathaus@stadt.example", token.encode())
    message_id = send(world, token, f"[EB] Bescheid {token}")
    world.mailboxes.wait(MAX, message_id.encode())
    sent, = [e for e in listed(world) if e["direction"] == "sent"]
    assert (sent["sender"], sent["options"], sent["tenant"]) == (MAX, ["receipt"], "gemeinde")
    assert listed(world, "--state", "received") == [sent]
    assert listed(world, "--state", "refused") == []
    assert listed(world, "--since", "2100-01-01") == []
    assert sent in listed(world, "--since", "1h", "--tenant", "gemeinde")
    came, = listed(world, "--tenant", "stadt")
    assert (came["sender"], came["verified"], came["type"]) == (ERIKA, "pass", "normal")
    receipt, = [e for e in listed(world, "--tenant", "gemeinde") if e["direction"] == "received"]
    assert receipt["about"] == sent["gateway_id"]
    assert f"\t{MAX}\t{ERIKA}\treceipt\n" in demailctl(world, "messages").stdout


@pytest.mark.parametrize("arguments, complaint", [
    (["--state", "recieved"], 'did you mean "received"'), (["--since", "yesterday"], "--since yesterday"),
    (["operand"], "takes no operand")])
def test_wrong_arguments(world, arguments, complaint):
    done = demailctl(world, "messages", *arguments)
    assert done.returncode == 64 and complaint in done.stderr
