"""The life of the packages in a fresh Debian: installed and set up by README, used, upgraded, removed, purged.

usage: steps.py FOLDER postfix|sendmail  as root, with namespaces of mounts, processes and network of its own, at the top
of the tree; in the folder's /root are the packages, in /root/second those of a second version. With Sendmail, which
differs in nothing that a package does, the life ends otherwise: with an archive."""

import re
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

TREE = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TREE / "tests" / "integration")]

from folder import Folder  # noqa: E402
from harness import smtp  # noqa: E402
from harness.pki import Pki  # noqa: E402
from harness.sandbox import Sandbox, field  # noqa: E402
from harness.wait import wait_until  # noqa: E402
from harness.world import account  # noqa: E402
from readme import commands  # noqa: E402

ERIKA = "erika@muster.de-mail.de"
DAEMONS = ("demail-milter", "demail-poller")
CONFIG = "/etc/demail/demail.conf"

# The administrator fills in: his authority in the place of the example's, and a provider that is asked each second.
EDITOR = """\
#!/bin/sh
sed -i -e 's/gemeinde/dorf/g' -e 's/^poll_interval = .*/poll_interval = 1s/' "$@"
"""


def expect(good, what):
    if not good:
        raise AssertionError(what)


def step(what):
    print(f"packages: {what}", flush=True)


class Syslog:
    """What the programs in the folder log, for a failed run's report."""

    def __init__(self, folder):
        self.lines = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(folder.path("dev/log")))
        folder.path("dev/log").chmod(0o666)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        while True:
            self.lines.append(self._socket.recv(65536).decode(errors="replace").rstrip("\n\0"))

    def complaints(self):
        """What the daemons find wrong."""
        return [line for line in self.lines if re.search(r" demail-\w+\[.*level=(error|warning)", line)]


class Provider(Sandbox):
    """demail-sandbox, from its package; in the folder, too, as nobody has a provider at hand."""

    def __init__(self, folder):
        home = folder.path("root/provider")
        pki = Pki(home)
        pki.server()
        pki.client()
        accounts = [account("poststelle@dorf.de-mail.de", "Dorf", domains=["dorf.de-mail.de"]),
                    account(ERIKA, "Erika Mustermann")]
        super().__init__(home, pki, accounts, 8443, build=folder.root)
        inside = [word.removeprefix(str(folder.root)) for word in self.command[1:]]
        self.command = ["chroot", str(folder.root), "/usr/sbin/demail-sandbox", *inside]

    def given(self):
        """What a provider hands to its customer, by README's names."""
        return {"token.pem": self.pki.cert("client"), "token.key": self.pki.key("client"),
                "ca.pem": self.pki.cert("ca"), "seal-ca.pem": self.seal_ca, "seal.crl.pem": self.seal_crl}


class PostfixServer:
    """The MTA that is there already, with users."""

    block = "Postfix:"

    def __init__(self, folder):
        self._folder = folder
        folder.run("useradd -m max && useradd -m poststelle")
        folder.run("postconf -e mydestination=dorf.example,localhost myhostname=mx.dorf.example "
                   "inet_interfaces=127.0.0.1 inet_protocols=ipv4")
        folder.run("newaliases && postfix start")

    def stop(self):
        self._folder.run("postfix stop")


class SendmailServer:
    """As PostfixServer."""

    block = "Sendmail:"

    # Without DNS, and on a busy machine.
    HERE = """\
FEATURE(`accept_unresolvable_domains')dnl
FEATURE(`nocanonify')dnl
define(`confSERVICE_SWITCH_FILE', `/etc/mail/service.switch')dnl
define(`confQUEUE_LA', `999')dnl
"""

    def __init__(self, folder):
        self._folder = folder
        folder.run("useradd -m max && useradd -m poststelle")
        folder.run("echo 127.0.0.1 mx.dorf.example >>/etc/hosts && hostname mx.dorf.example")
        folder.run("echo dorf.example >>/etc/mail/local-host-names")
        configuration = folder.path("etc/mail/sendmail.mc")
        before, mailers, after = configuration.read_text().partition("MAILER_DEFINITIONS\n")
        configuration.write_text(before + self.HERE + mailers + after)
        folder.run("printf 'hosts\\tfiles\\naliases\\tfiles\\n' >/etc/mail/service.switch")
        folder.run("make -C /etc/mail && systemctl start sendmail")

    def stop(self):
        self._folder.run("systemctl stop sendmail")


