"""demailctl export: everything out of an account, however often it is interrupted."""

import base64
import hashlib
import json
import mailbox
import os
import pty
import random
import re
import resource
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from harness.fill import fill
from harness.gateway import USER, Gateway
from harness.pki import Pki
from harness.ports import free_port
from harness.process import SANITIZERS, program
from harness.sandbox import Sandbox
from harness.wait import wait_until
from harness.world import ACCOUNTS

MESSAGES = int(os.environ.get("DEMAIL_EXPORT_MESSAGES", "400"))
INTERRUPTIONS = 10
TENANT, ACCOUNT = "gemeinde", "poststelle@gemeinde.de-mail.de"
ERIKA = "erika@muster.de-mail.de"
FOLDERS = ("inbox", "sent")


class Account:
    """A provider with a filled account, and the configuration of a gateway for it; none of its daemons run."""

    def __init__(self, count):
        self.home = Path(tempfile.mkdtemp(prefix="demail-"))
        self.home.chmod(0o755)
        pki = Pki(self.home / "pki")
        pki.server()
        pki.client()
        self.sandbox = Sandbox(self.home / "provider", pki, ACCOUNTS, free_port())
        self.gateway = Gateway(self.home / "gateway", pki, self.sandbox.url, free_port())
        self.gateway.trust(self.sandbox)
        self.sandbox.start()
        self.sandbox.send(ERIKA, [ACCOUNT], "Eingang", "Guten Tag\nFrom here\n\n>From there\n")
        self.sandbox.send(ACCOUNT, [ERIKA], "Ausgang", "Guten Tag\n", dispatch=True, receipt=True)
        self.sandbox.stop()
        self.ids = fill(self.sandbox, ACCOUNT, count)
        self.sandbox.start()

    def command(self, out, *arguments, tenant=TENANT):
        return [str(word) for word in (program("demailctl"), "-c", self.gateway.conf, "export", "--tenant", tenant,
                                       "--out", out, *arguments)]

    def start(self, out, *arguments, **options):
        return subprocess.Popen(self.command(out, *arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                env={**os.environ, **SANITIZERS}, text=True, **options)

    def export(self, out, *arguments, tenant=TENANT, **options):
        return subprocess.run(self.command(out, *arguments, tenant=tenant), capture_output=True, text=True,
                              env={**os.environ, **SANITIZERS}, timeout=600, check=False, **options)

    def entries(self):
        return {folder: self.sandbox.entries(ACCOUNT, folder) for folder in FOLDERS}

    def listed(self):
        return {folder: [entry["id"] for entry in entries] for folder, entries in self.entries().items()}

    def stop(self):
        code = self.sandbox.stop()
        shutil.rmtree(self.home)
        assert code == 0


@pytest.fixture(scope="module", name="many")
def _many():
    account = Account(MESSAGES)
    yield account
    account.stop()


@pytest.fixture(name="few")
def _few():
    account = Account(40)
    yield account
    account.stop()


def manifest(out):
    """The manifest's lines behind the first."""
    return [json.loads(line) for line in (out / "manifest.jsonl").read_text().splitlines()][1:]


def from_mbox(text, line):
    """A message out of an mbox, as it was received; written anew from the rules."""
    text = re.sub(rb"(?m)^>(>*From )", rb"\1", text)
    return (text.replace(b"\n", b"\r\n") if line["crlf_as_lf"] else text)[:line["size"]]


def messages(out, form):
    """What lies in the folder: by folder, the messages as bytes, in the manifest's order."""
    lines = manifest(out)
    found = {}
    for folder in FOLDERS:
        own = [line for line in lines if line["folder"] == folder]
        if form == "eml":
            assert sorted(path.name for path in (out / folder).iterdir()) == sorted(
                Path(line["file"]).name for line in own)
            found[folder] = [(out / line["file"]).read_bytes() for line in own]
            continue
        box = mailbox.mbox(out / f"{folder}.mbox", create=False)
        assert len(box) == len(own)
        assert (out / f"{folder}.mbox").stat().st_size == sum(line["length"] for line in own)
        # What the message has behind its size is the end of a line that had none.
        found[folder] = [from_mbox(box.get_bytes(key) + b"\n", line) for key, line in zip(box.keys(), own)]
        box.close()
    return found


def assert_whole(account, out, form):
    """Everything that the provider lists is there, once, as it was sent."""
    lines, listed = manifest(out), account.listed()
    found = messages(out, form)
    for folder in FOLDERS:
        own = [line for line in lines if line["folder"] == folder]
        assert [line["id"] for line in own] == listed[folder]
        assert len(own) == len(set(listed[folder])) == len(found[folder]) > 0
        for line, message in zip(own, found[folder]):
            assert hashlib.sha256(message).hexdigest() == line["sha256"], line
    assert {line["type"] for line in lines} >= {"normal", "confirmation of dispatch", "confirmation of receipt"}
    return lines, found


def filled(out):
    """Bytes in the mbox files, or files; grows with what is put in."""
    boxes = sum(path.stat().st_size for path in out.glob("*.mbox"))
    return boxes + sum(len(os.listdir(out / folder)) for folder in FOLDERS if (out / folder).is_dir())


@pytest.mark.parametrize("form", ["mbox", "eml"])
def test_interrupted(many, tmp_path, form, record_property):
    """Ten times: killed, asked to stop, and once without the provider."""
    whole, out = tmp_path / "whole", tmp_path / "out"
    before = many.entries()
    began = time.monotonic()
    done = many.export(whole, "--format", form)
    assert done.returncode == 0, done.stderr
    record_property(f"export of {MESSAGES} messages as {form}, seconds", f"{time.monotonic() - began:.1f}")
    seed = int(os.environ.get("DEMAIL_SEED", random.randrange(1 << 30)))
    print(f"DEMAIL_SEED={seed}")
    chance = random.Random(seed)
    points = sorted(chance.randrange(1, filled(whole) * 95 // 100) for _ in range(INTERRUPTIONS))
    for number, point in enumerate(points):
        if number == INTERRUPTIONS // 2:
            many.sandbox.kill()
            run = many.start(out, "--format", form)
            try:
                assert "trying again" in next(line for line in run.stderr if "note:" not in line and "cut" not in line)
            finally:
                many.sandbox.start()
        else:
            run = many.start(out, "--format", form)
        while filled(out) < point and run.poll() is None:
            time.sleep(0.001)
        how = chance.choice([signal.SIGKILL, signal.SIGINT])
        run.send_signal(how)
        _, errors = run.communicate(timeout=60)
        # A SIGINT may come before the program has begun to listen for it.
        assert run.returncode in ((-9,) if how == signal.SIGKILL else (75, -2)), errors
    done = many.export(out, "--format", form, "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["complete"] and said["good"] == said["listed"] == said["messages"] == MESSAGES
    assert said["taken"] < MESSAGES and said["damaged"] == said["gone"] == 0
    lines, found = assert_whole(many, out, form)
    assert found == messages(whole, form)
    assert 0 < said["not_valid"] == sum(not line["verification"]["valid"] for line in lines) < MESSAGES // 10
    assert {path.name for path in out.iterdir()} == {"manifest.jsonl"} | (
        set(FOLDERS) if form == "eml" else {f"{folder}.mbox" for folder in FOLDERS})
    assert many.entries() == before  # the provider's states too
    again = many.export(out, "--format", form, "--json")
    assert (again.returncode, json.loads(again.stdout)["taken"]) == (0, 0)
    assert many.export(out, "--verify-only").returncode == 0


def test_original_bytes(few, tmp_path):
    """Against what the provider gives, which is not what the test computes from files."""
    assert few.export(tmp_path / "out").returncode == 0
    found = messages(tmp_path / "out", "mbox")
    for folder, entries in few.entries().items():
        assert found[folder] == [few.sandbox.raw(entry) for entry in entries]


def test_belongs_to_the_pollers_user(few):
    out = few.home / "locked" / "out"
    out.parent.mkdir(mode=0o700)
    assert few.export(out).returncode == 0
    for path in (out, *out.iterdir()):
        status = path.stat()
        assert status.st_uid == USER.pw_uid
        assert stat.S_IMODE(status.st_mode) == (0o700 if path == out else 0o600)
    foreign = few.home / "foreign"
    foreign.mkdir(mode=0o755)
    for owner, mode in ((0, 0o755), (0, 0o777), (65534, 0o777), (USER.pw_uid, 0o770)):
        os.chown(foreign, owner, 65534)
        foreign.chmod(mode)
        done = few.export(foreign)
        assert (done.returncode, "chown" in done.stderr, os.listdir(foreign)) == (77, True, []), (owner, mode)


def test_grows_meanwhile(few, tmp_path):
    few.sandbox.fault("delay", method="GET", path="/v1/messages/", seconds=0.5, times=40)
    run = few.start(tmp_path / "out", "--connections", "1")
    wait_until(lambda: (tmp_path / "out").exists() and filled(tmp_path / "out") > 0, "the first message", 60)
    few.sandbox.send(ERIKA, [ACCOUNT], "Nachzügler", "spät\n")
    assert run.poll() is None
    _, errors = run.communicate(timeout=120)
    assert run.returncode == 0, errors
    assert len(assert_whole(few, tmp_path / "out", "mbox")[0]) == 41


def test_gone(few, tmp_path):
    """A message that was listed but is not there: told, and taken where it is back."""
    gone = few.ids["inbox"][3]
    few.sandbox.fault("answer", method="GET", path=f"/v1/messages/{gone}/raw", status=404, times=1,
                      headers={"Content-Type": "application/problem+json"},
                      body='{"type":"urn:demail:problem:unknown-message","retryable":false}')
    done = few.export(tmp_path / "out")
    assert (done.returncode, "1 gone at the provider" in done.stdout) == (1, True)
    assert [line["id"] for line in manifest(tmp_path / "out") if line.get("gone")] == [gone]
    done = few.export(tmp_path / "out", "--json")
    assert (done.returncode, json.loads(done.stdout)["taken"]) == (0, 1), done.stderr


@pytest.mark.parametrize("fault", [
    {"kind": "status", "status": 503, "retry_after": 2, "times": 3},
    {"kind": "status", "status": 500, "times": 3},
    {"kind": "truncate-answer", "times": 2},
    {"kind": "lose-answer", "times": 2},
    {"kind": "change-answer", "headers": {"Repr-Digest": "sha-256=:AAAA:"}, "times": 2}])
def test_trouble_that_passes(few, tmp_path, fault):
    few.sandbox.fault(**{"method": "GET", "path": "/v1/messages", **fault})
    done = few.export(tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert_whole(few, tmp_path / "out", "mbox")


def test_one_message_that_is_not_to_be_had(few, tmp_path):
    """It does not hold up the others."""
    bad = few.ids["sent"][0]
    few.sandbox.fault("change-answer", method="GET", path=f"/v1/messages/{bad}/raw", times=100,
                      headers={"Repr-Digest": f"sha-256=:{base64.b64encode(b'x' * 32).decode()}:"})
    done = few.export(tmp_path / "out", "--json")
    said = json.loads(done.stdout)
    assert (done.returncode, said["complete"], said["messages"]) == (1, False, 39)
    assert [failure["id"] for failure in said["failed"]] == [bad] and bad in done.stderr
    few.sandbox.clear_faults()
    done = few.export(tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert len(manifest(tmp_path / "out")) == 40


def test_provider_stays_away(few, tmp_path):
    assert few.export(tmp_path / "out", "--folder", "inbox").returncode == 0
    few.sandbox.kill()
    done = few.export(tmp_path / "out", "--patience", "2")
    assert done.returncode == 69 and "trying again" in done.stderr
    few.sandbox.start()
    assert few.export(tmp_path / "out").returncode == 0


def test_refused_login(few, tmp_path):
    (few.gateway.home / "sandbox.password").write_text("falsch\n")
    done = few.export(tmp_path / "out", "--patience", "5")
    assert (done.returncode, "wrong-password" in done.stderr, "trying again" in done.stderr) == (69, True, False)
    assert few.sandbox.stats()["login_failures"] == 1


def test_disk_full(few, tmp_path):
    """A limit on the size of files is what a test can have instead."""
    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (16384, 16384))

    done = few.export(tmp_path / "out", preexec_fn=limit)
    assert (done.returncode, "File too large" in done.stderr) == (71, True), done.stderr
    done = few.export(tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert_whole(few, tmp_path / "out", "mbox")


def test_damage_is_seen(few, tmp_path):
    out = tmp_path / "out"
    assert few.export(out).returncode == 0
    box, before = out / "inbox.mbox", (out / "inbox.mbox").read_bytes()
    line = manifest(out)[5]
    at = line["offset"] + line["length"] // 2
    box.write_bytes(before[:at] + bytes([before[at] ^ 1]) + before[at + 1:])
    for arguments in ([], ["--verify-only"]):
        done = few.export(out, *arguments)
        assert (done.returncode, line["id"] in done.stderr, "1 damaged" in done.stdout) == (65, True, True)
    box.write_bytes(before[:-1])
    done = few.export(out)
    assert done.returncode == 65 and "inbox.mbox" in done.stderr
    assert box.read_bytes() == before[:-1]
    box.write_bytes(before)
    (out / "manifest.jsonl").write_bytes(b"")
    assert few.export(out).returncode == 64
    (out / "manifest.jsonl").unlink()
    assert few.export(out).returncode == 64
    assert box.read_bytes() == before


def test_torn_end(few, tmp_path):
    """What a power failure may leave: half a line in the manifest, and behind what it knows anything at all."""
    out = tmp_path / "out"
    assert few.export(out).returncode == 0
    text = (out / "manifest.jsonl").read_text()
    (out / "manifest.jsonl").write_text(text[:-40])
    with open(out / "inbox.mbox", "ab") as box:
        box.write(b"\0" * 100_000 + b"\nFrom x\n")
    done = few.export(out, "--verify-only", "--json")
    assert (done.returncode, "complete" in json.loads(done.stdout)) == (1, False)
    assert "manifest.jsonl: " in done.stderr and "inbox.mbox: " in done.stderr
    done = few.export(out, "--json")
    assert (done.returncode, json.loads(done.stdout)["taken"], "cut off" in done.stderr) == (0, 1, True)
    done = few.export(out, "--verify-only")
    assert (done.returncode, ": good: " in done.stdout, "complete" in done.stdout) == (0, True, False)
    assert_whole(few, out, "mbox")


def test_asked_for_something_else(few, tmp_path):
    out = tmp_path / "out"
    assert few.export(out).returncode == 0
    for tenant, arguments, word in (("stadt", [], "tenant gemeinde"), (TENANT, ["--format", "eml"], "format mbox"),
                                    ("dorf", [], "stadt"), (TENANT, ["--folder", "outbox"], "--folder"),
                                    (TENANT, ["--connections", "0"], "--connections")):
        done = few.export(out, *arguments, tenant=tenant)
        assert (done.returncode, word in done.stderr) == (64, True), done.stderr
    few.gateway.config["tenant gemeinde"]["poll"] = "no"
    few.gateway.write_config()
    assert few.export(out).returncode == 64
    assert few.export(out, "--yes").returncode == 0


def test_one_at_a_time(few, tmp_path):
    few.sandbox.fault("delay", method="GET", path="/v1/messages", seconds=3, times=1)
    run = few.start(tmp_path / "out")
    wait_until(lambda: (tmp_path / "out/manifest.jsonl").exists(), "the manifest", 60)
    assert few.export(tmp_path / "out").returncode == 69
    _, errors = run.communicate(timeout=60)
    assert run.returncode == 0, errors


def test_bar_on_a_terminal_only(few, tmp_path):
    reader, writer = pty.openpty()
    few.sandbox.fault("delay", method="GET", path="/v1/messages/", seconds=0.5, times=4)
    done = subprocess.run(few.command(tmp_path / "out"), stderr=writer, stdout=subprocess.PIPE, check=True,
                          env={**os.environ, **SANITIZERS})
    os.close(writer)
    seen = os.read(reader, 1 << 20)
    os.close(reader)
    assert b"\rexport [" in seen and b"/40" in seen and seen.rstrip(b"\r\n").endswith(b"\033[K")
    assert done.stdout.startswith(b"gemeinde: complete: 40 messages")
    assert b"[" not in few.export(tmp_path / "other").stderr.encode()
