"""demailctl check as a doctor: set-ups that are broken in one way each. On the healthy one it is silent; it names what
is wrong and the command that mends it, and after that command it is silent again."""

import json
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from harness.doctor import USERS, OwnEtc, PatientWorld
from harness.process import SANITIZERS, program, run
from harness.wait import wait_until

ATTEMPTS_LEFT = "2"  # after one, of those that the trial provider allows

postfix_only = pytest.mark.only("postfix", "it is Postfix's settings that are broken")
sendmail_only = pytest.mark.only("sendmail", "it is Sendmail's settings that are broken")


class _Ward:
    """One world for each MTA; one that a test has left broken is given up for a new one."""

    def __init__(self):
        self._worlds = {}

    def get(self, mta):
        if mta not in self._worlds:
            self._worlds[mta] = PatientWorld(mta)
        return self._worlds[mta]

    def give_up(self, mta):
        return self._worlds.pop(mta).stop()

    def end(self):
        return [line for mta in list(self._worlds) for line in self.give_up(mta) if "postfix/postmap" not in line]


@pytest.fixture(scope="module")
def ward():
    etc = OwnEtc()
    ward = _Ward()
    yield ward
    wrong = ward.end()
    etc.leave()
    assert not wrong, "\n".join(wrong)


@pytest.fixture
def patient(ward, mta, request):
    world = ward.get(mta)
    world.allow("event=")
    world.bad_lines()
    assert world.findings() == []
    before = request.session.testsfailed
    yield world
    world.allow("event=")
    if request.session.testsfailed > before:
        ward.give_up(mta)
    else:
        world.heal()
        world.bad_lines()


def postconf(world, *arguments):
    subprocess.run(["postconf", "-c", world.mta.etc, *arguments], check=True)


def postmap(world, table):
    subprocess.run(["postmap", "-c", world.mta.etc, f"lmdb:{world.mta.etc / table}"], check=True)


def service(world, name):
    return f"127.0.0.1:{world.mta.ports[name]}/inet"


def override(name, setting):
    return lambda world: postconf(world, "-P", f"{service(world, name)}/{setting}")


def main(setting):
    return lambda world: postconf(world, "-e", setting)


def rewrite(table, old, new, compiled=True):
    """In a table of Postfix."""
    def change(world):
        path = world.mta.etc / table
        text = path.read_text()
        assert re.search(old, text)
        path.write_text(re.sub(old, new, text))
        if compiled:
            postmap(world, table)
    return change


def uncompile(world):
    (world.mta.etc / "divert.lmdb").unlink()


def touch_later(path):
    os.utime(path, (2**31, 2**31))


def stale_table(world):
    compiled = world.gateway.home / "senders.demail.lmdb"
    os.utime(compiled, (1, 1))


def stale_postfix_table(world):
    os.utime(world.mta.etc / "demail_domains.lmdb", (1, 1))


def inject_everywhere(world):
    name = service(world, "inject")
    line = subprocess.run(["postconf", "-c", world.mta.etc, "-M", name], capture_output=True, text=True, check=True).stdout
    port = world.mta.ports["inject"]
    postconf(world, "-MX", name)
    postconf(world, "-Me", f"{port}/inet={line.strip().replace(f'127.0.0.1:{port}', str(port), 1)}")
    postconf(world, "-e", "inet_interfaces=all")


def dead_milter(world):
    value = f"smtpd_milters=inet:127.0.0.1:{world.mta.ports['open'] + 20000}"
    postconf(world, "-e", value)