SERVERS = {"postfix": PostfixServer, "sendmail": SendmailServer}


def mail(folder, provider, round_trip):
    """An e-mail and a De-Mail from Max, and one to him."""
    for recipient in (ERIKA, "max@dorf.example"):
        answers = smtp.send(25, "max@dorf.example", [recipient],
                            smtp.message("max@dorf.example", recipient, f"hinaus {round_trip}"))
        expect(answers.code == 250, f"the MTA did not take the message to {recipient}: {answers.verdict}")
    sent = provider.wait(ERIKA, f"hinaus {round_trip}".encode())
    expect(field(sent, "X-de-mail-sender") is not None, f"what came to {ERIKA} is no De-Mail:\n{sent.decode()}")
    provider.send(ERIKA, ["max@dorf.de-mail.de"], f"herein {round_trip}", "Guten Tag\r\n")
    wait_mailbox(folder, f"hinaus {round_trip}")
    wait_mailbox(folder, f"herein {round_trip}")


def wait_mailbox(folder, subject):
    box = folder.path("var/mail/max")
    wait_until(lambda: box.exists() and subject in box.read_text(errors="replace"), f"\"{subject}\" in Max's mailbox")


def installed(folder):
    """What the installation has made, and what it has left alone."""
    owner = folder.run("stat -c %U:%G:%a:%s /etc/demail/stamp.key").strip()
    expect(owner == "root:demail:640:64", f"stamp.key is {owner}")
    expect(folder.run("stat -c %U:%G:%a /etc/demail").strip() == "root:demail:750", "/etc/demail has the wrong mode")
    for daemon in DAEMONS:
        expect(folder.run(f"systemctl is-enabled {daemon}", check=False).returncode != 0, f"{daemon} is enabled")
        expect(folder.run(f"systemctl is-active {daemon}", check=False).returncode != 0, f"{daemon} runs")


def follow(folder, provider, readme, word):
    """Runs a block of README as it stands there. A line "# from your provider: FILES" is the provider's turn."""
    place = "/root/demail-milter"
    pending = []

    def flush():
        nonlocal place
        if pending:
            *_, place = folder.run("\n".join([*pending, "echo; pwd"]), place).splitlines()
            pending.clear()

    for line in commands(readme, word):
        if "systemctl enable" in line:
            flush()
            installed(folder)
        if line.startswith("# from your provider:"):
            flush()
            hand_over(folder.path(place), provider, re.findall(r"[\w.-]+", line.partition(":")[2]))
        else:
            pending.append(line)
    flush()


def hand_over(place, provider, names):
    for name in names:
        content = provider.given()[name].read_text() if name in provider.given() else "geheim\n"
        expect(name in provider.given() or name.endswith(".password"), f"a provider has no {name} to give")
        (place / name).write_text(content)


def install(folder, provider, server, readme):
    follow(folder, provider, readme, "Install")
    follow(folder, provider, readme, server.block)
    follow(folder, provider, readme, "Ask,")
    check(folder)


def check(folder):
    found = folder.run("demailctl check")
    expect("good" in found and len(found.splitlines()) == 1, f"demailctl check is not content:\n{found}")


def pids(folder):
    return [folder.path(f"dev/shm/{daemon}").read_text() for daemon in DAEMONS]


def digests(folder, *names):
    return folder.run("sha256sum " + " ".join(names))


def upgrade(folder, provider):
    """The administrator's files and the key stay, what nobody changed becomes new, and what ran is started anew."""
    own = (CONFIG, "/etc/demail/senders", "/etc/demail/stamp.key")
    before, old = digests(folder, *own), pids(folder)
    folder.run("apt-get install ./second/*.deb")
    expect(folder.run("dpkg-query -W -f '${Version}' demail-milter").endswith("+second"), "no second version")
    expect(digests(folder, *own) == before, "the upgrade has changed the administrator's files")
    expect("second version" in folder.path("etc/demail/divert").read_text(), "divert is still the first version's")
    expect(not set(old) & set(pids(folder)), "the upgrade has not started the daemons anew")
    folder.run("postmap lmdb:/etc/demail/divert")
    check(folder)
    mail(folder, provider, "nach dem Upgrade")


def take_back(folder):
    """The lines of README.Debian that take back what Postfix was told."""
    text = folder.path("usr/share/doc/demail-milter/README.Debian").read_text()
    lines = [line for line in text.splitlines() if line.startswith("    ")]
    first = next(number for number, line in enumerate(lines) if "postconf -X" in line)
    folder.run("\n".join(lines[first:]))


