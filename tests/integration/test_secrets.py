"""Passwords and tokens: not in memory when they are done with, never in a log, never in a core dump."""

import json
import os
import re
import resource
import secrets
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from harness.eavesdropper import Eavesdropper
from harness.gateway import USER
from harness.wait import wait_until
from harness.world import World

MAX, ERIKA = "max@gemeinde.example", "erika@muster.de-mail.de"
PASSWORD = "Kennwort-" + secrets.token_hex(12)
TENANTS = 2
CHUNK, OVERLAP = 1 << 20, 256
FREE_WRITES = 16  # bytes


def places(daemon, secret):
    """Where in the memory of a daemon a secret stands, as address and name of the mapping. Its end is enough: free(3)
    writes over the beginning."""
    pid, found, rest = daemon.process.pid, [], secret[FREE_WRITES:]
    assert len(rest) >= 10, secret
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            bounds, rights, *_, name = line.split(maxsplit=5) if line.count(" ") > 4 else [*line.split(), ""]
            if "w" not in rights:
                continue
            begin, end = (int(bound, 16) for bound in bounds.split("-"))
            for at in range(begin, end, CHUNK):
                memory.seek(at)
                data = memory.read(min(CHUNK + OVERLAP, end - at))
                found += [(hex(at + m.start()), name.strip()) for m in re.finditer(re.escape(rest), data)
                          if m.start() < CHUNK]
    return found


@pytest.fixture
def heard():
    """A world with a password of its own whose provider is listened to, and the listener."""
    assert "DEMAIL_BUILD_RELEASE" in os.environ, "DEMAIL_BUILD_RELEASE is not set; run the suite by tests/run"
    world = World("postfix", os.environ["DEMAIL_BUILD_RELEASE"])
    listener = Eavesdropper(world.pki, world.sandbox.port)
    world.gateway.poller.stop()
    world.sandbox.stop()
    accounts = world.sandbox.home / "accounts.json"
    changed = json.loads(accounts.read_text())
    for account in changed["accounts"]:
        account["password"] = PASSWORD
    accounts.write_text(json.dumps(changed))
    (world.gateway.home / "sandbox.password").write_text(PASSWORD + "\n")
    world.gateway.config["provider sandbox"].update(url=listener.url, poll_interval="1h")
    world.gateway.write_config()
    world.sandbox.start()
    world.gateway.poller.command.append("-v")
    world.gateway.start_poller()
    yield world, listener
    wrong = world.stop()
    listener.stop()
    assert not wrong, "\n".join(wrong)


def exchange(world, token):
    """A De-Mail in and one out."""
    world.sandbox.send(ERIKA, ["max@gemeinde.de-mail.de"], token + "back", "Guten Tag\n")
    world.gateway.poller.reload("event=reloaded")  # polls at once, after a new login
    world.mailboxes.wait(MAX, (token + "back").encode())
    assert world.send(MAX, ERIKA, token).code == 250
    world.sandbox.wait(ERIKA, token.encode())
    world.mta.wait_empty()


def wait_tokens(listener, count):
    return wait_until(lambda: len(listener.tokens()) >= count and listener.tokens(), f"{count} tokens")


def assert_gone(poller, ended, in_use):
    """Of a token in use there is the one that the next call needs, when the last call is through; a copy that was left
    would stay, because nothing happens meanwhile."""
    for token in in_use:
        wait_until(lambda token=token: len(places(poller, token)) == 1, "one place of a token", timeout=10)
    for secret in (PASSWORD.encode(), *ended):
        assert places(poller, secret) == []


def test_password_and_ended_sessions_are_not_in_memory(heard, token):
    world, listener = heard
    first = wait_tokens(listener, TENANTS)
    assert listener.heard(PASSWORD.encode())
    assert_gone(world.gateway.poller, [], first)
    exchange(world, token)
    second = wait_tokens(listener, 2 * TENANTS)[TENANTS:]
    assert_gone(world.gateway.poller, first, second)
    world.sandbox.fault("expire-sessions")
    exchange(world, token + "again")
    third = wait_tokens(listener, 3 * TENANTS)
    assert_gone(world.gateway.poller, first + second, third[-TENANTS:])


def test_no_secret_is_logged(heard, token):
    world, listener = heard
    exchange(world, token)
    tokens = wait_tokens(listener, 2 * TENANTS)
    client_key = (world.gateway.home / "token.key").read_text().splitlines()[2]
    stamp_key = (world.gateway.home / "stamp.key").read_text().strip()
    for daemon in (world.gateway.milter, world.gateway.poller):
        text = daemon.log.read_text()
        assert "event=" in text
        for secret in (PASSWORD, stamp_key, client_key, *(t.decode() for t in tokens)):
            assert secret not in text


def test_wrong_password_is_not_logged(heard):
    world, _ = heard
    world.allow("event=")
    wrong = "Falsch-" + secrets.token_hex(12)
    (world.gateway.home / "sandbox.password").write_text(wrong + "\n")
    world.gateway.poller.reload("refused the login")
    assert wrong not in world.gateway.poller.log.read_text()


def test_core_dump_of_a_daemon_is_never_written(own_world):
    """Neither by a signal nor for a process of the same user, though the limit of whoever starts it is high."""
    for daemon, start in ((own_world.gateway.milter, own_world.gateway.start_milter),
                          (own_world.gateway.poller, own_world.gateway.start_poller)):
        daemon.stop()
        limit = resource.getrlimit(resource.RLIMIT_CORE)
        resource.setrlimit(resource.RLIMIT_CORE, (limit[1], limit[1]))
        try:
            start()
        finally:
            resource.setrlimit(resource.RLIMIT_CORE, limit)
        pid = daemon.process.pid
        assert re.search(r"Max core file size +0 +0 ", Path(f"/proc/{pid}/limits").read_text())
        peek = subprocess.run([sys.executable, "-c", f"open('/proc/{pid}/mem', 'rb')"], user=USER.pw_uid,
                              group=USER.pw_gid, extra_groups=[], capture_output=True, text=True, check=False)
        assert "PermissionError" in peek.stderr, peek
        daemon.signal(signal.SIGABRT)
        ended, status = os.waitpid(pid, 0)
        daemon.process.returncode = os.waitstatus_to_exitcode(status)
        assert (ended, os.WIFSIGNALED(status), os.WCOREDUMP(status)) == (pid, True, False)
        start()
