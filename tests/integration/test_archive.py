"""The archive of a tenant: every De-Mail as it was sent and as it came, once, whatever the poller is in the midst of
when it ends; and what demailctl archive verify and the tools of its manual page say about it."""

import hashlib
import itertools
import json
import os
import shutil
import subprocess
from collections import Counter
from urllib.parse import unquote

import pytest

from harness.conversation import ACCOUNT, ERIKA, MAX, Conversation
from harness.endstate import end_state
from harness.gateway import USER
from harness.process import program, run
from harness.wait import wait_until
from harness.world import World

# What a message passes in our conversation, from the first word in the archive on.
RECEIVED = ["archive-begin", "archive-begun", "archive-line", "archive-lined", "archive-moved"]
SENT = ["archive-begin", "journal-write", "journal-written", "provider-call", "archive-begun", "provider-data",
        "provider-answer", "journal-write", "journal-written", "archive-line", "archive-lined", "archive-moved",
        "archive-done", "lmtp-answer", "lmtp-answered"]

# The manual page's.
CHECK = r"sed -E 's/.* sha256=([^ ]*) file=([^ ]*) .*/\1  \2/' manifest | sha256sum -c --quiet"
HEAD = "tail -n 1 manifest | sha256sum"

_number = itertools.count(1)


def make_archive(folder):
    folder.mkdir(mode=0o700)
    os.chown(folder, USER.pw_uid, USER.pw_gid)
    return folder


def verify(gateway, archive, *options):
    """The exit status and the report."""
    done = gateway.demailctl("--json", "archive", "verify", *options, archive)
    return done.returncode, json.loads(done.stdout)


def read(archive):
    """The lines of all manifests, in order: key to value."""
    return [{key: unquote(value) for key, value in (field.split("=", 1) for field in line.split(" "))}
            for manifest in sorted(archive.glob("*/manifest")) for line in manifest.read_text().splitlines()]


def file_of(archive, line):
    return next(archive.glob(f"20*/{line['file']}"))


class Stage:
    """A world for many conversations with an archive, and what the first one left, which nothing disturbed."""

    def __init__(self):
        self.world = World("postfix")
        gateway = self.world.gateway
        gateway.poller.stop()
        gateway.config["provider sandbox"]["poll_interval"] = "1h"
        gateway.config["tenant stadt"]["poll"] = "no"
        self.steps, self.reference, self.lines = self.play(look=self.look)
        self.first_received = self.steps.index("archive-begin")
        self.first_sent = self.steps.index("provider-data") - SENT.index("provider-data")

    def play(self, stop=None, look=None):
        """A conversation in which the poller ends at the step `stop`: the names of its steps, the end state, and the
        lines, each without what differs from one conversation to the next."""
        self.world.allow("event=undeliverable", "event=submission-failed", "event=message-deferred",
                         "event=archive-mended")
        for box in self.world.mailboxes.folder.iterdir():
            shutil.rmtree(box)
        token = f"a{os.getpid()}x{next(_number)}x"
        conversation = Conversation(self.world, token, stop)
        archive = make_archive(conversation.poller.home / "archive")
        self.world.gateway.config["tenant gemeinde"]["archive_dir"] = str(archive)
        self.world.gateway.write_config()
        try:
            conversation.run()
            conversation.repeat()
            code, report = verify(self.world.gateway, archive)
            assert (code, report["problems"], report["begun"], report["unfinished"]) == (0, [], 0, 0), report
            if look:
                look(archive, report)
            return (conversation.poller.steps(), end_state(conversation),
                    Counter(plain(line, token) for line in read(archive)))
        finally:
            conversation.end()

    def look(self, archive, report):
        """The bytes are those that the provider has, and everything is there."""
        lines = read(archive)
        inbox = {entry["id"]: entry for entry in self.world.sandbox.entries(ACCOUNT)}
        received = [line for line in lines if line["direction"] == "received"]
        assert {line["id"] for line in received} == set(inbox)
        assert len(received) == len(inbox)
        for line in received:
            raw = self.world.sandbox.raw(inbox[line["id"]])
            assert file_of(archive, line).read_bytes() == raw
            assert line["sha256"] == hashlib.sha256(raw).hexdigest()
            assert line["verified"] == "pass"
        for line in lines:
            if line["direction"] == "sent":
                text = file_of(archive, line).read_bytes()
                assert b"X-Demail-Stamp" not in text and b"\r\nX-de-mail-chosen-recipient:" in text
                assert line["sender"] == "max@gemeinde.de-mail.de"
        assert report["messages"] == len(lines)
        assert report["bytes"] == sum(int(line["size"]) for line in lines)
        check_by_hand(archive, report)


