"""A world as the package sets it up, with users of its own, for demailctl check to look at and to mend.

The users are in a copy of /etc that only this process and its children see, so that commands such as gpasswd(1) change
nothing on the machine."""

import ctypes
import json
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from .process import SANITIZERS, build_folder
from .world import World

GROUPS = {"demail": 64001, "demail-mta": 64002, "demail-poller": 64003}
USERS = {"demail-milter": 64011, "demail-poller": 64012}
MEMBERS = {"demail-mta": "demail-milter,demail-poller,postfix", "demail-poller": "demail-poller"}

_CLONE_NEWNS = 0x20000
_libc = ctypes.CDLL(None, use_errno=True)


def _unshare():
    """From now on mounts of this thread, and of what it starts, are its own."""
    if _libc.unshare(_CLONE_NEWNS) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)


class OwnEtc:
    """A copy of /etc in the place of /etc, with the users and groups of contrib/systemd, until leave()."""

    def __init__(self):
        self._before = os.open("/proc/thread-self/ns/mnt", os.O_RDONLY)
        self._folder = Path(tempfile.mkdtemp(prefix="demail-etc-"))
        self._folder.chmod(0o755)
        subprocess.run(["cp", "-a", "/etc/.", self._folder], check=True)
        for name, number in GROUPS.items():
            self._append("group", f"{name}:x:{number}:{MEMBERS.get(name, '')}")
            self._append("gshadow", f"{name}:!::{MEMBERS.get(name, '')}")
        for name, number in USERS.items():
            self._append("passwd", f"{name}:x:{number}:{GROUPS['demail']}::/nonexistent:/usr/sbin/nologin")
        _unshare()
        subprocess.run(["mount", "--bind", self._folder, "/etc"], check=True)

    def _append(self, name, line):
        path = self._folder / name
        old = [kept for kept in path.read_text().splitlines() if kept.split(":")[0] != line.split(":", maxsplit=1)[0]]
        path.write_text("\n".join([*old, line, ""]))

    def leave(self):
        here = os.getcwd()
        if _libc.setns(self._before, _CLONE_NEWNS) != 0:
            raise OSError(ctypes.get_errno(), "setns")
        os.close(self._before)
        os.chdir(here)
        shutil.rmtree(self._folder)


class PatientWorld(World):
    """Healthy at the start: no port without the milter, daemons with users of their own."""

    def _start(self, mta, build):
        super()._start(mta, build)
        gateway = self.gateway
        for daemon in (gateway.milter, gateway.poller):
            daemon.stop()
        gateway.config["milter"].update(user="demail-milter", group="demail", socket_group="demail-mta")
        gateway.config["poller"].update(user="demail-poller", group="demail", socket_group="demail-mta")
        gateway.write_config()
        for name, group in (("stamp.key", "demail"), ("token.key", "demail-poller"),
                            ("sandbox.password", "demail-poller")):
            shutil.chown(gateway.home / name, "root", group)
        subprocess.run(["chown", "-R", "demail-poller:demail", gateway.home / "state"], check=True)
        shutil.chown(gateway.home / "run", "demail-poller")
        gateway.start()
        self._close_bypass()
        self._healthy = self.home / "healthy"
        shutil.copytree(self.mta.etc, self._healthy, ignore=shutil.ignore_patterns("sasl"))

    def heal(self):
        """Puts the files of the MTA's configuration back, whatever a test has made of them."""
        shutil.copytree(self._healthy, self.mta.etc, dirs_exist_ok=True)

    def _close_bypass(self):
        port = self.mta.ports.pop("bypass")
        if self.mta.name == "postfix":
            subprocess.run(["postconf", "-c", self.mta.etc, "-MX", f"127.0.0.1:{port}/inet"], check=True)
            return
        macros = self.mta.prefix / "usr/share/sendmail/cf"
        source = self.mta.etc / "sendmail.mc"
        source.write_text(re.sub(r"DAEMON_OPTIONS\(`Name=bypass.*\n", "", source.read_text()))
        (self.mta.etc / "Makefile").write_text(
            f".PHONY: sendmail.cf\nsendmail.cf:\n\tm4 -D_CF_DIR_={macros}/ {macros}/m4/cf.m4 sendmail.mc >$@.new\n"
            "\tmv $@.new $@\n")
        subprocess.run(["make", "-s", "-C", self.mta.etc], check=True)

    @property
    def _where(self):
        if self.mta.name == "postfix":
            return ["--postfix-config", self.mta.etc]
        return ["--sendmail-cf", self.mta.etc / "sendmail.cf"]

    def findings(self, *options):
        """What check finds, as dictionaries; its exit code must fit."""
        done = self.gateway.demailctl("-c", self.gateway.conf, "--json", "check", *self._where, *options)
        try:
            answer = json.loads(done.stdout)
        except ValueError:
            raise AssertionError(f"check: {done.returncode} {done.stdout} {done.stderr}") from None
        errors = [finding for finding in answer["findings"] if finding["severity"] == "error"]
        assert (done.returncode == 0, answer["good"]) == (not errors, not errors), done
        return answer["findings"]

    def check_text(self, *options):
        return self.gateway.demailctl("-c", self.gateway.conf, "check", *self._where, *options)

    def run_command(self, command):
        """Runs what check has printed, as an administrator does."""
        path = f"{build_folder()}/ctl:/usr/sbin:/usr/bin:/sbin:/bin"
        done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=60, check=False,
                              env={**os.environ, **SANITIZERS, "PATH": path})
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
