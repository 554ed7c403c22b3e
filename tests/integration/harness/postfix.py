"""A private Postfix on loopback ports, set up with the very lines of contrib/postfix."""

import re
import subprocess
from pathlib import Path

from .ports import free_port
from .process import processes_in
from .wait import wait_until

FRAGMENTS = Path(__file__).resolve().parents[3] / "contrib" / "postfix"

MAIN_CF = """\
compatibility_level = 3.6
queue_directory = {home}/queue
data_directory = {home}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
shlib_directory = /usr/lib/postfix
meta_directory = /etc/postfix
mail_owner = postfix
setgid_group = postdrop
maillog_file_prefixes = {home}
maillog_file = {home}/maillog
myhostname = mx.gemeinde.example
myorigin = gemeinde.example
mydestination =
mynetworks = 127.0.0.1/32
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
smtpd_peername_lookup = no
smtp_dns_support_level = disabled
smtp_host_lookup = native
alias_maps =
alias_database =
default_database_type = lmdb
default_transport = smtp:[127.0.0.1]:{sink}
relay_transport = smtp:[127.0.0.1]:{sink}
virtual_mailbox_domains = {domains}
virtual_mailbox_base = {home}/mail
virtual_mailbox_maps = texthash:{etc}/mailboxes
virtual_alias_maps = texthash:{etc}/aliases
virtual_uid_maps = static:65534
virtual_gid_maps = static:65534
virtual_mailbox_limit = 0
message_size_limit = 104857600
smtpd_relay_restrictions = permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination
smtpd_client_connection_count_limit = 0
smtpd_recipient_limit = 5000
in_flow_delay = 0
minimal_backoff_time = 2s
maximal_backoff_time = 4s
queue_run_delay = 2s
notify_classes =
smtpd_sasl_type = cyrus
smtpd_sasl_path = smtpd
cyrus_sasl_config_path = {etc}/sasl
smtpd_sasl_local_domain = gemeinde.example
smtpd_tls_security_level = none
"""

MASTER_CF = """\
{submission} inet n - n - - smtpd
  -o syslog_name=postfix/submission
  -o smtpd_sasl_auth_enable=yes
{open} inet n - n - - smtpd
  -o syslog_name=postfix/open
  -o smtpd_relay_restrictions=
  -o smtpd_recipient_restrictions=check_recipient_access,static:OK,reject_unauth_destination
{bypass} inet n - n - - smtpd
  -o syslog_name=postfix/bypass
  -o smtpd_milters=
  -o smtpd_relay_restrictions=
  -o smtpd_recipient_restrictions=check_recipient_access,static:OK,reject_unauth_destination
pickup    unix n - n 60 1 pickup
cleanup   unix n - n - 0 cleanup
qmgr      unix n - n 300 1 qmgr
tlsmgr    unix - - n 1000? 1 tlsmgr
rewrite   unix - - n - - trivial-rewrite
bounce    unix - - n - 0 bounce
defer     unix - - n - 0 bounce
trace     unix - - n - 0 bounce
verify    unix - - n - 1 verify
flush     unix n - n 1000? 0 flush
proxymap  unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
smtp      unix - - n - - smtp
relay     unix - - n - - smtp
showq     unix n - n - - showq
error     unix - - n - - error
retry     unix - - n - - error
discard   unix - - n - - discard
virtual   unix - n n - - virtual
lmtp      unix - - n - - lmtp
anvil     unix - - n - 1 anvil
scache    unix - - n - 1 scache
postlog   unix-dgram n - n - 1 postlogd
"""