POSTFIX = {
    "main.cf has no smtpd_milters": ("postfix.smtpd-without-milter", main("smtpd_milters =")),
    "smtpd_milters has another port": ("postfix.smtpd-without-milter", dead_milter),
    "a port overrides smtpd_milters": ("postfix.smtpd-without-milter", override("submission", "smtpd_milters=")),
    "sendmail(1) goes by the milter": ("postfix.non-smtpd-without-milter", main("non_smtpd_milters =")),
    "cleanup goes by the milter": ("postfix.non-smtpd-without-milter",
                                   lambda w: postconf(w, "-P", "cleanup/unix/non_smtpd_milters=")),
    "a port has no_milters": ("postfix.no-milters",
                              override("open", "receive_override_options=no_milters,no_unknown_recipient_checks")),
    "milters by client": ("postfix.milter-maps", main("smtpd_milter_maps = static:DISABLE")),
    "milter_default_action is accept": ("postfix.milter-default-action", main("milter_default_action = accept")),
    "default_action of a port": ("postfix.milter-default-action", override("open", "milter_default_action=accept")),
    "default_action of the milter": (
        "postfix.milter-default-action",
        lambda w: postconf(w, "-e", f"smtpd_milters={{ {w.mta.milter}, default_action=accept }}")),
    "old milter protocol": ("postfix.milter-protocol", main("milter_protocol = 4")),
    "no port for received De-Mail": ("postfix.inject-missing", lambda w: postconf(w, "-MX", service(w, "inject"))),
    "milter at the port for received De-Mail": (
        "postfix.inject-with-milter", lambda w: postconf(w, "-PX", f"{service(w, 'inject')}/smtpd_milters")),
    "received De-Mail from everywhere": ("postfix.inject-not-loopback", inject_everywhere),
    "received De-Mail is refused": ("postfix.inject-refuses", override("inject", "mynetworks=192.0.2.0/24")),
    "received De-Mail must be encrypted": ("postfix.inject-refuses", main("smtpd_tls_security_level = encrypt")),
    "received De-Mail is relayed": ("postfix.inject-relays",
                                    lambda w: postconf(w, "-PX", f"{service(w, 'inject')}/smtpd_relay_restrictions")),
    "received De-Mail is filtered": ("postfix.inject-filtered",
                                     lambda w: postconf(w, "-e", f"content_filter=smtp:[127.0.0.1]:{w.sink.port}")),
    "no transport": ("postfix.transport-missing", lambda w: postconf(w, "-MX", "demail/unix")),
    "the transport is smtp": ("postfix.transport-missing",
                              lambda w: postconf(w, "-Me", "demail/unix=demail unix - - n - - smtp")),
    "the transport is chrooted": ("postfix.transport-chroot", lambda w: postconf(w, "-F", "demail/unix/chroot=y")),
    "the transport breaks lines": ("postfix.transport-line-length",
                                   lambda w: postconf(w, "-PX", "demail/unix/lmtp_line_length_limit")),
    "small envelopes": ("postfix.transport-recipients", lambda w: postconf(w, "-X", "demail_destination_recipient_limit")),
    "divert is no table of transport_maps": (
        "postfix.divert-route", lambda w: postconf(w, "-e", f"transport_maps=lmdb:{w.mta.etc}/demail_domains")),
    "divert leads elsewhere": ("postfix.divert-route", rewrite("divert", "lmtp.sock", "other.sock")),
    "the barrier is not compiled in": ("postfix.barrier", rewrite("demail_domains", r"(?m)^\.de-mail\.de.*\n", "")),
    "the barrier leads elsewhere": ("postfix.barrier", rewrite("demail_domains", "demail:", "smtp:")),
    "no barrier": ("postfix.barrier", lambda w: postconf(w, "-e", f"transport_maps=lmdb:{w.mta.etc}/divert")),
    "divert is not compiled": ("postfix.table-broken", uncompile),
    "the barrier is older than its source": ("postfix.table-stale", stale_postfix_table),
    "transport_maps overridden": ("postfix.transport-maps-overridden",
                                  lambda w: postconf(w, "-P", "rewrite/unix/transport_maps=")),
    "De-Mail domain in mydestination": ("postfix.demail-domain-local",
                                        main("mydestination = localhost, gemeinde.de-mail.de")),
    "divert domain in relay_domains": ("postfix.demail-domain-local", main("relay_domains = demail.invalid")),
    "restriction before the permits": (
        "postfix.restriction-refuses-demail",
        main("smtpd_recipient_restrictions = reject_unknown_recipient_domain, permit_mynetworks, "
             "permit_sasl_authenticated, reject_unauth_destination")),
    "restriction of a port": (
        "postfix.restriction-refuses-demail",
        override("submission", "smtpd_recipient_restrictions=reject_unverified_recipient,reject_unauth_destination")),
    "the queue outlives the stamp": ("postfix.queue-lifetime", main("maximal_queue_lifetime = 2w")),
    "messages too small": ("postfix.message-size", main("message_size_limit = 10240000")),
}

