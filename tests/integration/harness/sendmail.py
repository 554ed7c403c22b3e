"""A private Sendmail on loopback ports: unpacked by tests/sendmail, set up with the very lines of contrib/sendmail."""

import os
import re
import signal
import socket
import subprocess
import threading
from pathlib import Path

from .ports import free_port
from .process import processes_in
from .wait import wait_until

FRAGMENT = Path(__file__).resolve().parents[3] / "contrib" / "sendmail" / "demail.m4"

SENDMAIL_MC = """\
OSTYPE(`linux')dnl
define(`confDOMAIN_NAME', `mx.gemeinde.example')dnl
define(`QUEUE_DIR', `{home}/queue')dnl
define(`ALIAS_FILE', `')dnl
define(`STATUS_FILE', `{home}/statistics')dnl
define(`HELP_FILE', `')dnl
define(`confPID_FILE', `{home}/sendmail.pid')dnl
define(`confSERVICE_SWITCH_FILE', `{etc}/service.switch')dnl
define(`confTRUSTED_USER', `root')dnl
define(`confDEF_USER_ID', `nobody:nogroup')dnl
define(`confTO_IDENT', `0')dnl
define(`confREFUSE_LA', `999')dnl
define(`confQUEUE_LA', `999')dnl
define(`confMAX_MESSAGE_SIZE', `104857600')dnl
define(`confDONT_BLAME_SENDMAIL', `GroupWritableDirPathSafe,TrustStickyBit,AssumeSafeChown')dnl
define(`confPRIVACY_FLAGS', `')dnl
define(`confMILTER_LOG_LEVEL', `9')dnl
define(`confAUTH_MECHANISMS', `PLAIN LOGIN')dnl
define(`confAUTH_OPTIONS', `A')dnl
define(`confAUTH_REALM', `gemeinde.example')dnl
TRUST_AUTH_MECH(`PLAIN LOGIN')dnl
define(`SMART_HOST', `sink:[127.0.0.1]')dnl
FEATURE(`no_default_msa')dnl
FEATURE(`nocanonify')dnl
FEATURE(`promiscuous_relay')dnl
FEATURE(`accept_unqualified_senders')dnl
FEATURE(`accept_unresolvable_domains')dnl
FEATURE(`virtusertable', `text -v1 -z| {etc}/aliases')dnl
{domains}
{daemons}
MAILER(`smtp')dnl
include(`{etc}/demail.m4')dnl
LOCAL_CONFIG
ESASL_CONF_PATH={etc}/sasl
Kmailboxes text -v1 {etc}/mailboxes
LOCAL_RULE_0
R$+ < @ $={{VirtHost}} . >	$: < $(mailboxes $1@$2 $: ? $) > $1 < @ $2 . >
R< ? > $*	$: $1
R< $+ > $+ < @ $+ . >	$#maildir $@ $3 $: $2
MAILER_DEFINITIONS
Mmaildir,	P={etc}/deliver, F=lsDFMPnu, U=nobody:nogroup, E=\\n, T=DNS/RFC822/X-Unix, A=deliver $h $u
Msink,	P=[IPC], F=DFMXkmnu, E=\\r\\n, r=5000, T=DNS/RFC822/SMTP, A=TCP $h {sink}
"""

SUBMIT_MC = """\
OSTYPE(`linux')dnl
define(`confDOMAIN_NAME', `mx.gemeinde.example')dnl
define(`MSP_QUEUE_DIR', `{home}/clientqueue')dnl
define(`STATUS_FILE', `{home}/clientstatistics')dnl
define(`confPID_FILE', `{home}/client.pid')dnl
define(`confSERVICE_SWITCH_FILE', `{etc}/service.switch')dnl
define(`confRUN_AS_USER', `nobody:nogroup')dnl
define(`confDONT_BLAME_SENDMAIL', `GroupWritableDirPathSafe,TrustStickyBit,AssumeSafeChown')dnl
define(`RELAY_MAILER_ARGS', `TCP $h {submission}')dnl
FEATURE(`msp', `[127.0.0.1]')dnl
"""

# One file for each message and recipient, below DOMAIN/LOCALPART.
DELIVER = """\
#!/bin/sh
umask 022
box={mail}/$1/$2
mkdir -p "$box/tmp" "$box/new" &&
file=$(mktemp "$box/tmp/XXXXXXXXXX") && cat >"$file" && mv "$file" "$box/new/" || exit 75
"""

