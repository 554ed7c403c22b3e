"""What demail-tenants(7) tells an administrator to do is done, literally, and works at every step."""

import json
import os
import re
import stat
import subprocess
from pathlib import Path

import pytest

from harness.gateway import GROUP
from harness.ports import free_port
from harness.process import SANITIZERS, program
from harness.sandbox import Sandbox, field
from harness.wait import wait_until
from harness.world import ACCOUNTS, World, account

PAGE = Path(__file__).resolve().parents[2] / "doc" / "demail-tenants.7"
ERIKA = "erika@muster.de-mail.de"
SERVER = "127.0.0.8"  # the authority's mail server
ROLE = "daemon"  # a user that every system has
MAILBOXES = ["poststelle@lkr.example", "jugendamt@lkr.example", "sekretariat@schule.lkr.example"]

PROGRAM = """\
#!/bin/sh
exec {program} -c {conf} "$@"
"""

# Signals to the two daemons, in place of systemd's.
SYSTEMCTL = """\
#!/bin/sh
[ "$*" = "reload demail-milter demail-poller" ] && exec kill -USR1 {milter} {poller}
exit 64
"""


def sections():
    """The page: section -> its literal blocks as (script, whether the tenant's role runs it)."""
    found, blocks, block, role = {}, None, None, False
    for line in PAGE.read_text().splitlines():
        if line.startswith(".Sh "):
            blocks = found.setdefault(line[4:], [])
        elif line.startswith(".Bd -literal"):
            block = []
        elif line == ".Ed":
            blocks.append(("\n".join(block) + "\n", role))
            block, role = None, False
        elif block is not None:
            block.append(line.replace("\\e", "\\"))
        else:
            role = line == ".Ql lkr-admin :"
    return found


class JoiningWorld(World):
    """The provider of the tenant that joins is there, and so are its mailboxes."""

    def __init__(self):
        self.second = None
        super().__init__("postfix")

    def _start(self, mta, build):
        def with_more_mailboxes(*arguments):
            *first, mailboxes, aliases = arguments
            return mta(*first, mailboxes + MAILBOXES, aliases)

        super()._start(with_more_mailboxes, build)
        accounts = [account("landrat@lkr.de-mail.de", "Landkreis", domains=["lkr.de-mail.de", "schule.lkr.de-mail.de"])]
        self.second = Sandbox(self.home / "second", self.pki, accounts + [a for a in ACCOUNTS if not a["domains"]],
                              free_port(), build)
        self.second.name = "second demail-sandbox"
        self.second.start()
        self.gateway.trust(self.sandbox, self.second)
        self._reload()
        self._make_tools()

    @property
    def daemons(self):
        first, last = super().daemons[:-1], super().daemons[-1:]
        return [*first, *([self.second] if self.second else []), *last]

    def _reload(self):
        self.gateway.milter.reload("event=reloaded")
        self.gateway.poller.reload("event=reloaded")

    def _make_tools(self):
        """What the scripts call."""
        self.tools = self.home / "tools"
        self.tools.mkdir()
        gateway = self.gateway
        texts = {name: PROGRAM.format(program=program(name), conf=gateway.conf)
                 for name in ("demailctl", "demail-milter", "demail-poller")}
        texts["systemctl"] = SYSTEMCTL.format(milter=gateway.milter.process.pid, poller=gateway.poller.process.pid)
        for name, text in texts.items():
            (self.tools / name).write_text(text)
            (self.tools / name).chmod(0o755)
        (gateway.home / "srv").mkdir()

    def run(self, script, role):
        """Runs a block of the page with this world's paths, addresses, users and haste; what it prints."""
        for old, new in (("/etc/demail", str(self.gateway.home)), ("/srv/demail/lkr", f"{self.gateway.home}/srv/lkr"),
                         ("192.0.2.7", SERVER), ("poll_interval = 60s", "poll_interval = 1s"),
                         ("https://127.0.0.1:8444", self.second.url), ("lkr-admin", ROLE),
                         ("-g demail ", f"-g {GROUP.gr_name} "), ("root:demail-poller", f"root:{GROUP.gr_name}")):
            script = script.replace(old, new)
        daemons = (self.gateway.milter, self.gateway.poller)
        reloads = [daemon.log.read_text().count("event=reloaded") for daemon in daemons]
        user = ["setpriv", f"--reuid={ROLE}", f"--regid={ROLE}", "--init-groups"] if role else []
        done = subprocess.run([*user, "bash", "-euo", "pipefail", "-c", script], capture_output=True, text=True,
                              cwd="/", timeout=120, check=False,
                              env={**os.environ, **SANITIZERS, "PATH": f"{self.tools}:{os.environ['PATH']}"})
        complaints = re.sub(r"demailctl: export: note: .*\n", "", done.stderr)
        assert (done.returncode, complaints) == (0, ""), f"{script}\n{done.stdout}{done.stderr}"
        if "systemctl reload" in script:
            for daemon, before in zip(daemons, reloads):
                wait_until(lambda: daemon.log.read_text().count("event=reloaded") > before, f"{daemon.name} to reload")
        return done.stdout

    def explained(self, script, login=None):
        """The verdict that a block's `demailctl explain` gives; with another login only that is asked."""
        before, command, explain = script.partition("demailctl explain")
        if login:
            before, explain = "", re.sub(r"--login \S+", f"--login {login}", explain)
        output = self.run(f"{before}{command.replace('demailctl', 'demailctl --json')}{explain}", False)
        return json.loads(output[output.index("{"):])

    def reaches_erika(self, sender, subject, token):
        """Whether what the authority's mail server hands in leaves as De-Mail; what it is, or the refusal."""
        answers = self.send(sender, ERIKA, f"{subject} {token}", port="open", client=SERVER)
        return self.second.wait(ERIKA, token.encode()) if answers.code == 250 else answers

    def receives(self, demail, mailbox, token):
        self.second.send(ERIKA, [demail], token, "Guten Tag\r\n")
        return self.mailboxes.wait(mailbox, token.encode())