ALONE = {
    "stamp key open to all": ("key.open", lambda w: (w.gateway.home / "stamp.key").chmod(0o644)),
    "stamp key of another group": ("key.unreadable",
                                   lambda w: shutil.chown(w.gateway.home / "stamp.key", group="adm")),
    "the milter reads the client key": ("key.milter-reads",
                                        lambda w: shutil.chown(w.gateway.home / "token.key", group="demail")),
    "the poller can't read the password": ("key.unreadable",
                                           lambda w: (w.gateway.home / "sandbox.password").chmod(0o600)),
    "a stranger in the group of keys": ("group.members",
                                        lambda w: subprocess.run(["gpasswd", "-a", "games", "demail"], check=True)),
    "state_dir of another user": ("folder.state-owner", lambda w: shutil.chown(w.gateway.home / "state", "games")),
    "a table is older than its source": ("table.stale", stale_table),
    "the MTA is not in the sockets' group": (
        "socket.closed-to-mta", lambda w: subprocess.run(["gpasswd", "-d", "postfix", "demail-mta"], check=True)),
    "the socket has lost its mode": ("socket.closed-to-mta",
                                     lambda w: os.chmod(w.gateway.lmtp.removeprefix("unix:"), 0o600)),
    "the socket's folder is closed": ("socket.closed-to-mta", lambda w: (w.gateway.home / "run").chmod(0o700)),
}


def edit(name, old, new):
    """In a source of sendmail.cf."""
    def change(world):
        path = world.mta.etc / name
        text = path.read_text()
        assert re.search(old, text)
        path.write_text(re.sub(old, new, text))
        subprocess.run(["make", "-s", "-C", world.mta.etc], check=True)
    return change


def drop_include(world):
    os.makedirs("/etc/demail", exist_ok=True)  # in this test's own /etc
    shutil.copy(world.mta.etc / "demail.m4", "/etc/demail/demail.m4")
    edit("sendmail.mc", r"include\(.*\n", "")(world)


SENDMAIL = {
    "the filter is without F=T": ("sendmail.milter-flags", edit("demail.m4", ", F=T", "")),
    "the filter has another port": ("sendmail.milter-address", edit("demail.m4", r"S=inet:\d+", "S=inet:9")),
    "demail.m4 is not included": ("sendmail.milter-missing", drop_include),
    "a port goes by the filter": ("sendmail.port-without-milter",
                                  edit("sendmail.mc", r"(Name=submission,[^']*)'", r"\1, InputMailFilters='")),
    "the filter is not in the list": (
        "sendmail.milter-unused",
        edit("sendmail.mc", r"(?m)^(include.*)$", r"\1\ndefine(`confINPUT_MAIL_FILTERS', `')dnl")),
    "filter at the port for received De-Mail": (
        "sendmail.inject-with-milter", edit("demail.m4", ", InputMailFilters=", "")),
    "received De-Mail from everywhere": ("sendmail.inject-not-loopback",
                                         edit("demail.m4", "Addr=127.0.0.1, Port", "Port")),
    "the mailer has another socket": ("sendmail.mailer-address", edit("demail.m4", "lmtp.sock", "other.sock")),
    "the rules have another divert domain": ("sendmail.divert-route",
                                             edit("demail.m4", r"demail\.invalid >", "elsewhere.invalid >")),
    "messages too small": ("sendmail.message-size", edit("sendmail.mc", "`104857600'", "`10240000'")),
    "a domain is missing in the barrier": ("sendmail.barrier", rewrite("demail_domains", r"(?m)^\.de-mail.*\n", "",
                                                                       compiled=False)),
    "Sendmail changes bodies": ("sendmail.mime-header", edit("demail.m4", r"define\(`confMAX_MIME.*\n", "")),
    "the queue outlives the stamp": ("sendmail.queue-lifetime",
                                     edit("sendmail.mc", r"(?m)^(define\(`QUEUE_DIR.*)$",
                                          r"\1\ndefine(`confTO_QUEUERETURN', `14d')dnl")),
}