# Sendmail logs only to /dev/log, and waits a minute for a host name with a domain. Both are its own in namespaces.
ENTER = """\
set -e
hostname mx.gemeinde.example
mount -t tmpfs none {home}/dev
for device in null zero random urandom; do
    touch {home}/dev/$device
    mount --bind /dev/$device {home}/dev/$device
done
ln -s {home}/syslog {home}/dev/log
mount --bind {home}/dev /dev
exec "$@"
"""

# What Sendmail says when the poller is down, and when a test has taken a table away.
_EXPECTED = ("Could not connect to socket", "unsafe map file")

_OUTCOMES = {"Sent": "sent", "Deferred": "deferred"}


class Sendmail:
    """The same as Postfix for the tests."""

    name = "sendmail"

    def __init__(self, home, milter, lmtp, sink_port, inject_port, mailboxes, aliases):
        self.home = Path(home)
        self.etc = self.home / "etc"
        self.log = self.home / "maillog"
        self.mail = self.home / "mail"
        self.prefix = _prefix()
        self.milter, self.lmtp = milter, lmtp
        self.ports = {name: free_port() for name in ("submission", "open", "bypass")}
        self.ports["inject"] = inject_port
        self._process = None
        self._syslog = None
        self._make_folders()
        self._write_tables(mailboxes, aliases)
        self._write_configuration(sink_port, sorted({a.split("@")[1] for a in mailboxes}))

    def _make_folders(self):
        for name in ("", "etc", "etc/sasl", "dev", "queue", "clientqueue", "mail"):
            folder = self.home / name
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(0o700 if "queue" in name else 0o755)
        subprocess.run(["chown", "nobody", self.mail, self.home / "clientqueue"], check=True)
        self.log.touch()
        for name in ("statistics", "clientstatistics"):
            (self.home / name).touch(mode=0o644)

    def _write_tables(self, mailboxes, aliases):
        self._write("mailboxes", "".join(f"{address} yes\n" for address in mailboxes))
        self._write("aliases", "".join([f"{key}|{value}\n" for key, value in aliases.items()] +
                                       [f"@{domain}|error:5.1.1:550 User unknown\n"
                                        for domain in sorted({a.split('@')[1] for a in mailboxes})]))
        self._write("demail_domains", f"de-mail.de demail:{self.lmtp}\n.de-mail.de demail:{self.lmtp}\n")
        self._write("service.switch", "hosts\tfiles\naliases\tfiles\npasswd\tfiles\n")
        self._write("sasl/Sendmail.conf", "pwcheck_method: auxprop\nauxprop_plugin: sasldb\n"
                                          f"sasldb_path: {self.etc}/sasl/sasldb2\n")
        self._write("deliver", DELIVER.format(mail=self.mail)).chmod(0o755)
        self._write("enter", ENTER.format(home=self.home))

    def _write_configuration(self, sink_port, domains):
        daemons = [f"DAEMON_OPTIONS(`Name={name}, Addr=127.0.0.1, Port={self.ports[name]}{options}')dnl"
                   for name, options in (("submission", ""), ("open", ""), ("bypass", ", InputMailFilters="))]
        self._write("demail.m4", self._fragment())
        self._compile("sendmail", SENDMAIL_MC.format(
            home=self.home, etc=self.etc, sink=sink_port, daemons="\n".join(daemons),
            domains="\n".join(f"VIRTUSER_DOMAIN(`{domain}')dnl" for domain in domains)))
        self._compile("submit", SUBMIT_MC.format(home=self.home, etc=self.etc, **self.ports))

    def _fragment(self):
        """contrib/sendmail/demail.m4 with this instance's paths and ports."""
        text = FRAGMENT.read_text()
        host, port = self.milter.removeprefix("inet:").split(":")
        for documented, ours in (("inet:8895@127.0.0.1", f"inet:{port}@{host}"),
                                 ("/run/demail/lmtp.sock", self.lmtp.removeprefix("unix:")),
                                 ("Port=10025", f"Port={self.ports['inject']}"),
                                 ("/etc/demail/", f"{self.etc}/")):
            if documented not in text:
                raise AssertionError(f"{FRAGMENT}: no {documented}")
            text = text.replace(documented, ours)
        return text

    def _compile(self, name, text):
        macros = self.prefix / "usr/share/sendmail/cf"
        source = self._write(f"{name}.mc", text)
        done = subprocess.run(["m4", f"-D_CF_DIR_={macros}/", macros / "m4/cf.m4", source], capture_output=True,
                              text=True, check=True)
        if "ERROR" in done.stderr:
            raise AssertionError(f"{source}: {done.stderr}")
        self._write(f"{name}.cf", done.stdout)

    def _write(self, name, text):
        path = self.etc / name
        path.write_text(text)
        path.chmod(0o644)
        return path

    def add_user(self, local, password):
        """A login LOCAL@gemeinde.example for SMTP AUTH."""
        database = self.etc / "sasl" / "sasldb2"
        subprocess.run(["saslpasswd2", "-p", "-c", "-f", database, "-u", "gemeinde.example", local],
                       input=password.encode(), check=True)
        database.chmod(0o600)

    def _command(self, configuration, *arguments):
        return ["unshare", "--uts", "--mount", "sh", str(self.etc / "enter"),
                str(self.prefix / "usr/libexec/sendmail/sendmail"), "-C", str(self.etc / configuration), *arguments]

    def start(self):
        if self._syslog is None:
            self._syslog = _Syslog(self.home / "syslog", self.log)
        self._process = subprocess.Popen(self._command("sendmail.cf", "-bD", "-q1s"), cwd=self.home / "queue",
                                         stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                         start_new_session=True)
        wait_until(lambda: self._process.poll() is not None or all(map(_answers, self.ports.values())),
                   "Sendmail to start")
        if self._process.poll() is not None:
            raise AssertionError(f"Sendmail ended: {self._process.stdout.read()}\n{self.lines()[-20:]}")

    def stop(self):
        """Ends all its processes; returns what is wrong, as lines."""
        self._end()
        if self._syslog:
            self._syslog.stop()
            self._syslog = None
        return [line for line in self.lines() if "SYSERR" in line and not any(word in line for word in _EXPECTED)]

    def _end(self):
        if self._process and self._process.poll() is None:
            self._process.terminate()
            self._process.wait(timeout=30)
        for process in self._processes():
            try:
                os.kill(int(process), signal.SIGTERM)
            except ProcessLookupError:
                continue
        wait_until(lambda: not self._processes(), "Sendmail's processes to end")
        if self._process:
            self._process.stdout.close()

    def _processes(self):
        """Processes that have this instance's queue directory as their working directory."""
        return processes_in(self.home / "queue")

    def lines(self, containing=""):
        return [line for line in self.log.read_text(errors="replace").splitlines() if containing in line]

    def outcomes(self, recipient):
        """What became of the envelope's recipient, attempt by attempt: "sent", "deferred", "bounced"."""
        found = []
        for line in self.lines(f"<{recipient}>"):
            match = re.search(r": to=.*, stat=(\w+)", line)
            if match and "mailer=" in line:
                found.append(_OUTCOMES.get(match.group(1), "bounced"))
        return found

    def queue(self):
        """The control files of the queue, one text for each message."""
        found = []
        for file in (self.home / "queue").glob("[qQ]f*"):
            try:
                found.append(file.read_text(errors="replace"))
            except FileNotFoundError:  # it has been delivered
                continue
        return found

    def limit_envelope(self, recipients):
        """The demail transport takes at most so many recipients in one envelope."""
        configuration = self.etc / "sendmail.cf"
        before = configuration.read_text()
        after = re.sub(r"(?m)^(Mdemail,.*) r=\d+", rf"\1 r={recipients}", before)
        if before == after:
            raise AssertionError("no r= in the mailer demail")
        configuration.write_text(after)
        self._end()
        self.start()

    def flush(self):
        """Nothing to do: the queue is run every second."""

    def wait_empty(self, timeout=60.0):
        wait_until(lambda: not self.queue(), "Sendmail's queue to be empty", timeout)

    def sendmail(self, sender, recipients, message):
        """Hands a message in by sendmail(1)."""
        subprocess.run(self._command("submit.cf", "-i", "-f", sender, *recipients), input=message, check=True)


class _Syslog:
    """Writes what comes to the socket `path` into the file `log`."""

    def __init__(self, path, log):
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        path.chmod(0o666)
        self._log = open(log, "ab", buffering=0)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        while line := self._socket.recv(65536):
            self._log.write(line.rstrip(b"\n\0") + b"\n")

    def stop(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as last:
            last.sendto(b"", self._socket.getsockname())
        os.unlink(self._socket.getsockname())
        self._thread.join()
        self._socket.close()
        self._log.close()


def _prefix():
    folder = os.environ.get("DEMAIL_SENDMAIL")
    if not folder:
        raise RuntimeError("DEMAIL_SENDMAIL is not set; run the suite by tests/run or ctest")
    return Path(folder).resolve()


def _answers(port):
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as session:
            return session.recv(4) == b"220 "
    except OSError:
        return False