@pytest.fixture
def joining():
    world = JoiningWorld()
    yield world
    wrong = world.stop()
    assert not wrong, "\n".join(wrong)


@pytest.mark.only("postfix", "what the page says is about the gateway")
def test_the_page_step_by_step(joining, mta, token):
    pages = sections()
    tables, receiving, sending = pages.pop("A NEW AUTHORITY JOINS")
    joining.run(*tables)
    assert stat.S_IMODE((joining.gateway.home / "srv" / "lkr").stat().st_mode) == 0o751
    joining.run(*receiving)
    mail = joining.receives("info@lkr.de-mail.de", "poststelle@lkr.example", token + "a")
    assert mail.subject == f"[De-Mail] {token}a"
    refused = joining.reaches_erika("poststelle@lkr.example", "[EB]", token + "b")
    assert (refused.code, refused.enhanced) == (550, "5.7.1")
    assert joining.explained(sending[0])["verdict"] == "demail"
    raw = joining.reaches_erika("poststelle@lkr.example", "[EB]", token + "c")
    assert field(raw, "From") == "info@lkr.de-mail.de"
    elsewhere = joining.send("poststelle@lkr.example", ERIKA, token)
    assert (elsewhere.code, elsewhere.enhanced) == (550, "5.7.1")

    mailbox, compiling, logins = pages.pop("A NEW MAILBOX")
    assert mailbox[1] and not compiling[1] and not logins[1]
    joining.run(*mailbox)
    joining.run(*compiling)
    assert joining.explained(logins[0])["verdict"] == "demail"
    assert joining.explained(logins[0], login="otto@lkr.example")["verdict"] == "refused"
    raw = joining.reaches_erika("jugendamt@lkr.example", "[P, EB]", token + "d")
    assert field(raw, "From") == "jugend@lkr.de-mail.de" and field(raw, "X-de-mail-private") == "yes"
    joining.receives("jugend@lkr.de-mail.de", "jugendamt@lkr.example", token + "e")

    subdomain, = pages.pop("A NEW SUBDOMAIN")
    assert joining.explained(subdomain[0])["verdict"] == "demail"
    raw = joining.reaches_erika("sekretariat@schule.lkr.example", "Schulfest", token + "f")
    assert field(raw, "From") == "sekretariat@schule.lkr.de-mail.de"
    joining.receives("sekretariat@schule.lkr.de-mail.de", "sekretariat@schule.lkr.example", token + "g")

    blocks = pages.pop("A NEW ADMINISTRATOR")
    commands = re.findall(r"/usr/sbin/demailctl (\w+)", blocks[0][0] + blocks[1][0])
    known = subprocess.run([program("demailctl"), "--help"], capture_output=True, text=True, check=True).stdout
    assert len(commands) == 7 and all(f"  {command} " in known for command in commands)
    export, = pages.pop("AN AUTHORITY LEAVES")
    joining.run(*export)
    lines = (joining.gateway.home / "srv" / "lkr-export" / "manifest.jsonl").read_text().splitlines()
    assert {json.loads(line)["folder"] for line in lines[1:]} == {"inbox", "sent"}
    assert not any(pages.values()), "a section of the page that nobody tries"