def treat(world, code, break_it):
    """Breaks, sees the finding, runs its command, sees that all is well."""
    break_it(world)
    found = world.findings()
    finding = next((f for f in found if f["code"] == code), None)
    assert finding, found
    for key in ("problem", "why", "command"):
        assert finding[key].strip() and "\n" not in finding[key], finding
    text = world.check_text("--no-login").stderr
    assert f"{code}: {finding['problem']}\n" in text or code.endswith(".message-size"), text
    world.run_command(finding["command"])
    left = world.findings()
    assert left == [], f"after {finding['command']}:\n{json.dumps(left, indent=1)}"


@postfix_only
@pytest.mark.parametrize("name", POSTFIX)
def test_postfix(patient, name):
    treat(patient, *POSTFIX[name])


@postfix_only
@pytest.mark.parametrize("name", ALONE)
def test_files_and_sockets(patient, name):
    treat(patient, *ALONE[name])


@sendmail_only
@pytest.mark.parametrize("name", SENDMAIL)
def test_sendmail(patient, name):
    treat(patient, *SENDMAIL[name])
    subprocess.run(["make", "-s", "-C", patient.mta.etc], check=True)
    assert patient.findings() == [], "it lasts only until the next sendmail.cf"


@postfix_only
def test_script_mends_all_of_postfix(patient, token):
    """Many mistakes at once; afterwards De-Mail goes out, and a second run changes nothing."""
    several = ["main.cf has no smtpd_milters", "a port overrides smtpd_milters", "sendmail(1) goes by the milter",
               "milter_default_action is accept", "milter at the port for received De-Mail", "no transport",
               "divert leads elsewhere", "no barrier", "De-Mail domain in mydestination", "restriction before the permits",
               "the queue outlives the stamp"]
    for name in several:
        POSTFIX[name][1](patient)
    assert {POSTFIX[name][0] for name in several} <= {f["code"] for f in patient.findings()}
    before = (patient.mta.etc / "main.cf").read_bytes()
    script = patient.check_text("--fix-postfix").stdout
    assert (patient.mta.etc / "main.cf").read_bytes() == before
    patient.run_command(script)
    assert patient.findings() == []
    assert patient.send("max@gemeinde.example", "erika@muster.de-mail.de", token, login=("max@gemeinde.example",
                                                                                        "wunderland")).code == 250
    patient.sandbox.wait("erika@muster.de-mail.de", token.encode())
    after = (patient.mta.etc / "main.cf").read_bytes()
    patient.run_command(patient.check_text("--fix-postfix").stdout)
    assert (patient.mta.etc / "main.cf").read_bytes() == after


@postfix_only
def test_the_barrier_is_looked_at_whatever_else_is_wrong(patient):
    key = patient.gateway.home / "stamp.key"
    before = key.stat().st_mode
    key.chmod(0o644)
    POSTFIX["no barrier"][1](patient)
    assert {"key.open", "postfix.barrier"} <= {f["code"] for f in patient.findings()}
    patient.run_command(patient.check_text("--fix-postfix").stdout)
    key.chmod(before)
    assert patient.findings() == []


@postfix_only
def test_chrooted_smtpd_and_a_unix_socket(patient):
    """Postfix's smtpd looks for the socket below its queue directory."""
    gateway = patient.gateway
    path = gateway.home / "run" / "milter.sock"
    (gateway.home / "run").chmod(0o777)
    before = gateway.config["milter"]["socket"]
    gateway.milter.stop()
    gateway.config["milter"]["socket"] = f"unix:{path}"
    gateway.write_config()
    gateway.start_milter()
    postconf(patient, "-e", f"smtpd_milters=unix:{path}", f"non_smtpd_milters=unix:{path}")
    assert patient.findings() == []
    treat(patient, "postfix.milter-chroot",
          lambda w: postconf(w, "-F", f"{service(w, 'submission')}/chroot=y"))
    gateway.milter.stop()
    gateway.config["milter"]["socket"] = before
    gateway.write_config()
    gateway.start_milter()
    postconf(patient, "-e", f"smtpd_milters={gateway.mta_milter}", f"non_smtpd_milters={gateway.mta_milter}")


