"""The steps of contrib/demo, shown as a user would see them."""

import argparse
import os
import shlex
import signal
import subprocess
import sys
import time
from email.utils import parseaddr
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "integration"))

from harness.sandbox import body, field  # noqa: E402
from harness.wait import wait_until  # noqa: E402
from harness.world import World  # noqa: E402

MAX, ERIKA, NOBODY = "max@gemeinde.example", "erika@muster.de-mail.de", "niemand@muster.de-mail.de"
INTERNET = "jemand@example.org"


class Show:
    """Prints the steps and remembers how they ended."""

    def __init__(self, world):
        self.world = world
        self.results = []
        self._number = 0
        self._lines = {}

    def title(self, text):
        self._number += 1
        print(f"\n=== {self._number}. {text}")
        self._lines = {d.name: len(d.lines()) for d in self.world.daemons}

    def swaks(self, *recipients, subject, text):
        """Sends by SMTP, shows the command and the dialogue; the code of the server's last refusal, or 250."""
        command = ["swaks", "--server", f"127.0.0.1:{self.world.mta.ports['submission']}", "--from", MAX,
                   "--to", ",".join(recipients), "--header", f"Subject: {subject}", "--body", text]
        print("$ " + shlex.join(command))
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        for line in done.stdout.splitlines():
            if line.startswith(("<", " ->")):
                print("   ", line)
        refused = [line for line in done.stdout.splitlines() if line.startswith("<**")]
        return refused[-1].removeprefix("<**").split()[0] if refused else "250"

    @staticmethod
    def message(what, head, text, names):
        print(f"--- {what}")
        for name in names:
            for value in head(name):
                print(f"    {name}: {value}")
        print()
        for line in text.strip().splitlines()[:8]:
            print("   ", line)

    def log(self):
        """The daemons' lines since the step began."""
        for daemon in self.world.daemons[:2]:
            for line in daemon.lines()[self._lines[daemon.name]:]:
                print("  log:", line)

    def result(self, what, expected, seen):
        self.log()
        self.results.append((what, expected, seen))

    def table(self):
        """The closing table; True if all was as expected."""
        print("\n=== What happened")
        width = max(len(what) for what, _, _ in self.results)
        for what, expected, seen in self.results:
            print(f"{'ok    ' if expected == seen else 'FAILED'}  {what.ljust(width)}  {seen}"
                  + ("" if expected == seen else f"   (expected: {expected})"))
        return all(expected == seen for _, expected, seen in self.results)


def arrived(wait):
    """The message, or None if it does not come."""
    try:
        return wait()
    except AssertionError:
        return None


def of_mail(mail):
    return lambda name: [" ".join(str(value).split()) for value in mail.header.get_all(name, [])]


def demail(show):
    show.title("Max sends a De-Mail, private, with confirmation of receipt")
    code = show.swaks(ERIKA, subject="[P, EB] Ihr Bescheid", text="Guten Tag, Ihr Bescheid liegt bereit.")
    raw = arrived(lambda: show.world.sandbox.wait(ERIKA, b"Ihr Bescheid")) if code == "250" else None
    if raw:
        show.message("in Erika's mailbox at the provider", lambda name: filter(None, [field(raw, name)]),
                     body(raw).decode(), ["From", "To", "Subject", "X-de-mail-private",
                                          "X-de-mail-confirmation-of-receipt", "X-de-mail-sender",
                                          "X-de-mail-auth-level", "X-de-mail-account-holder", "X-de-mail-integrity"])
    good = raw and field(raw, "X-de-mail-private") == field(raw, "X-de-mail-confirmation-of-receipt") == "yes"
    show.result("De-Mail with [P, EB]", "arrived, private, receipt", "arrived, private, receipt" if good else code)
    return raw


def mixed(show):
    show.title("Max addresses a De-Mail and an e-mail recipient at once")
    code = show.swaks(ERIKA, INTERNET, subject="An beide", text="Das geht nicht.")
    show.result("De-Mail and e-mail mixed", "550", code)


def ordinary(show):
    show.title("Max sends an ordinary e-mail")
    code = show.swaks(INTERNET, subject="Einladung", text="Kommst du zum Fest?")
    taken = arrived(lambda: wait_until(lambda: show.world.sink.messages(b"Einladung"), "the e-mail"))
    if taken:
        print("--- as it arrived on the Internet")
        print("    " + taken[0].data.decode().replace("\r\n", "\n    ").rstrip())
    good = taken and b"x-de-mail" not in taken[0].data.lower()
    show.result("ordinary e-mail", "arrived unchanged", "arrived unchanged" if good else code)


