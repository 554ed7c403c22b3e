"""What goes wrong between the gateway, its provider and the MTA: who sees what of it, and that all is delivered once,
without anybody's hand, when it is over. The table that demail-poller(8) has in its section FAULTS."""

import contextlib
import itertools
import os
import re
import socket
import subprocess
import time
from dataclasses import dataclass
from email.utils import formatdate
from pathlib import Path
from typing import Callable

import pytest

from harness.clock import Clock
from harness.pki import Pki
from harness.ports import free_port
from harness.smtp_relay import DROP, SmtpRelay
from harness.wait import wait_until
from harness.wire import Wire, server_context
from harness.world import World

MAX, ERNA, ERIKA = "max@gemeinde.example", "erna@gemeinde.example", "erika@muster.de-mail.de"
MAX_DEMAIL, ERNA_DEMAIL = "max@gemeinde.de-mail.de", "erna@gemeinde.de-mail.de"
CATCH_ALL = "poststelle@gemeinde.example"
LARGE = ("Zeile für Zeile ein großer Anhang, wie ihn ein Amt verschickt\n" * 10000).encode("ascii", "replace").decode()
FAR = 200_000  # bytes: in the middle of LARGE

SUBMISSION = {"method": "POST", "path": "/v1/messages", "times": 1000}
LOGIN = {"method": "POST", "path": "/v1/session", "times": 1000}
LIST = {"method": "GET", "path": "/v1/messages", "query": "folder", "times": 1000}
FETCH = {"method": "GET", "path": "/v1/messages/", "times": 1000}
ACK = {"method": "POST", "path": "/v1/messages/", "times": 1000}


def provider(kind, call, **details):
    """The provider fails in this way at these calls."""
    return lambda w: w.sandbox.fault(kind, **{**call, **details})


def redirect(status, call):
    """The provider sends us to another host."""
    return lambda w: w.sandbox.fault("answer", **call, status=status,
                                     headers={"Location": f"https://127.0.0.1:{w.elsewhere.port}{call['path']}"})


def wire(order, *arguments, **named):
    """The line to the provider fails in this way."""
    return lambda w: getattr(w.wire, order)(*arguments, **named)


def somebody_else(make_context, answer=b""):
    """Another server is in the place of the provider."""
    return lambda w: w.wire.impersonate(make_context(w), answer)


def other_ca(world):
    other = Pki(world.home / "other", "other")
    return server_context(*other.server())


def revoking(world):
    pki = world.pki
    return server_context(*pki.server(), client_ca=pki.cert("ca"), crl=pki.crl("client"))


def endless_header():
    yield b"HTTP/1.1 200 OK\r\n"
    with contextlib.suppress(OSError):
        while True:
            yield b"X-More: and more\r\n" * 1000


@dataclass(frozen=True)
class Sending:
    """`mta`: how the answer to the MTA begins, empty where it sees nothing; its queue then tries again. `log`: of the
    poller. The sender sees nothing of any of these but a De-Mail that comes later."""
    fault: str
    order: Callable
    mta: str
    log: str
    large: bool = False


