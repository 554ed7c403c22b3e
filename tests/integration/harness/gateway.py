"""demail-milter and demail-poller with their configuration, tables and keys."""

import configparser
import grp
import io
import os
import pwd
import secrets
import shutil
from pathlib import Path

from . import confine
from .ports import free_port
from .process import Daemon, program, run

EXAMPLES = Path(__file__).resolve().parents[3] / "contrib" / "examples"

# The daemons drop root and become this user, which every system has.
USER = pwd.getpwnam("nobody")
GROUP = grp.getgrgid(USER.pw_gid)

SENDERS = """\
@gemeinde.example               all
poststelle@gemeinde.example     all unit=Poststelle
einfach@gemeinde.example        none
vertraulich@gemeinde.example    private,receipt
gesperrt@gemeinde.example       no
@stadt.example                  all
"""

ADDRESSES = """\
chefin@gemeinde.example         leitung@gemeinde.de-mail.de
"""

SENDER_LOGINS = """\
poststelle@gemeinde.example     erna@gemeinde.example
"""


class Gateway:
    """`inject_port`: of the MTA. Files below `home`; tables are compiled by demailctl, as an administrator does."""

    def __init__(self, home, pki, provider_url, inject_port, build=None):
        self.home = Path(home)
        self.build = build
        self.pki = pki
        self.conf = self.home / "demail.conf"
        self.lmtp = f"unix:{self.home}/run/lmtp.sock"
        self.milter_port = free_port()
        self._make_folders()
        self.config = self._example(provider_url, inject_port)
        self._write_keys()
        for name, text in (("senders", SENDERS), ("addresses", ADDRESSES), ("sender_logins", SENDER_LOGINS)):
            self.write_table(name, text)
        self.write_table("demail_domains", f"de-mail.de {self.mta_lmtp}\n.de-mail.de {self.mta_lmtp}\n")
        self.write_config()
        confine.prepare(self.home, ("token.key", "sandbox.password"))
        self.milter = self._daemon("demail-milter", self.home / "milter.log")
        self.poller = self._daemon("demail-poller", self.home / "poller.log")

    def _daemon(self, name, log):
        return Daemon(name, [*confine.launcher(name, self.home), program(name, self.build), "-c", self.conf, "-f"], log)

    @property
    def mta_lmtp(self):
        """The poller as the MTA's transport tables name it."""
        return f"demail:{self.lmtp}"

    @property
    def mta_milter(self):
        """The milter as smtpd_milters names it."""
        return f"inet:127.0.0.1:{self.milter_port}"

    def _make_folders(self):
        for folder in (self.home, self.home / "run", self.home / "state"):
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(0o755)
        os.chown(self.home / "state", USER.pw_uid, USER.pw_gid)
        (self.home / "run" / "metrics").mkdir(exist_ok=True)
        (self.home / "run" / "metrics").chmod(0o1777)

    def _example(self, provider_url, inject_port):
        """contrib/examples/demail.conf with this instance's paths, ports and users, and a second tenant."""
        config = configparser.ConfigParser(interpolation=None, delimiters=("=",), comment_prefixes=("#",))
        config.optionxform = str
        config.read_string((EXAMPLES / "demail.conf").read_text().replace("/etc/demail/", f"{self.home}/"))
        config["gateway"].update(state_dir=f"{self.home}/state", language="en", trusted_clients="127.0.0.1/32;::1/128")
        config["milter"].update(socket=self.mta_milter, user=USER.pw_name, group=GROUP.gr_name,
                                metrics_file=f"{self.home}/run/metrics/milter.prom")
        config["poller"].update(lmtp=self.lmtp, inject=f"smtp://127.0.0.1:{inject_port}", socket_group="postfix",
                                user=USER.pw_name, group=GROUP.gr_name)
        config["provider sandbox"].update(url=provider_url, poll_interval="1s")
        config["tenant stadt"] = {**config["tenant gemeinde"], "account": "rathaus@stadt.de-mail.de",
                                  "email_domains": "stadt.example", "demail_domains": "stadt.de-mail.de",
                                  "catch_all": "rathaus@stadt.example", "bounce_address": "postmaster@stadt.example"}
        del config["tenant stadt"]["address_map"]
        del config["gateway"]["crl_files"]
        return config

    def _write_keys(self):
        self._secret("stamp.key", secrets.token_hex(32))
        self._secret("sandbox.password", "geheim\n")
        shutil.copy(self.pki.cert("ca"), self.home / "ca.pem")
        shutil.copy(self.pki.cert("client"), self.home / "token.pem")
        shutil.copy(self.pki.cert("ca"), self.home / "seal-ca.pem")
        self._secret("token.key", self.pki.key("client").read_text())

    def _secret(self, name, text):
        """Belongs to root; the daemons' group may read it."""
        path = self.home / name
        path.touch(mode=0o600)
        path.write_text(text)
        os.chown(path, 0, USER.pw_gid)
        path.chmod(0o640)

    def write_config(self):
        """Writes self.config as demail.conf."""
        text = io.StringIO()
        self.config.write(text)
        self.conf.write_text(text.getvalue())

    def trust(self, *sandboxes):
        """The seals of these providers; their CAs must be there when the gateway starts."""
        self.config["gateway"].update(trust_anchors=";".join(str(s.seal_ca) for s in sandboxes),
                                      crl_files=";".join(str(s.seal_crl) for s in sandboxes))
        self.write_config()

    def write_table(self, name, text):
        """Writes and compiles a table."""
        source = self.home / name
        source.write_text(text)
        way_back = ["--two-way"] if name == "addresses" else []
        done = self.demailctl("postmap", *way_back, source)
        if done.returncode != 0:
            raise AssertionError(f"demailctl postmap {source}: {done.stderr}")

    def demailctl(self, *arguments):
        return run(program("demailctl", self.build), *arguments)

    def start(self):
        self.start_poller()
        self.start_milter()

    def start_milter(self):
        self._start(self.milter)

    def start_poller(self):
        self._start(self.poller)

    @staticmethod
    def _start(daemon):
        before = len(daemon.lines())
        daemon.start(lambda: any("event=started" in line for line in daemon.lines()[before:]))