def check_by_hand(archive, report):
    """With nothing but what every system has; and it can be signed."""
    month = sorted(archive.glob("20*"))[-1]
    done = subprocess.run(["bash", "-o", "pipefail", "-c", CHECK], cwd=month, capture_output=True, text=True,
                          check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    head = subprocess.run(["sh", "-c", HEAD], cwd=month, capture_output=True, text=True, check=True)
    assert head.stdout.split()[0] == report["head"] == report["months"][-1]["head"]
    key = archive.parent / "archive.key"
    subprocess.run(["openssl", "genrsa", "-out", key, "2048"], check=True, capture_output=True)
    subprocess.run(["openssl", "dgst", "-sha256", "-sign", key, "-out", "manifest.sig", "manifest"], cwd=month,
                   check=True)
    assert subprocess.run(["openssl", "dgst", "-sha256", "-prverify", key, "-signature", "manifest.sig", "manifest"],
                          cwd=month, check=False, capture_output=True).returncode == 0


def plain(line, token):
    """What the same step of another conversation has, too."""
    same = {key: line.get(key, "") for key in ("direction", "type", "sender", "recipients", "accepted", "refused",
                                               "deferred", "unknown", "verified")}
    return str(same).replace(token, "*")


@pytest.fixture(scope="session")
def stages():
    stages = []
    yield stages
    wrong = [line for stage in stages for line in stage.world.stop()]
    assert not wrong, "\n".join(wrong)


@pytest.fixture
def stage(stages):
    if not stages:
        stages.append(Stage())
    yield stages[0]
    wrong = stages[0].world.bad_lines() if stages else []
    assert not wrong, "\n".join(wrong)


@pytest.fixture
def world(stage):
    """For a failed test's report."""
    return stage.world


def test_all_is_archived_once(stage):
    steps = stage.steps
    assert steps[stage.first_received:stage.first_received + len(RECEIVED)] == RECEIVED
    assert steps[stage.first_sent:stage.first_sent + len(SENT)] == SENT
    sent = [line for line in stage.lines.elements() if "'direction': 'sent'" in line]
    assert len(sent) == 2
    assert any("'accepted': 'anna-*@viele.de-mail.de,otto-*@viele.de-mail.de', 'refused': "
               "'niemand-*@muster.de-mail.de'" in line for line in sent), sent
    assert stage.lines.total() - len(sent) == 9


@pytest.mark.parametrize("step", range(len(RECEIVED)))
def test_end_while_receiving(stages, stage, world, step):
    check_step(stages, stage, stage.first_received + step + 1)


@pytest.mark.parametrize("step", range(len(SENT)))
def test_end_while_sending(stages, stage, world, step):
    check_step(stages, stage, stage.first_sent + step + 1)


def check_step(stages, stage, step):
    try:
        seen, state, lines = stage.play(step)
    except AssertionError:
        stages.pop().world.stop()
        raise
    reference = stage.reference
    assert seen == stage.steps[:step]
    assert (state.lost(reference), state.twice(reference), state.unsettled(reference)) == ([], [], [])
    assert lines == stage.lines


def lines_with(world, event):
    return [line for line in world.gateway.poller.lines() if event in line]


@pytest.mark.only("postfix", "the disk is the poller's")
def test_full_disk(mta, own_world, token):
    """archive_dir is a file system of its own, and full: nothing is submitted, delivered or acknowledged, and all of it
    is when there is room again."""
    own_world.allow("event=archive-failed", "event=submission-failed", "event=receive-failed", "event=archive-mended")
    gateway, recipient = own_world.gateway, f"{token}@viele.de-mail.de"
    archive = gateway.home / "state" / "archive"
    assert gateway.poller.stop() == 0
    archive.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m,mode=0700,uid=nobody", "demail-test", archive], check=True)
    try:
        gateway.config["tenant gemeinde"]["archive_dir"] = str(archive)
        gateway.write_config()
        gateway.start_poller()
        with open(archive / "ballast", "wb", buffering=0) as ballast, pytest.raises(OSError):
            while True:
                ballast.write(bytes(4096))
        assert own_world.send(MAX, recipient, token).code == 250
        own_world.sandbox.send(ERIKA, ["max@gemeinde.de-mail.de"], token, "Guten Tag")
        wait_until(lambda: lines_with(own_world, "event=archive-failed"), "event=archive-failed")
        wait_until(lambda: lines_with(own_world, "event=receive-failed"), "event=receive-failed")
        assert own_world.sandbox.submissions(recipient) == 0
        assert {entry["state"] for entry in own_world.sandbox.entries(ACCOUNT)} == {"new"}
        (archive / "ballast").unlink()
        own_world.mta.flush()
        own_world.mailboxes.wait(MAX, token.encode(), 60)
        wait_until(lambda: own_world.sandbox.submissions(recipient) == 1, "the De-Mail to be submitted", 60)
        wait_until(lambda: len(lines_with(own_world, "event=archived")) == 2, "both in the archive", 60)
        assert verify(gateway, archive)[0] == 0
        assert sorted(line["direction"] for line in read(archive)) == ["received", "sent"]
    finally:
        assert gateway.poller.stop() == 0
        subprocess.run(["umount", archive], check=True)


@pytest.mark.only("postfix", "the files are the poller's")
def test_archive_that_is_out_of_order(mta, own_world):
    """One clear line at -t, by the user who would have to write there; a second writer is kept out."""
    gateway = own_world.gateway
    archive = gateway.home / "archive"
    gateway.config["tenant gemeinde"]["archive_dir"] = str(archive)
    gateway.write_config()
    for prepare, code, words in ((lambda: None, 66, "is no folder; make it"),
                                 (archive.mkdir, 77, "belongs to another user"),
                                 (lambda: os.chown(archive, USER.pw_uid, USER.pw_gid), 77, "chmod 700"),
                                 (lambda: archive.chmod(0o700), 0, "")):
        prepare()
        done = run(program("demail-poller"), "-c", gateway.conf, "-t")
        lines = [line for line in done.stderr.splitlines() if "archive_dir" in line]
        assert (done.returncode, len(lines)) == (code, 1 if words else 0), done.stderr
        assert all(words in line and "[tenant gemeinde]" in line for line in lines)
    gateway.poller.stop()
    gateway.start_poller()
    assert run("flock", "-n", archive / "archive.lock", "true").returncode == 1
    gateway.config["tenant stadt"]["archive_dir"] = f"{archive}/"
    gateway.write_config()
    done = run(program("demail-poller"), "-c", gateway.conf, "-t")
    assert done.returncode == 78 and "belongs to [tenant gemeinde] already" in done.stderr, done.stderr


def test_verify_of_a_hostile_folder(tmp_path):
    """It comes to an end, and leaves nothing out of what it finds."""
    month = tmp_path / "2026-11"
    month.mkdir()
    os.mkfifo(month / "manifest")
    found = verify_json(tmp_path)
    assert [problem["kind"] for problem in found["problems"]] == ["missing"] and not found["valid"]
    (month / "manifest").unlink()
    (month / "manifest").write_bytes(b"seq=1 prev=\xff file=x\n")
    (month / os.fsdecode(b"\xfe\x1b]0;y\x07")).touch()
    found = verify_json(tmp_path)
    assert [problem["kind"] for problem in found["problems"]] == ["chain", "missing", "extra"]
    text = run(program("demailctl"), "archive", "verify", tmp_path).stdout
    assert "extra: " in text and "\x1b" not in text


def verify_json(folder):
    done = run(program("demailctl"), "archive", "verify", "--json", folder)
    assert done.returncode == 1, done
    return json.loads(done.stdout)


def test_verify_has_no_archive(tmp_path):
    done = run(program("demailctl"), "archive", "verify", tmp_path / "none")
    assert done.returncode == 66 and "none" in done.stderr
    done = run(program("demailctl"), "archive", "verify", tmp_path)
    assert done.returncode == 66 and "is no archive" in done.stderr
    for operands in (["verify"], ["look", tmp_path], ["verify", "--head", "abc", tmp_path]):
        assert run(program("demailctl"), "archive", *operands).returncode == 64