SENDING = [
    # The answer is lost or no use: the De-Mail was taken, and the provider is asked at the next try.
    Sending("answer-lost", provider("lose-answer", SUBMISSION), "451 4.4.2", "submission-failed"),
    Sending("answer-truncated", provider("truncate-answer", SUBMISSION), "451 4.4.2", "submission-failed"),
    Sending("answer-late", provider("delay", SUBMISSION, seconds=8, times=1), "451 4.4.2", "submission-failed"),
    Sending("answer-in-drops", provider("slow-answer", SUBMISSION, seconds=0.2, times=1), "451 4.4.2",
            "submission-failed"),
    Sending("answer-endless", provider("endless-answer", SUBMISSION), "451 4.4.2", "submission-failed"),
    Sending("answer-empty", provider("change-answer", SUBMISSION, status=200, body=""), "451 4.4.2",
            "submission-failed"),
    Sending("answer-accepted-empty", provider("change-answer", SUBMISSION, body=""), "451 4.4.2", "submission-failed"),
    Sending("answer-no-json", provider("change-answer", SUBMISSION, body="<html>busy</html>"), "451 4.4.2",
            "submission-failed"),
    Sending("answer-wrong-shape", provider("change-answer", SUBMISSION, body='{"id": [], "recipients": 5}'),
            "451 4.4.2", "submission-failed"),
    Sending("answer-about-nobody", provider("change-answer", SUBMISSION, body='{"id": "x", "recipients": []}'),
            "451 4.4.2", "event=submitted .* unknown=1"),
    Sending("500-after-the-message", provider("change-answer", SUBMISSION, status=500, body="{}"), "451 4.4.2",
            "submission-failed"),
    Sending("session-expired-in-the-upload", provider("change-answer", SUBMISSION, status=401, body="{}", times=1),
            "451 4.4.2", "submission-failed .* answered 401"),
    # The provider refuses to work: nothing was taken.
    *[Sending(f"status-{status}", provider("status", SUBMISSION, status=status), "451 4.4.1",
              f"submission-failed .* answered {status}") for status in (500, 502, 503, 504)],
    Sending("login-500", lambda w: (w.sandbox.fault("expire-sessions"), provider("status", LOGIN, status=500)(w)),
            "451 4.4.1", "provider-down"),
    Sending("session-expired", lambda w: w.sandbox.fault("expire-sessions"), "", ""),
    Sending("session-expired-again-and-again", provider("status", SUBMISSION, status=401), "451 4.4.1",
            "submission-failed .* answered 401"),
    *[Sending(f"redirect-{status}", redirect(status, SUBMISSION), "451 4.4.1",
              f"submission-failed .* answered {status}") for status in (301, 302, 307, 308)],
    Sending("redirect-of-the-login",
            lambda w: (w.sandbox.fault("expire-sessions"), redirect(307, LOGIN)(w)), "451 4.4.1", "provider-down"),
    # The line.
    Sending("nobody-listens", wire("close"), "451 4.4.1", "provider-down"),
    Sending("connection-reset", wire("reset"), "451 4.4.1", "provider-down"),
    Sending("upload-cut", wire("cut", FAR, True), "451 4.4.2", "submission-failed", large=True),
    Sending("upload-stalled", wire("hold", FAR, True), "451 4.4.2", "submission-failed", large=True),
    # Somebody else, or TLS that does not come about.
    Sending("certificate-expired", somebody_else(lambda w: server_context(*w.pki.server("late", expired=True))),
            "451 4.4.1", "provider-down .*expired"),
    Sending("certificate-for-another-name",
            somebody_else(lambda w: server_context(*w.pki.server("b", "DNS:b.example"))), "451 4.4.1",
            "provider-down .*127.0.0.1"),
    Sending("certificate-of-another-ca", somebody_else(other_ca), "451 4.4.1", "provider-down .*certificate"),
    Sending("no-tls", somebody_else(lambda w: None, b"HTTP/1.1 200 OK\r\n\r\n"), "451 4.4.1", "provider-down"),
    Sending("our-certificate-revoked", somebody_else(revoking), "451 4.4.1", "provider-down .*(alert|SSL|Transport)"),
    Sending("header-endless", somebody_else(lambda w: server_context(*w.pki.server("server")), endless_header),
            "451 4.4.1", "submission-failed .*header"),
]


@dataclass(frozen=True)
class Receiving:
    """`log`: of the poller, empty where it says nothing. The recipient sees nothing but a mail that comes later."""
    fault: str
    order: Callable
    log: str
    large: bool = False


