"""What is wrong at start: one line for each problem that names the file and the remedy, an exit code of sysexits(3),
and nothing that half works."""

import errno
import os
import shutil
import socket
import tempfile
from pathlib import Path

import pytest

from harness.gateway import Gateway
from harness.pki import Pki
from harness.process import program, run

USAGE, DATAERR, NOINPUT, UNAVAILABLE, NOPERM, CONFIG = 64, 65, 66, 69, 77, 78
DAEMONS = ["demail-milter", "demail-poller"]
READERS = [*DAEMONS, "demailctl"]  # of the configuration


@pytest.fixture
def gateway():
    home = Path(tempfile.mkdtemp(prefix="demail-"))
    home.chmod(0o755)
    pki = Pki(home / "pki")
    pki.client()
    yield Gateway(home / "gateway", pki, "https://127.0.0.1:1", 1)
    shutil.rmtree(home)


def start(gateway, name):
    """Starts a program that must end by itself; its exit code and its lines on standard error."""
    command = ["-c", gateway.conf, "check"] if name == "demailctl" else ["-c", gateway.conf, "-f"]
    done = run(program(name), *command)
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", gateway.milter_port)) != 0, "the milter's socket is open"
    lines = [line for line in (done.stderr + done.stdout).splitlines()
             if line.strip() and not line.startswith(("    why: ", "    run: "))]
    assert not any("Sanitizer" in line or "runtime error" in line for line in lines), lines
    return done.returncode, lines


def problem(lines, *words):
    """The one line that has all the words in it."""
    found = [line for line in lines if all(str(word) in line for word in words)]
    assert len(found) == 1, f"{words} in {len(found)} lines of:\n" + "\n".join(lines)
    return found[0]


def no_socket(gateway):
    """Nobody listens for LMTP."""
    with socket.socket(socket.AF_UNIX) as probe:
        assert probe.connect_ex(gateway.lmtp.removeprefix("unix:")) in (errno.ENOENT, errno.ECONNREFUSED)


@pytest.mark.parametrize("name", READERS)
def test_all_mistakes_of_the_configuration_are_shown_at_once(gateway, name):
    text = gateway.conf.read_text()
    for right, wrong in (("mixed_addressing_scope =", "mixed_adressing_scope ="),
                         ("poll_interval = 1s", "poll_interval = 1 parsec"),
                         ("language = en", "language = fr"), ("[milter]", "[milster]"),
                         ("provider = sandbox", "provider = sandkasten")):
        assert right in text
        text = text.replace(right, wrong, 1)
    gateway.conf.write_text(text)
    code, lines = start(gateway, name)
    assert code == CONFIG, lines
    assert "mixed_addressing_scope" in problem(lines, gateway.conf, "mixed_adressing_scope")
    problem(lines, gateway.conf, "poll_interval", "parsec")
    problem(lines, gateway.conf, "language", "fr", "de")
    assert "milter" in problem(lines, gateway.conf, "milster").replace("milster", "")
    problem(lines, gateway.conf, "sandkasten")
    no_socket(gateway)


@pytest.mark.parametrize("name", READERS)
def test_configuration_is_missing(gateway, name):
    gateway.conf.unlink()
    code, lines = start(gateway, name)
    assert code == NOINPUT, lines
    problem(lines, gateway.conf)


@pytest.mark.parametrize("name", ["demail-milter", "demailctl"])
def test_table_is_missing(gateway, name):
    compiled = gateway.home / "senders.demail.lmdb"
    compiled.unlink()
    code, lines = start(gateway, name)
    assert code == NOINPUT, lines
    problem(lines, compiled, f"demailctl postmap {gateway.home}/senders")


@pytest.mark.parametrize("name", ["demail-milter", "demailctl"])
def test_table_is_broken(gateway, name):
    compiled = gateway.home / "senders.demail.lmdb"
    compiled.write_bytes(b"this is no database" * 1000)
    code, lines = start(gateway, name)
    assert code == CONFIG, lines
    problem(lines, compiled, "demailctl postmap")


def test_table_is_unreadable_for_the_daemons_user(gateway):
    compiled = gateway.home / "senders.demail.lmdb"
    compiled.chmod(0o600)
    code, lines = start(gateway, "demail-milter")
    assert code == NOPERM, lines
    assert "0640" in problem(lines, compiled)


@pytest.mark.parametrize("name, key", [("demail-milter", "stamp.key"), ("demail-poller", "stamp.key"),
                                       ("demail-poller", "token.key"), ("demail-poller", "sandbox.password")])