class Postfix:
    """Ports: submission (AUTH), open (any recipient from any client), bypass (no milter), inject (contrib). Other
    clients than 127.0.0.1 connect from other loopback addresses."""

    name = "postfix"

    def __init__(self, home, milter, lmtp, sink_port, inject_port, mailboxes, aliases):
        """`milter` as in smtpd_milters, `lmtp` as in transport_maps; `mailboxes` addresses, `aliases` a dictionary."""
        self.home = Path(home)
        self.etc = self.home / "etc"
        self.log = self.home / "maillog"
        self.mail = self.home / "mail"
        self.milter, self.lmtp = milter, lmtp
        self.ports = {name: free_port() for name in ("submission", "open", "bypass")}
        self.ports["inject"] = inject_port
        self._make_folders()
        self._write_configuration(sink_port, sorted({a.split("@")[1] for a in mailboxes}))
        self._write_tables(mailboxes, aliases)

    def _make_folders(self):
        for folder in (self.home, self.etc, self.home / "queue", self.home / "data", self.mail, self.etc / "sasl"):
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(0o755)
        subprocess.run(["chown", "postfix", self.home / "data"], check=True)
        subprocess.run(["chown", "nobody", self.mail], check=True)
        self.log.touch()

    def _write_tables(self, mailboxes, aliases):
        lines = []
        for address in mailboxes:
            local, domain = address.split("@")
            lines.append(f"{address} {domain}/{local}/\n")
        (self.etc / "mailboxes").write_text("".join(lines))
        (self.etc / "aliases").write_text("".join(f"{key} {value}\n" for key, value in aliases.items()))
        for table in ("divert", "demail_domains"):
            (self.etc / table).write_text(self._fragment(table))
            self._command("postmap", f"lmdb:{self.etc / table}")

    def _write_configuration(self, sink_port, domains):
        main = MAIN_CF.format(home=self.home, etc=self.etc, sink=sink_port, domains=" ".join(domains))
        master = MASTER_CF.format(**{n: f"127.0.0.1:{p}" for n, p in self.ports.items()})
        (self.etc / "main.cf").write_text(main + self._fragment("main.cf"))
        (self.etc / "master.cf").write_text(master + self._fragment("master.cf"))
        (self.etc / "sasl" / "smtpd.conf").write_text(
            f"pwcheck_method: auxprop\nauxprop_plugin: sasldb\nsasldb_path: {self.etc}/sasl/sasldb2\n"
            "mech_list: PLAIN LOGIN\n")

    def _fragment(self, name):
        """A file of contrib/postfix with this instance's paths and ports."""
        text = (FRAGMENTS / name).read_text()
        for documented, ours in (("inet:127.0.0.1:8895", self.milter),
                                 ("unix:/run/demail/lmtp.sock", self.lmtp),
                                 ("127.0.0.1:10025", f"127.0.0.1:{self.ports['inject']}"),
                                 ("/etc/demail/", f"{self.etc}/")):
            text = text.replace(documented, ours)
        return text

    def add_user(self, local, password):
        """A login LOCAL@gemeinde.example for SMTP AUTH."""
        database = self.etc / "sasl" / "sasldb2"
        subprocess.run(["saslpasswd2", "-p", "-c", "-f", database, "-u", "gemeinde.example", local],
                       input=password.encode(), check=True)
        subprocess.run(["chgrp", "postfix", database], check=True)
        database.chmod(0o640)

    def start(self):
        self._command("postfix", "start")
        wait_until(lambda: "daemon started" in self.log.read_text(errors="replace"), "Postfix to start")

    def stop(self):
        """Ends all its processes; returns what is wrong, as lines."""
        if self._processes():
            self._command("postfix", "stop")
        wait_until(lambda: not self._processes(), "Postfix's daemons to end")
        return [line for line in self.lines() if re.search(r": (fatal|panic|error): ", line)]

    def _processes(self):
        """Processes that have this instance's queue directory as their working directory."""
        return processes_in(self.home / "queue")

    def lines(self, containing=""):
        return [line for line in self.log.read_text(errors="replace").splitlines() if containing in line]

    def outcomes(self, recipient):
        """What became of the envelope's recipient, attempt by attempt: "sent", "deferred", "bounced"."""
        return [line.partition(", status=")[2].split()[0] for line in self.lines(f"to=<{recipient}>")
                if ", status=" in line]

    def queue(self):
        """The queue as postqueue -j gives it, one JSON text for each message. It lists the active messages before the
        incoming and the deferred: one that becomes active in the meantime is missed, but not twice in a row."""
        return (self._command("postqueue", "-j") or self._command("postqueue", "-j")).splitlines()

    def limit_envelope(self, recipients):
        """The demail transport takes at most so many recipients in one envelope."""
        self.configure(f"demail_destination_recipient_limit={recipients}")

    def configure(self, *settings):
        """Puts "name=value" each into main.cf."""
        self._command("postconf", "-e", *settings)
        self._reload()

    def filter_content(self, name, filter_port):
        """What comes in at the port `name` goes through the content filter at 127.0.0.1:`filter_port`."""
        self._command("postconf", "-P",
                      f"127.0.0.1:{self.ports[name]}/inet/content_filter=smtp:[127.0.0.1]:{filter_port}")
        self._reload()

    def serve(self, port, *settings):
        """One more smtpd on this port, with "name=value" each of its own."""
        self._command("postconf", "-M", f"127.0.0.1:{port}/inet=127.0.0.1:{port} inet n - n - - smtpd")
        self._command("postconf", "-P", *(f"127.0.0.1:{port}/inet/{setting}" for setting in settings))
        self._reload()

    def _reload(self):
        before = len(self.lines("reload -- version"))
        self._command("postfix", "reload")
        wait_until(lambda: len(self.lines("reload -- version")) > before, "Postfix to reload")

    def flush(self):
        """Tries all that is deferred now."""
        self._command("postqueue", "-f")

    def wait_empty(self, timeout=60.0):
        wait_until(lambda: not self.queue(), "Postfix's queue to be empty", timeout)

    def sendmail(self, sender, recipients, message):
        """Hands a message in by sendmail(1)."""
        subprocess.run(["/usr/sbin/sendmail", "-C", self.etc, "-i", "-f", sender, *recipients], input=message,
                       check=True)

    def _command(self, *arguments):
        name, *rest = arguments
        done = subprocess.run([f"/usr/sbin/{name}", "-c", str(self.etc), *rest], capture_output=True, text=True,
                              check=False)
        if done.returncode != 0:
            raise AssertionError(f"{' '.join(arguments)}: {done.stderr}")
        return done.stdout