RECEIVING = [
    *[Receiving(f"list-{status}", provider("status", LIST, status=status), f"poll-failed .* answered {status}")
      for status in (500, 401)],
    Receiving("list-lost", provider("lose-answer", LIST), "poll-failed"),
    Receiving("list-truncated", provider("truncate-answer", LIST), "poll-failed"),
    Receiving("list-late", provider("delay", LIST, seconds=5), "provider-down"),
    Receiving("list-empty", provider("change-answer", LIST, body=""), "poll-failed"),
    Receiving("list-no-json", provider("change-answer", LIST, body="]"), "poll-failed"),
    Receiving("list-wrong-shape", provider("change-answer", LIST, body='{"messages": {"id": 5}}'), "poll-failed"),
    Receiving("list-endless", provider("endless-answer", LIST), "poll-failed"),
    Receiving("list-redirected", redirect(302, LIST), "poll-failed .* answered 302"),
    Receiving("session-expired", provider("status", LIST, status=401, times=1), ""),
    *[Receiving(f"fetch-{status}", provider("status", FETCH, status=status), f"receive-failed .* answered {status}")
      for status in (404, 500, 503, 401)],
    Receiving("fetch-lost", provider("lose-answer", FETCH), "receive-failed"),
    Receiving("fetch-truncated", provider("truncate-answer", FETCH), "receive-failed"),
    Receiving("fetch-redirected", redirect(301, FETCH), "receive-failed .* answered 301"),
    Receiving("fetch-wrong-digest", provider("change-answer", FETCH, headers={"Repr-Digest": "sha-256=:AAAA:"}),
              "receive-failed .*Repr-Digest"),
    Receiving("fetch-other-bytes", provider("change-answer", FETCH, body="Subject: anders\r\n\r\nanders\r\n"),
              "receive-failed .*Repr-Digest"),
    Receiving("fetch-cut", wire("cut", FAR, False), "receive-failed", large=True),
    Receiving("fetch-stalled", wire("hold", FAR, False), "receive-failed", large=True),
    Receiving("ack-lost", provider("lose-answer", ACK), "receive-failed"),
    Receiving("ack-500", provider("status", ACK, status=500), "receive-failed .* answered 500"),
]


@dataclass(frozen=True)
class Injecting:
    """The MTA answers so at this place (of smtp_relay.py). `users`: where the mail lies while that goes on, else it
    waits at the provider. `again`: the mail says that it may be a second one. `copies`: how many lie there in the
    end."""
    place: str
    answer: str
    log: str
    users: str = ""
    again: bool = False
    copies: int = 1


INJECTING = [
    Injecting("connect", "421 4.3.2 busy", "receive-failed .*421 4.3.2"),
    Injecting("connect", DROP, "receive-failed"),
    Injecting("EHLO", DROP, "receive-failed"),
    *[Injecting(place, "451 4.3.0 not now", "receive-failed .*451 4.3.0") for place in ("MAIL", "RCPT", "DATA", "dot")],
    *[Injecting(place, DROP, "receive-failed") for place in ("MAIL", "RCPT", "DATA")],
    *[Injecting(place, "550 5.7.1 never", "receive-failed .*550 5.7.1") for place in ("MAIL", "DATA", "dot")],
    Injecting("dot", DROP, "receive-failed", again=True),
    Injecting("taken", DROP, "receive-failed", again=True, copies=2),
    Injecting("QUIT", DROP, "event=received", users=MAX),
]