def test_key_that_others_may_read(gateway, name, key):
    path = gateway.home / key
    path.chmod(0o644)
    code, lines = start(gateway, name)
    assert code == NOPERM, lines
    assert "chmod" in problem(lines, path)
    no_socket(gateway)


@pytest.mark.parametrize("name", DAEMONS)
def test_key_is_missing(gateway, name):
    (gateway.home / "stamp.key").unlink()
    code, lines = start(gateway, name)
    assert code == NOINPUT, lines
    problem(lines, gateway.home / "stamp.key")


@pytest.mark.parametrize("name", DAEMONS)
def test_inet_socket_is_occupied(gateway, name):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        address = f"inet:127.0.0.1:{other.getsockname()[1]}"
        gateway.config[name.removeprefix("demail-")]["socket" if name == "demail-milter" else "lmtp"] = address
        gateway.write_config()
        code, lines = start(gateway, name)
    assert code == UNAVAILABLE, lines
    problem(lines, str(address.rpartition(":")[2]))


@pytest.mark.parametrize("name", DAEMONS)
def test_unix_socket_is_occupied(gateway, name):
    path = gateway.home / "run" / "occupied.sock"
    gateway.config[name.removeprefix("demail-")]["socket" if name == "demail-milter" else "lmtp"] = f"unix:{path}"
    gateway.write_config()
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(path))
        other.listen()
        code, lines = start(gateway, name)
        assert path.is_socket(), "the other program's socket was removed"
    assert code == UNAVAILABLE, lines
    problem(lines, path)


@pytest.mark.parametrize("name", DAEMONS)
def test_file_in_the_place_of_the_socket(gateway, name):
    path = gateway.home / "run" / "file"
    path.write_text("precious")
    gateway.config[name.removeprefix("demail-")]["socket" if name == "demail-milter" else "lmtp"] = f"unix:{path}"
    gateway.write_config()
    code, lines = start(gateway, name)
    assert code == UNAVAILABLE, lines
    problem(lines, path)
    assert path.read_text() == "precious"


def test_client_certificate_has_expired(gateway):
    cert, key = gateway.pki.client("old", expired=True)
    shutil.copy(cert, gateway.home / "token.pem")
    (gateway.home / "token.key").write_text(key.read_text())
    code, lines = start(gateway, "demail-poller")
    assert code == CONFIG, lines
    assert "expired" in problem(lines, gateway.home / "token.pem")
    no_socket(gateway)


def test_key_of_another_certificate(gateway):
    _, key = gateway.pki.client("other")
    (gateway.home / "token.key").write_text(key.read_text())
    code, lines = start(gateway, "demail-poller")
    assert code == CONFIG, lines
    problem(lines, gateway.home / "token.pem", gateway.home / "token.key")


def test_state_dir_is_missing(gateway):
    os.rmdir(gateway.home / "state")
    code, lines = start(gateway, "demail-poller")
    assert code in (NOINPUT, CONFIG), lines
    problem(lines, gateway.home / "state")
    no_socket(gateway)


@pytest.mark.parametrize("name", DAEMONS)
def test_user_does_not_exist(gateway, name):
    gateway.config[name.removeprefix("demail-")]["user"] = "no-such-user"
    gateway.write_config()
    code, lines = start(gateway, name)
    assert code == UNAVAILABLE, lines
    problem(lines, "no-such-user")


@pytest.mark.parametrize("name", DAEMONS)
def test_check_only_starts_nothing(gateway, name):
    os.utime(gateway.home / "addresses", (2**31, 2**31))
    done = run(program(name), "-c", gateway.conf, "-t")
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{name}: {gateway.conf} is good\n"
    assert "event=table-stale" in done.stderr
    no_socket(gateway)


@pytest.mark.parametrize("name", [*READERS, "demail-sandbox"])
def test_unknown_option(name):
    done = run(program(name), "--no-such-option")
    assert done.returncode == USAGE
    assert "no-such-option" in done.stderr


def test_table_source_with_a_mistake_is_not_compiled(gateway):
    source = gateway.home / "senders"
    before = (gateway.home / "senders.demail.lmdb").read_bytes()
    source.write_text("max@gemeinde.example\n")
    done = gateway.demailctl("postmap", source)
    assert done.returncode in (DATAERR, CONFIG), done
    problem(done.stderr.splitlines(), source)
    assert (gateway.home / "senders.demail.lmdb").read_bytes() == before


def test_check_finds_an_unknown_option_in_senders(gateway):
    gateway.write_table("senders", "max@gemeinde.example privat\n")
    code, lines = start(gateway, "demailctl")
    assert code in (DATAERR, CONFIG), lines
    problem(lines, gateway.home / "senders", "privat")
