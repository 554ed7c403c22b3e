"""Everything together: two institutions with MTA and gateway, a provider with citizens, and the Internet."""

import os
import re
import shutil
import tempfile
from pathlib import Path

from . import smtp
from .gateway import Gateway
from .mailbox import Mailboxes
from .pki import Pki
from .ports import free_port
from .postfix import Postfix
from .process import stop_all
from .sandbox import Sandbox
from .sendmail import Sendmail
from .sink import Sink

MAILBOXES = ["postmaster@gemeinde.example", "poststelle@gemeinde.example", "erna@gemeinde.example",
             "max@gemeinde.example", "chefin@gemeinde.example", "einfach@gemeinde.example",
             "vertraulich@gemeinde.example", "gesperrt@gemeinde.example",
             "postmaster@stadt.example", "rathaus@stadt.example"]

# An alias that brings a De-Mail recipient into the envelope after the milter has been heard.
ALIASES = {"verteiler@gemeinde.example": "erika@muster.de-mail.de"}

LOGINS = {"erna": "wunderland", "max": "wunderland", "gesperrt": "wunderland"}


def account(address, holder, domains=(), addresses=(), level="high"):
    """An entry of the accounts file."""
    return {"account": address, "password": "geheim", "holder": holder, "addresses": [address, *addresses],
            "domains": list(domains), "auth_level": level, "may_request_retrieve": True,
            "message_size": 50_000_000, "recipients": 5000, "quota": 10_000_000_000, "daily_limit": 0}


ACCOUNTS = [
    account("poststelle@gemeinde.de-mail.de", "Gemeinde Beispiel", domains=["gemeinde.de-mail.de"]),
    account("rathaus@stadt.de-mail.de", "Stadt Beispiel", domains=["stadt.de-mail.de"]),
    account("erika@muster.de-mail.de", "Erika Mustermann"),
    account("otto@normal.de-mail.de", "Otto Normal", level="normal"),
    account("amt@viele.de-mail.de", "Amt mit vielen Adressen", domains=["viele.de-mail.de"]),
]

MTAS = {mta.name: mta for mta in (Postfix, Sendmail)}

# A line of a daemon's log that fails the test in which it appears, unless the test allows it.
_BAD_LINE = re.compile(r"level=(error|warning) |Sanitizer|runtime error:")


class World:
    """Starts on creation; stop() ends it and says what is wrong. `mta`: a key of MTAS. `build`: another build tree than
    the tests' own."""

    def __init__(self, mta, build=None):
        self.home = Path(tempfile.mkdtemp(prefix="demail-"))
        self.home.chmod(0o755)
        self.sink = self.sandbox = self.gateway = self.mta = None
        self._seen = {}
        self._allowed = []
        try:
            self._start(MTAS[mta], build)
        except BaseException:
            self.stop()
            raise

    def _start(self, mta, build):
        self.pki = Pki(self.home / "pki")
        self.pki.server()
        self.pki.client()
        self.sink = Sink(free_port())
        self.sandbox = Sandbox(self.home / "provider", self.pki, ACCOUNTS, free_port(), build)
        inject = free_port()
        self.gateway = Gateway(self.home / "gateway", self.pki, self.sandbox.url, inject, build)
        self.gateway.trust(self.sandbox)
        self.mta = mta(self.home / "mta", self.gateway.mta_milter, self.gateway.lmtp, self.sink.port, inject, MAILBOXES,
                       ALIASES)
        self.mailboxes = Mailboxes(self.mta.mail)
        for user, password in LOGINS.items():
            self.mta.add_user(user, password)
        self.sandbox.start()
        self.gateway.start()
        self.mta.start()

    @property
    def daemons(self):
        gateway = (self.gateway.milter, self.gateway.poller) if self.gateway else ()
        return [d for d in (*gateway, self.sandbox) if d]

    def allow(self, *events):
        """Until the next bad_lines(): errors and warnings with these words in them are expected."""
        self._allowed += events

    def bad_lines(self):
        """Errors and warnings that the daemons have logged since the last call and that nobody expected."""
        bad = []
        for daemon in self.daemons:
            lines = daemon.lines()
            new = lines[self._seen.get(daemon.name, 0):]
            self._seen[daemon.name] = len(lines)
            bad += [f"{daemon.name}: {line}" for line in new
                    if _BAD_LINE.search(line) and not any(word in line for word in self._allowed)]
        self._allowed.clear()
        return bad

    def check(self):
        """What is wrong after a test, as lines: daemons that ended, lines that nobody expected."""
        return [f"{d.name} is not running" for d in self.daemons if not d.running()] + self.bad_lines()

    def send(self, sender, recipients, subject, port="submission", body="Guten Tag\n", **options):
        """A small message with all recipients in To; `options` as in smtp.send()."""
        recipients = [recipients] if isinstance(recipients, str) else recipients
        return smtp.send(self.mta.ports[port], sender, recipients,
                         smtp.message(sender, recipients, subject, body), **options)

    def logs(self):
        """The last lines of all logs, for a failed test's report."""
        files = [d.log for d in self.daemons] + ([self.mta.log] if self.mta else [])
        return [(file.name, "\n".join(file.read_text(errors="replace").splitlines()[-40:]))
                for file in files if file.exists()]

    def stop(self):
        """Ends everything and removes its files; returns what was wrong, as lines."""
        allowed = list(self._allowed)
        wrong = self.bad_lines()
        self.allow("event=receive-failed", *allowed)  # a confirmation may come when the MTA has ended
        try:
            if self.mta:
                wrong += self.mta.stop()
            wrong += stop_all(self.daemons[:-1])
            wrong += stop_all(self.daemons[-1:])  # the provider last: nobody shall miss it
            wrong += self.bad_lines()
            wrong += [f"process {process} is left" for process in self._processes()]
        finally:
            if self.sink:
                self.sink.stop()
            shutil.rmtree(self.home)
        return wrong

    def _processes(self):
        """Processes that this world has started, by their command line or working directory."""
        home = str(self.home)
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and int(entry.name) != os.getpid():
                try:
                    command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                    if home in command or str((entry / "cwd").readlink()).startswith(home):
                        found.append(f"{entry.name} {command}")
                except OSError:  # it has ended
                    continue
        return found