class Wired(World):
    """The poller talks to the provider over `wire`, and to the MTA over `relay`. `elsewhere`: a host that nobody should
    come to."""

    def __init__(self):
        self.wire = self.elsewhere = self.relay = None
        super().__init__("postfix")

    def _start(self, mta, build):
        super()._start(mta, build)
        self.wire = Wire(free_port(), self.sandbox.port)
        self.elsewhere = Wire(free_port(), self.sandbox.port)
        self.elsewhere.reset()
        config = self.gateway.config
        relay_port = free_port()
        self.relay = SmtpRelay(relay_port, int(config["poller"]["inject"].rpartition(":")[2]))
        config["poller"]["inject"] = f"smtp://127.0.0.1:{relay_port}"
        config["provider sandbox"].update(url=f"https://127.0.0.1:{self.wire.port}", timeout="3s")
        config["tenant stadt"]["poll"] = "no"
        self.gateway.write_config()
        self.gateway.poller.reload("event=reloaded")

    def heal(self):
        self.sandbox.clear_faults()
        self.wire.pass_on()
        self.relay.pass_on()

    def stop(self):
        wrong = super().stop()
        for line in (self.wire, self.elsewhere, self.relay):
            if line:
                line.stop()
        return wrong


@pytest.fixture(scope="module")
def _wired():
    world = Wired()
    yield world
    world.allow("event=")
    wrong = world.stop()
    assert not wrong, "\n".join(wrong)


@pytest.fixture
def world(_wired):
    """One that is shared; whatever was ordered is over at the end, and nothing was submitted again for that."""
    _wired.bad_lines()
    before, repeated = len(_wired.gateway.poller.lines()), _wired.sandbox.repeated()
    yield _wired
    _wired.heal()
    _wired.allow("event=submission-failed", "event=poll-failed", "event=receive-failed", "event=provider-down",
                 "event=undeliverable")
    assert not _wired.check()
    lines = _wired.gateway.poller.lines()[before:]
    changes = [sum(f"event=provider-{word} " in line for line in lines) for word in ("down", "up")]
    assert changes[0] == changes[1], "the provider is down, or up, more than once in a row"
    assert _wired.sandbox.repeated() == repeated, "a recipient with a final result was submitted again"


def lines_since(world, before, pattern):
    return [line for line in world.gateway.poller.lines()[before:] if re.search(pattern, line)]


def names(row):
    return getattr(row, "fault", None) or f"{row.place}-{row.answer[:3]}"


@pytest.mark.parametrize("row", SENDING, ids=names)
def test_sending(world, token, row):
    recipient = f"{token}@viele.de-mail.de"
    before = len(world.gateway.poller.lines())
    row.order(world)
    assert world.send(MAX, recipient, token, body=LARGE if row.large else "Guten Tag\n").code == 250
    diverted = f"to=<{recipient}.demail.invalid>"
    if row.mta:
        wait_until(lambda: any(f"said: {row.mta}" in line for line in world.mta.lines(diverted)), f"{row.mta}", 40)
        wait_until(lambda: lines_since(world, before, row.log), row.log)
        assert not world.elsewhere.hits
    world.heal()
    wait_until(lambda: "sent" in world.mta.outcomes(f"{recipient}.demail.invalid"), "the MTA to get rid of it", 60)
    outcomes = world.mta.outcomes(f"{recipient}.demail.invalid")
    assert outcomes == ["deferred"] * (len(outcomes) - 1) + ["sent"] and (len(outcomes) > 1) == bool(row.mta)
    assert world.sandbox.submissions(recipient) == 1
    assert len(world.sandbox.mails("amt@viele.de-mail.de", token.encode())) == 1
    assert not world.mailboxes.mails(MAX, token.encode()), "the sender was told"


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("as_date", [False, True], ids=["seconds", "date"])
def test_retry_after(world, token, status, as_date):
    """Nobody calls before it is over, neither to send nor to look for mail."""
    recipient, pause = f"{token}@viele.de-mail.de", 5
    header = formatdate(time.time() + pause, usegmt=True) if as_date else str(pause)
    begin = time.monotonic()
    world.sandbox.fault("answer", **{**SUBMISSION, "times": 1}, status=status, headers={"Retry-After": header})
    assert world.send(MAX, recipient, token).code == 250
    wait_until(lambda: any("said: 451 4.4.1" in line for line in world.mta.lines(f"to=<{recipient}")), "451 4.4.1")
    first = world.sandbox.stats()["requests"]
    own = itertools.count(1)
    wait_until(lambda: world.sandbox.stats()["requests"] != first + next(own), "a call")
    assert time.monotonic() - begin >= pause - 1.1, "somebody called while there was to be a pause"
    wait_until(lambda: world.sandbox.submissions(recipient) == 1, "the De-Mail to be sent", 60)


