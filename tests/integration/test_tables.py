"""Tables that break or vanish while the daemons run, and a configuration that changes under load."""

import os
import shutil
import smtplib
import threading

import pytest

from harness import smtp
from harness.wait import wait_until
from harness.world import World

MAX, ERIKA, INTERNET = "max@gemeinde.example", "erika@muster.de-mail.de", "jemand@example.org"
LOGIN = (MAX, "wunderland")


def put(path, mode=0o644, content=b""):
    """Replaces the file as demailctl does, by renaming."""
    fresh = path.with_suffix(".fresh")
    fresh.write_bytes(content)
    fresh.chmod(mode)
    fresh.rename(path)


DAMAGES = {
    "removed": lambda path: path.unlink(),
    "empty": put,
    "truncated": lambda path: put(path, content=path.read_bytes()[:5000]),
    "truncated in place": lambda path: os.truncate(path, 5000),
    "junk": lambda path: put(path, content=os.urandom(20000)),
    "unreadable": lambda path: put(path, mode=0, content=path.read_bytes()),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
}


@pytest.fixture(scope="module")
def _worlds():
    worlds = {}
    yield worlds
    wrong = [line for world in worlds.values() for line in world.stop()]
    assert not wrong, "\n".join(wrong)


@pytest.fixture
def damaged(_worlds, mta):
    """A world whose tables may be broken: they are made anew after the test."""
    if mta not in _worlds:
        _worlds[mta] = World(mta)
    world = _worlds[mta]
    yield world
    missing = not all(daemon.running() for daemon in world.daemons)
    if missing:
        _worlds.pop(mta).stop()
    assert not missing, "a daemon has ended"


def restore(world, name):
    compiled = world.gateway.home / f"{name}.demail.lmdb"
    if compiled.is_dir():
        shutil.rmtree(compiled)
    world.gateway.write_table(name, (world.gateway.home / name).read_text())


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", ["senders", "addresses", "sender_logins", "demail_domains"])
def test_broken_table(damaged, token, name, damage):
    world = damaged
    world.allow("level=error", "level=warning")
    assert world.send(MAX, ERIKA, token + "before", login=LOGIN).code == 250
    lines = len(world.gateway.milter.lines())
    DAMAGES[damage](world.gateway.home / f"{name}.demail.lmdb")
    try:
        assert world.send(MAX, INTERNET, token).code == 250
        answers = world.send(MAX, ERIKA, token, login=LOGIN)
        if name == "demail_domains":
            assert answers.code == 250, answers
        else:
            assert (answers.code, answers.enhanced) == (451, "4.3.5"), answers
        assert any(f"{name}" in line and "event=table-lost" in line for line in world.gateway.milter.lines()[lines:])
    finally:
        restore(world, name)
    assert world.send(MAX, ERIKA, token + "after", login=LOGIN).code == 250
    assert any("event=table-restored" in line for line in world.gateway.milter.lines()[lines:])
    world.sandbox.wait(ERIKA, (token + "after").encode())
    wait_until(lambda: world.sink.messages(token.encode()), "ordinary mail to leave")
    assert not world.bad_lines()


def test_revoked_sender_on_the_same_connection(own_world, token):
    senders = (own_world.gateway.home / "senders").read_text()
    with smtplib.SMTP("127.0.0.1", own_world.mta.ports["submission"], timeout=60) as session:
        session.ehlo()
        for allowed in (True, False, True):
            own_world.gateway.write_table("senders", senders if allowed else senders + f"{MAX} no\n")
            code, text = transaction(session, [ERIKA], token)
            assert (code, b"not permitted" in text) == ((250, False) if allowed else (550, True)), text


def transaction(session, recipients, subject):
    """One message in a session that stays open: the reply to it."""
    session.docmd("MAIL", f"FROM:<{MAX}>")
    for recipient in recipients:
        session.docmd("RCPT", f"TO:<{recipient}>")
    try:
        return session.data(smtp.crlf(smtp.message(MAX, recipients, subject)))
    except smtplib.SMTPDataError as error:
        return error.smtp_code, error.smtp_error


# What two configurations that differ in language and direction say; everything else is half of one, half of the other.
ENGLISH = {"ordinary": "", "De-Mail": "", "mixed": f"De-Mail recipient {ERIKA} and e-mail recipient {INTERNET}"}
GERMAN = {"ordinary": "",
          "De-Mail": "gemeinde kann De-Mail nur empfangen", "mixed": "gemeinde kann De-Mail nur empfangen"}
MESSAGES = {"ordinary": [INTERNET], "De-Mail": [ERIKA], "mixed": [ERIKA, INTERNET]}


class Load(threading.Thread):
    """Sends messages of all kinds over one connection until it is told to stop."""

    def __init__(self, port, token, stop):
        super().__init__()
        self.port, self.token, self.stopped = port, token, stop
        self.replies, self.error = [], None

    def run(self):
        try:
            with smtplib.SMTP("127.0.0.1", self.port, timeout=60) as session:
                session.ehlo()
                while not self.stopped.is_set():
                    for kind, recipients in MESSAGES.items():
                        code, text = transaction(session, recipients, f"{self.token} {kind}")
                        self.replies.append((kind, code, " ".join(text.decode().split())))
        except (OSError, smtplib.SMTPException) as error:
            self.error = error


def configurations(gateway):
    """The texts of two good configurations and of a bad one."""
    gateway.write_config()
    english = gateway.conf.read_text()
    gateway.config["gateway"]["language"] = "de"
    gateway.config["tenant gemeinde"]["direction"] = "receive"
    gateway.write_config()
    return english, gateway.conf.read_text(), english.replace("language = en", "language = fr")


def test_reload_under_load(own_world, token):
    gateway = own_world.gateway
    own_world.allow("event=reload-refused")
    texts = configurations(gateway)
    put(gateway.conf, content=texts[0].encode())
    gateway.milter.reload("event=reloaded")
    stop = threading.Event()
    threads = [Load(own_world.mta.ports["submission"], token, stop) for _ in range(4)]
    for thread in threads:
        thread.start()
    for turn in range(120):
        put(gateway.conf, content=texts[turn % 3].encode())
        gateway.milter.signal(10)
        stop.wait(0.05)
    put(gateway.conf, content=texts[0].encode())
    gateway.milter.reload("event=reloaded")
    stop.set()
    for thread in threads:
        thread.join()
    assert [thread.error for thread in threads if thread.error] == []
    replies = [reply for thread in threads for reply in thread.replies]
    allowed = {(kind, said) for kind in MESSAGES for said in (ENGLISH[kind], GERMAN[kind])}
    seen = {(kind, "" if code == 250 else next((s for _, s in allowed if s and s in text), text))
            for kind, code, text in replies}
    assert seen == allowed
    own_world.mta.wait_empty()
    accepted = [kind for kind, code, _ in replies if code == 250]
    assert own_world.sandbox.submissions(ERIKA) == accepted.count("De-Mail")
    assert len(own_world.sink.messages(token.encode())) == accepted.count("ordinary")
    events = [line for line in gateway.milter.lines() if "event=reload" in line]
    assert any("event=reload-refused" in line and "language" in line for line in events) and len(events) > 20