def remove(folder):
    take_back(folder)
    folder.run("apt-get remove demail-milter")
    for daemon in DAEMONS:
        expect(folder.run(f"systemctl is-active {daemon}", check=False).returncode != 0, f"{daemon} still runs")
    for kept in (CONFIG, "/etc/demail/stamp.key", "/var/lib/demail"):
        expect(folder.path(kept).exists(), f"{kept} is gone after removing only")
    expect(list(folder.path("var/lib/demail").iterdir()), "the journal is gone after removing only")


def packages(folder):
    """What dpkg knows, be it only its configuration."""
    return set(folder.run("dpkg-query -W -f '${Package}\n'").split())


def purge(folder, before, packages_before):
    """Purges the packages, and with them what was installed for them, to see what they alone leave behind."""
    folder.run("apt-get purge demail-milter demail-sandbox")
    folder.run("apt-get purge " + " ".join(packages(folder) - packages_before))
    after = folder.contents()
    wrong = [f"left behind: {line}" for line in sorted(after - before)]
    wrong += [f"missing: {line}" for line in sorted(before - after)]
    expect(not wrong, "\n".join(["after the purge it is not as it was before", *wrong]))
    smtp.send(25, "max@dorf.example", ["max@dorf.example"], smtp.message("max@dorf.example", "max", "ohne De-Mail"))
    wait_mailbox(folder, "ohne De-Mail")


def keep_archive(folder, provider):
    """Evidence is nothing that a package removes; nor the users, whose numbers would become somebody else's."""
    archive = "/var/lib/demail/archive/dorf"
    folder.run(f"install -d -m 0711 -o demail-poller -g demail {archive.rpartition('/')[0]}\n"
               f"install -d -m 0700 -o demail-poller -g demail {archive}\n"
               f"sed -i '/^.tenant /a archive_dir = {archive}' {CONFIG}\n"
               "systemctl restart demail-poller")
    mail(folder, provider, "ins Archiv")
    expect("good" in folder.run(f"demailctl archive verify {archive}"), "the archive is not good")
    folder.run("systemctl stop demail-poller demail-milter")
    said = folder.run("apt-get purge demail-milter")
    expect("/var/lib/demail/archive holds an archive" in said, f"the purge does not say what stays:\n{said}")
    expect(list(folder.path(archive).glob("*/manifest")), "the purge has removed an archive")
    expect(folder.run(f"stat -c %U:%G {archive}").strip() == "demail-poller:demail", "the archive is nobody's")
    left = [path for path in ("/etc/demail", "/var/lib/demail/journal.lmdb") if folder.path(path).exists()]
    expect(not left, f"the purge has left {left}")


def live(folder, server_kind):
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    folder.mount()
    folder.path("usr/local/bin/editor").write_text(EDITOR)
    folder.path("usr/local/bin/editor").chmod(0o755)
    server = server_kind(folder)
    before, packages_before = folder.contents(), packages(folder)
    step("a provider, by the package demail-sandbox")
    folder.run("apt-get install ./demail-sandbox_*.deb")
    provider = Provider(folder)
    provider.start()
    try:
        step("installing and setting up by README")
        install(folder, provider, server, (TREE / "README").read_text())
        step("De-Mail out and in, and e-mail")
        mail(folder, provider, "zuerst")
        if server_kind is SendmailServer:
            step("an archive, which outlives a purge")
            keep_archive(folder, provider)
            return
        step("upgrading to the second version")
        upgrade(folder, provider)
        step("removing")
        remove(folder)
        provider.stop()
        step("purging")
        purge(folder, before, packages_before)
    finally:
        provider.stop()
        server.stop()


def main():
    begin = time.monotonic()
    folder = Folder(sys.argv[1])
    log = Syslog(folder)
    try:
        live(folder, SERVERS[sys.argv[2]])
        errors = folder.path("dev/shm/systemctl.errors")
        expect(not errors.exists(), f"systemctl can't do that: {errors.exists() and errors.read_text()}")
        expect(not log.complaints(), "the daemons complain:\n" + "\n".join(log.complaints()))
    except (AssertionError, OSError, ValueError) as error:
        print("\n".join(["packages: the last lines of the log:", *log.lines[-40:], f"packages: {error}"]),
              file=sys.stderr)
        return 1
    step(f"{sys.argv[2]}: all as it should be, after {time.monotonic() - begin:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