def unknown(show):
    show.title("Max sends a De-Mail to somebody whom the provider does not know")
    code = show.swaks(NOBODY, subject="Wer sind Sie?", text="Guten Tag")
    bounce = arrived(lambda: show.world.mailboxes.wait(MAX, NOBODY.encode()))
    if bounce:
        show.message("in Max's mailbox", of_mail(bounce), bounce.text(), ["From", "To", "Subject"])
        reason = [line.strip() for line in bounce.text().splitlines() if "unknown-recipient" in line]
        print("    ...\n   ", *reason[:1])
    good = bounce and "unknown-recipient" in bounce.text()
    show.result("De-Mail to an unknown recipient", "bounced with the provider's reason",
                "bounced with the provider's reason" if good else code)


def answer(show, raw):
    show.title("Erika answers at her provider's web site")
    to = parseaddr(field(raw, "From"))[1] if raw else "max@gemeinde.de-mail.de"
    print(f"(a call to the provider: from {ERIKA} to {to})")
    show.world.sandbox.send(ERIKA, [to], "Re: Ihr Bescheid", "Vielen Dank, ich habe ihn gelesen.\r\n")
    mail = arrived(lambda: show.world.mailboxes.wait(MAX, b"Re: Ihr Bescheid"))
    if mail:
        show.message("in Max's mailbox", of_mail(mail), mail.body.decode(),
                     ["From", "To", "Subject", "X-Demail-Status", "X-de-mail-auth-level", "X-de-mail-message-id"])
    show.result("a citizen's answer", "arrived in the mailbox", "arrived in the mailbox" if mail else "missing")


def keep(world):
    """Shows what arrives until Ctrl-C or SIGTERM."""
    port = world.mta.ports["submission"]
    tls = f"--cacert {world.pki.cert('ca')} --cert {world.pki.cert('client')} --key {world.pki.key('client')}"
    print(f"""
Everything runs. Send your own mail, from addresses in gemeinde.example, to erika@muster.de-mail.de,
otto@normal.de-mail.de, or anybody on the (pretended) Internet:
    swaks --server 127.0.0.1:{port} --from {MAX} --to {ERIKA} --header 'Subject: [VB] Hallo' --body 'Guten Tag'
Let Erika write a De-Mail:
    curl {tls} {world.sandbox.url}/sandbox/send \\
        --json '{{"from":"{ERIKA}","to":["max@gemeinde.de-mail.de"],"subject":"Hallo","text":"Guten Tag"}}'
Mailboxes:      {world.mta.mail}/gemeinde.example/*/new
Queue:          postqueue -c {world.mta.etc} -p
Logs:           {world.mta.log} {world.gateway.milter.log} {world.gateway.poller.log}
Configuration:  {world.gateway.conf} (SIGUSR1 to the daemons puts changes in force)
Stop:           Ctrl-C here, or kill {os.getpid()}
""", flush=True)
    seen = {ERIKA: set(), "otto@normal.de-mail.de": set()}
    for address, ids in seen.items():
        ids.update(entry["id"] for entry in world.sandbox.entries(address))
    taken = len(world.sink.messages())
    while True:
        time.sleep(1)
        for address, ids in seen.items():
            for entry in world.sandbox.entries(address):
                if entry["id"] not in ids:
                    ids.add(entry["id"])
                    print(f"De-Mail for {address}: {field(world.sandbox.raw(entry), 'Subject')}", flush=True)
        for message in world.sink.messages()[taken:]:
            taken += 1
            print(f"e-mail for {', '.join(message.recipients)}: {field(message.data, 'Subject')}", flush=True)


def interrupted(_number, _frame):
    raise KeyboardInterrupt


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True)
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, interrupted)

    print("starting a private Postfix, a provider, demail-milter and demail-poller")
    world = World("postfix", options.build)
    show = Show(world)
    good = False
    try:
        raw = demail(show)
        mixed(show)
        ordinary(show)
        unknown(show)
        answer(show, raw)
        good = show.table()
        if options.keep:
            keep(world)
    except KeyboardInterrupt:
        print("\nstopping")
    finally:
        world.allow("event=recipient-refused")
        wrong = world.stop()
    for line in wrong:
        print("demo:", line, file=sys.stderr)
    return 0 if good and not wrong else 1


if __name__ == "__main__":
    sys.exit(main())