@pytest.mark.parametrize("name", ["milter", "poller"])
def test_daemon_is_down(patient, name):
    daemon = getattr(patient.gateway, name)
    daemon.stop()
    found = patient.findings("--no-login")
    assert [(f["code"], f["command"]) for f in found] == [("socket.silent", f"systemctl restart demail-{name}")], found
    getattr(patient.gateway, f"start_{name}")()


def test_mta_is_down(patient, mta):
    patient.mta.stop()
    found = [f for f in patient.findings("--no-login") if f["code"] == "mta.inject-silent"]
    assert [f["command"] for f in found] == [f"systemctl restart {mta}"], found
    patient.mta.start()
    wait_until(lambda: patient.findings("--no-login") == [], "the MTA to answer")


@postfix_only
def test_wrong_password_is_tried_once_for_each_account(patient):
    """Two tenants; a third with the account of the first."""
    gateway = patient.gateway
    password = gateway.home / "sandbox.password"
    gateway.poller.stop()
    gateway.config["tenant third"] = {**gateway.config["tenant stadt"], "email_domains": "dorf.example",
                                      "demail_domains": "dorf.de-mail.de"}
    gateway.config["tenant only-received"] = {**gateway.config["tenant stadt"], "account": "amt@viele.de-mail.de",
                                              "email_domains": "amt.example", "demail_domains": "viele.de-mail.de",
                                              "direction": "receive", "poll": "no"}
    gateway.write_config()
    password.write_text("falsch\n")
    found = [f for f in patient.findings() if f["code"] == "provider.login"]
    assert [re.search(r"(\d+) attempts left", f["problem"])[1] for f in found] == [ATTEMPTS_LEFT] * 2, json.dumps(found)
    assert all(shlex.quote(str(password)) in f["command"] and "falsch" not in json.dumps(f) for f in found), found
    assert [f["code"] for f in patient.findings("--no-login")] == ["socket.silent"]
    password.write_text("geheim\n")
    for name in ("tenant third", "tenant only-received"):
        del gateway.config[name]
    gateway.write_config()
    gateway.start_poller()


@postfix_only
def test_logs_in_as_the_poller(patient):
    """A provider's answers, and the list of providers, are no reading for root."""
    def user():
        return re.search(r"(?m)^Uid:\t\d+\t(\d+)", Path(f"/proc/{check.pid}/status").read_text())[1]

    patient.sandbox.fault("delay", path="/v1/session", seconds=3, times=1)
    check = subprocess.Popen([program("demailctl"), "-c", patient.gateway.conf, "check", "--postfix-config",
                              patient.mta.etc], stdout=subprocess.DEVNULL, env={**os.environ, **SANITIZERS})
    wait_until(lambda: check.poll() is not None or user() == str(USERS["demail-poller"]), "the poller's user")
    assert check.poll() is None
    assert check.wait(timeout=60) == 0
    patient.sandbox.clear_faults()


@postfix_only
def test_somebody_else_than_root_sees_less_and_is_told(patient):
    (patient.gateway.home / "stamp.key").chmod(0o644)
    done = run(program("demailctl"), "-c", patient.gateway.conf, "--json", "check", "--postfix-config",
               patient.mta.etc, user="nobody", group="nogroup", extra_groups=[])
    (patient.gateway.home / "stamp.key").chmod(0o640)
    commands = {f["code"]: f["command"] for f in json.loads(done.stdout)["findings"]}
    assert commands["check.not-root"] == f"sudo demailctl -c {patient.gateway.conf} check", done


@postfix_only
def test_no_mail_server(patient):
    done = patient.gateway.demailctl("-c", patient.gateway.conf, "--json", "check", "--no-login", "--postfix-config",
                                     patient.home / "nowhere")
    assert done.returncode == 78
    assert [f["code"] for f in json.loads(done.stdout)["findings"]] == ["postfix.unreadable"], done
    done = patient.gateway.demailctl("-c", patient.gateway.conf, "check", "--no-login", "--no-mta")
    assert (done.returncode, done.stderr) == (0, ""), done