def polled(world, token):
    """A look into the mailbox has just succeeded. What rows before this one have spoilt makes the next one late, so it is
    made at once; what this row spoils heals by itself."""
    world.gateway.poller.reload("event=reloaded")
    world.sandbox.send(ERIKA, [MAX_DEMAIL], f"before {token}", "Guten Tag")
    world.mailboxes.wait(MAX, f"before {token}".encode())
    wait_until(lambda: not new(world, f"before {token}"), "the provider to be told")
    return token + "x"


@pytest.mark.parametrize("row", RECEIVING, ids=names)
def test_receiving(world, token, row):
    token = polled(world, token)
    before = len(world.gateway.poller.lines())
    row.order(world)
    world.sandbox.send(ERIKA, [MAX_DEMAIL], token, LARGE if row.large else "Guten Tag")
    if row.log:
        wait_until(lambda: lines_since(world, before, row.log), row.log, 40)
        assert not world.elsewhere.hits
        world.heal()
    mail = world.mailboxes.wait(MAX, token.encode(), 60)
    wait_until(lambda: not new(world, token), "the provider to be told", 60)
    assert len(world.mailboxes.mails(MAX, token.encode())) == 1
    assert "X-Demail-Redelivered" not in mail.header


def new(world, token):
    """The De-Mails with this word that the provider has not been told about."""
    return [entry for entry in world.sandbox.entries("poststelle@gemeinde.de-mail.de")
            if entry["state"] == "new" and token.encode() in world.sandbox.raw(entry)]


@pytest.mark.parametrize("row", INJECTING, ids=names)
def test_injecting(world, token, row):
    token = polled(world, token)
    before = len(world.gateway.poller.lines())
    world.relay.fail(row.place, row.answer)
    world.sandbox.send(ERIKA, [MAX_DEMAIL], token, "Guten Tag")
    wait_until(lambda: lines_since(world, before, row.log), row.log, 40)
    assert world.relay.hits
    if not row.users and row.copies == 1:
        assert not world.mailboxes.mails(MAX, token.encode()) and new(world, token)
    world.relay.pass_on()
    wait_until(lambda: not new(world, token), "the provider to be told", 60)
    mails = wait_until(lambda: world.mailboxes.mails(MAX, token.encode()), "the mail")
    assert len(mails) == row.copies
    assert ("X-Demail-Redelivered" in mails[-1].header) == row.again


def test_injection_refused_for_one_of_two(world, token):
    """The MTA's 4xx to one recipient keeps the others' mail from nobody, and brings them no second copy."""
    world.relay.fail("RCPT", "451 4.2.1 not now", ERNA)
    world.sandbox.send(ERIKA, [MAX_DEMAIL, ERNA_DEMAIL], token, "Guten Tag")
    world.mailboxes.wait(MAX, token.encode())
    wait_until(lambda: world.relay.hits > 2, "more tries")
    assert not world.mailboxes.mails(ERNA, token.encode())
    world.relay.pass_on()
    world.mailboxes.wait(ERNA, token.encode(), 60)
    wait_until(lambda: not new(world, token), "the provider to be told")
    assert len(world.mailboxes.mails(MAX, token.encode())) == 1 == len(world.mailboxes.mails(ERNA, token.encode()))


def test_injection_refused_for_good(world, token):
    """The catch-all gets what a recipient does not."""
    before = len(world.gateway.poller.lines())
    world.relay.fail("RCPT", "550 5.1.1 unknown", MAX)
    world.sandbox.send(ERIKA, [MAX_DEMAIL], token, "Guten Tag")
    mail = world.mailboxes.wait(CATCH_ALL, token.encode())
    assert mail.header["X-Demail-Undeliverable"] == MAX and lines_since(world, before, "event=undeliverable")
    wait_until(lambda: not new(world, token), "the provider to be told")


