"""demailctl verify as a command: its options, what it prints, its exit codes."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from harness.process import program

GIVEN = Path(__file__).parent.parent / "vectors/given"
VALID, SIGNED, TAMPERED = (GIVEN / f"{name}.eml" for name in
                           ("01-hash-sha256", "02-signed-sha256-rsa", "10-tampered-body"))
NOTIFICATION, CONFIRMATION = GIVEN / "08-notification.eml", GIVEN / "06-confirmation-dispatch.eml"
PKI = ["--ca", GIVEN / "pki/root.pem", "--crl", GIVEN / "pki/root.crl.pem"]
AT = ["--at", "2026-03-02T12:00:00Z"]


def verify(*arguments, before=("-c", "/does/not/exist"), message=None):
    return subprocess.run([str(word) for word in [program("demailctl"), *before, "verify", *arguments]], input=message,
                          capture_output=True, timeout=60, check=False)


def objects(done):
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_plain():
    done = verify(*PKI, *AT, SIGNED, NOTIFICATION)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode().splitlines() == [
        f"{SIGNED}: valid (normal, sha256/rsa, signed by CN=Alpha De-Mail Siegel RSA,O=DMDA Alpha GmbH (TEST),C=DE)",
        f"{NOTIFICATION}: valid (notification, sha256)",
        f"{NOTIFICATION}: warning: policy.notification-unsigned"]


def test_not_valid():
    done = verify(*PKI, *AT, VALID, TAMPERED)
    assert done.returncode == 1
    assert done.stdout.decode().splitlines()[1].endswith(": integrity.body-hash")


@pytest.mark.parametrize("before, after", [(["--json"], []), ([], ["--json"])])
def test_json(before, after):
    done = verify(*after, *PKI, *AT, VALID, TAMPERED, before=["-c", "/does/not/exist", *before])
    valid, tampered = objects(done)
    assert set(valid) == {"file", "valid", "reasons", "warnings", "message_type", "class", "a", "form", "digest",
                          "signature_algorithm", "signer", "body_hash", "header_hash", "deliverable"}
    assert (valid["file"], valid["valid"], valid["signer"]) == (str(VALID), True, None)
    assert (tampered["valid"], tampered["reasons"], done.returncode) == (False, ["integrity.body-hash"], 1)


@pytest.mark.parametrize("message", [VALID, SIGNED])
def test_standard_input(message):
    done = verify(*PKI, *AT, "-", message=message.read_bytes())
    assert (done.returncode, done.stdout[:9]) == (0, b"-: valid ")


@pytest.mark.parametrize("at, reasons", [("2026-03-02", []), ("2026-03-02T12:00:00+01:00", []),
                                         ("2019-12-31T23:59:59Z", ["certificate.not-yet-valid"]),
                                         ("2041-01-01", ["certificate.expired"])])
def test_at(at, reasons):
    assert objects(verify("--json", *PKI, "--at", at, SIGNED))[0]["reasons"] == reasons


def test_without_anchors():
    assert objects(verify("--json", *AT, SIGNED))[0]["reasons"] == ["certificate.untrusted"]
    assert objects(verify("--json", *AT, VALID))[0]["reasons"] == []


def test_original():
    assert objects(verify("--json", *PKI, *AT, "--original", SIGNED, CONFIRMATION))[0]["valid"]
    other = objects(verify("--json", *PKI, *AT, "--original", VALID, CONFIRMATION))[0]
    assert {reason.partition(".")[0] for reason in other["reasons"]} == {"confirmation"}


@pytest.mark.parametrize("arguments, code", [
    ([], 64), (["--at", "yesterday", VALID], 64), (["--what", VALID], 64), ([*PKI, "/does/not/exist.eml"], 66),
    ([*PKI, "/"], 66), (["--original", "/does/not/exist.eml", VALID], 66), (["--ca", "/does/not/exist.pem", VALID], 66),
    (["--ca", VALID, VALID], 78)])
def test_mistakes(arguments, code):
    done = verify(*arguments)
    assert done.returncode == code
    assert len(done.stderr.splitlines()) == 1


def test_unreadable_among_others():
    done = verify("--json", "/does/not/exist.eml", VALID)
    assert (done.returncode, [one["valid"] for one in objects(done)]) == (66, [True])


def test_controls_do_not_reach_the_terminal(tmp_path):
    message = tmp_path / "m.eml"
    message.write_bytes(VALID.read_bytes().replace(b"message-type: normal", b"message-type: no\x1b[2Jr\xc2\x9bmal"))
    done = verify(message)
    assert done.returncode == 1 and b"\x1b" not in done.stdout and b"\xc2\x9b" not in done.stdout


@pytest.mark.skipif("DEMAIL_BUILD_RELEASE" not in os.environ,
                    reason="sanitizers need memory of their own; tests/run gives DEMAIL_BUILD_RELEASE")
def test_memory_does_not_grow_with_the_message(tmp_path):
    message = tmp_path / "large.eml"
    with message.open("wb") as file:
        file.write(VALID.read_bytes())
        for _ in range(45):
            file.write((b"x" * 62 + b"\r\n") * 16384)
    demailctl = Path(os.environ["DEMAIL_BUILD_RELEASE"]) / "ctl/demailctl"
    done = subprocess.run(["prlimit", f"--data={16 * 1024 * 1024}", demailctl, "verify", "--json", message],
                          capture_output=True, timeout=60, check=False)
    assert objects(done)[0]["reasons"] == ["integrity.body-hash"], done.stderr


def test_output_that_can_not_be_written():
    with open("/dev/full", "wb") as full:
        done = subprocess.run([program("demailctl"), "verify", *PKI, VALID], stdout=full,
                              stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (74, "demailctl: standard output: what was printed could not be written\n")


def test_a_configuration_that_was_named_must_be_there(tmp_path):
    missing = tmp_path / "demail.conf"
    done = verify(SIGNED, before=["-c", missing])
    assert done.returncode == 1 and str(missing).encode() in done.stderr and len(done.stderr.splitlines()) == 1
    assert b"certificate." in done.stdout