DAY = 86400


def deferred(world, recipient, reply):
    """Waits until the MTA has been told `reply`, a pattern, for the recipient."""
    wait_until(lambda: any(re.search(f"said: {reply}", line) for line in world.mta.lines(f"to=<{recipient}.demail")),
               f"the MTA to be told {reply}", 60)


def sent_once(world, recipient):
    wait_until(lambda: world.sandbox.submissions(recipient) == 1, f"a De-Mail to {recipient}", 60)
    wait_until(lambda: world.mta.outcomes(f"{recipient}.demail.invalid")[-1:] == ["sent"], "the MTA to be told")
    assert (world.sandbox.submissions(recipient), world.sandbox.repeated()) == (1, 0)


@pytest.mark.only("postfix", "what an MTA does with a 4xx is tried with both elsewhere")
class TestOurs:
    """Faults of this machine; each breaks a world of its own."""

    def test_certificate_that_the_provider_does_not_take(self, own_world, token):
        """The only fault that needs a hand, because a certificate is to be replaced: and then a reload."""
        own_world.allow("event=provider-down", "event=submission-failed", "event=client-certificate",
                        "event=poll-failed")
        gateway, other = own_world.gateway, Pki(own_world.home / "other", "other")
        certificate, key = other.client()
        recipient = f"{token}@viele.de-mail.de"
        for name, path in (("token.pem", certificate), ("token.key", key)):
            (gateway.home / name).write_bytes(path.read_bytes())
        gateway.poller.reload("event=reloaded")
        wait_until(lambda: lines_since(own_world, 0, "provider-down .*refused the login"), "provider-down")
        assert own_world.send(MAX, recipient, token).code == 250
        deferred(own_world, recipient, "451 4.4.1")
        logins = own_world.sandbox.stats()["requests"]
        wait_until(lambda: len(own_world.mta.outcomes(f"{recipient}.demail.invalid")) > 2, "more tries")
        assert own_world.sandbox.stats()["requests"] == logins + 1, "it is tried again by itself"
        for name in ("token.pem", "token.key"):
            good = own_world.pki.folder / name.replace("token", "client")
            (gateway.home / name).write_bytes(good.read_bytes())
        gateway.poller.reload("event=reloaded")
        sent_once(own_world, recipient)

    def test_disk_full(self, own_world, token):
        """state_dir is a file system of its own, small and full."""
        own_world.allow("event=submission-failed", "event=receive-failed", "event=journal-failed",
                        "event=metrics-failed", "event=watch-failed")
        state, poller = own_world.gateway.home / "state", own_world.gateway.poller
        assert poller.stop() == 0
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m,mode=0755,uid=nobody", "demail-test", state], check=True)
        try:
            own_world.gateway.start_poller()
            recipient = f"{token}@viele.de-mail.de"
            fill(state / "ballast")
            assert own_world.send(MAX, recipient, token).code == 250
            own_world.sandbox.send(ERIKA, [MAX_DEMAIL], token, "Guten Tag")
            deferred(own_world, recipient, "451 4.3.0")
            wait_until(lambda: lines_since(own_world, 0, "event=receive-failed"), "event=receive-failed")
            assert own_world.sandbox.submissions(recipient) == 0
            (state / "ballast").unlink()
            sent_once(own_world, recipient)
            own_world.mailboxes.wait(MAX, token.encode(), 60)
            wait_until(lambda: not new(own_world, token), "the provider to be told", 60)
            assert len(own_world.mailboxes.mails(MAX, token.encode())) == 1
        finally:
            assert poller.stop() == 0
            subprocess.run(["umount", state], check=True)

    def test_no_more_files(self, own_world, token):
        """Idle clients of LMTP have taken all files that the poller may open."""
        own_world.allow("event=submission-failed", "event=receive-failed", "event=provider-down", "event=poll-failed",
                        "event=accept-failed", "event=metrics-failed", "event=watch-failed")
        gateway, recipient = own_world.gateway, f"{token}@viele.de-mail.de"
        assert gateway.poller.stop() == 0
        gateway.poller.command[:0] = ["prlimit", "--nofile=64"]
        gateway.start_poller()
        process = gateway.poller.process.pid
        with contextlib.ExitStack() as clients:
            for _ in range(80):
                client = clients.enter_context(socket.socket(socket.AF_UNIX))
                client.connect(gateway.lmtp.removeprefix("unix:"))
            own_world.sandbox.send(ERIKA, [MAX_DEMAIL], token, "Guten Tag")
            assert own_world.send(MAX, recipient, token).code == 250
            wait_until(lambda: lines_since(own_world, 0, "event=accept-failed"), "event=accept-failed")
            before, begin = cpu_seconds(process), time.monotonic()
            time.sleep(2)
            share = (cpu_seconds(process) - before) / (time.monotonic() - begin)
            assert own_world.sandbox.submissions(recipient) == 0
        sent_once(own_world, recipient)
        own_world.mailboxes.wait(MAX, token.encode(), 60)
        wait_until(lambda: not new(own_world, token), "the provider to be told", 60)
        assert len(own_world.mailboxes.mails(MAX, token.encode())) == 1
        # Once, and again where a file was closed in between and taken by a client.
        assert len(lines_since(own_world, 0, "event=accept-failed")) < 10
        assert share < 0.3 and len(gateway.poller.lines()) < 100, f"it ran in circles, {share:.0%} of a processor"

    def test_clocks_jump(self, own_world, token):
        """A stamp from the future waits until the clocks agree; nothing else depends on them."""
        own_world.allow("event=stamp-deferred")
        gateway = own_world.gateway
        assert gateway.milter.stop() == 0 == gateway.poller.stop()
        milter, poller = (Clock(own_world.home, daemon) for daemon in (gateway.milter, gateway.poller))
        early, late, now = (f"{token}{n}@viele.de-mail.de" for n in range(3))
        milter.move(2 * DAY)
        assert own_world.send(MAX, early, token).code == 250
        deferred(own_world, early, "451 4.7.1")
        assert lines_since(own_world, 0, "event=stamp-deferred")
        poller.move(2 * DAY)
        sent_once(own_world, early)
        logins = own_world.sandbox.stats()["logins"]
        milter.move(0)
        assert own_world.send(MAX, late, token).code == 250
        sent_once(own_world, late)
        poller.move(-DAY)
        milter.move(-DAY)
        assert own_world.send(MAX, now, token).code == 250
        own_world.sandbox.send(ERIKA, [MAX_DEMAIL], token, "Guten Tag")
        sent_once(own_world, now)
        own_world.mailboxes.wait(MAX, token.encode())
        assert own_world.sandbox.stats()["logins"] == logins, "the session ended with the clock"

    def test_mta_down(self, own_world, token):
        """What has come stays with the provider."""
        own_world.allow("event=receive-failed")
        own_world.mta.stop()
        own_world.sandbox.send(ERIKA, [MAX_DEMAIL], token, "Guten Tag")
        wait_until(lambda: lines_since(own_world, 0, "event=receive-failed .*connect"), "event=receive-failed")
        assert new(own_world, token)
        own_world.mta.start()
        own_world.mailboxes.wait(MAX, token.encode(), 60)
        wait_until(lambda: not new(own_world, token), "the provider to be told", 60)
        assert len(own_world.mailboxes.mails(MAX, token.encode())) == 1


def fill(path):
    """Fills the file system with one file."""
    with open(path, "wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"x" * 4096)


def cpu_seconds(process):
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
