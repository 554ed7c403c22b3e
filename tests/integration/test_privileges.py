"""What the daemons may do: the rating of the units, their work under the units' restrictions, the rights that they give
up when root starts them."""

import errno
import grp
import json
import os
import pwd
import re
import subprocess
import sys
from pathlib import Path

import pytest

from harness import confine
from harness.process import program
from harness.world import World

MAX, ERIKA = "max@gemeinde.example", "erika@muster.de-mail.de"
EXPOSURE_MAX = 1.5
UNITS = ("demail-milter", "demail-poller")


def status(daemon):
    """/proc/PID/status of a daemon, by field."""
    text = Path(f"/proc/{daemon.process.pid}/status").read_text()
    return dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)


def assert_rights(daemon, user, group, groups):
    """It is this user, in these groups and no other, and has no capability and no way to one."""
    rights = status(daemon)
    uid, gid = pwd.getpwnam(user).pw_uid, grp.getgrnam(group).gr_gid
    assert rights["Uid"].split() == [str(uid)] * 4, rights
    assert rights["Gid"].split() == [str(gid)] * 4, rights
    assert {int(g) for g in rights["Groups"].split()} - {gid} == {grp.getgrnam(g).gr_gid for g in groups}, rights
    for sort in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(rights[sort], 16) == 0, (sort, rights)
    assert rights["NoNewPrivs"] == "1", rights


@pytest.fixture
def release():
    """Sanitizers map memory and call what the units forbid, so this needs the build without."""
    assert "DEMAIL_BUILD_RELEASE" in os.environ, "DEMAIL_BUILD_RELEASE is not set; run the suite by tests/run"
    return os.environ["DEMAIL_BUILD_RELEASE"]


@pytest.fixture
def confined(monkeypatch, release):
    """A world whose daemons have the rights that their units leave."""
    monkeypatch.setenv("DEMAIL_CONFINED", "1")
    world = World("postfix", release)
    yield world
    wrong = world.stop()
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", UNITS)
def test_exposure_of_the_unit(name, tmp_path, record_property):
    text = (confine.SYSTEMD / f"{name}.service.in").read_text().replace("@SBINDIR@", "/usr/sbin")
    unit = tmp_path / f"{name}.service"
    unit.write_text(text)
    done = subprocess.run(["systemd-analyze", "security", "--offline=yes", "--no-pager", unit], capture_output=True,
                          text=True, check=True)
    exposure = float(re.search(r"exposure level for \S+: ([0-9.]+)", done.stdout)[1])
    record_property(f"exposure of {name}", exposure)
    assert exposure <= EXPOSURE_MAX, done.stdout


def test_demail_goes_and_comes_under_the_units_restrictions(confined, token):
    """Both ways, with confirmations, a reload and a restart over the socket that is left."""
    gateway = confined.gateway
    assert confined.send(MAX, ERIKA, f"[EB] {token}").code == 250
    confined.sandbox.wait(ERIKA, token.encode())
    confined.mailboxes.wait(MAX, b"confirmation of receipt")
    gateway.milter.reload("event=reloaded")
    gateway.poller.reload("event=reloaded")
    gateway.poller.kill()
    gateway.start_poller()
    confined.sandbox.send(ERIKA, ["max@gemeinde.de-mail.de"], token + "back", "Guten Tag\n")
    confined.mailboxes.wait(MAX, (token + "back").encode())


def test_rights_under_the_units_restrictions(confined):
    gateway = confined.gateway
    assert_rights(gateway.milter, "daemon", "nogroup", ["postfix"])
    assert_rights(gateway.poller, "nobody", "nogroup", ["proxy", "postfix"])
    for daemon in (gateway.milter, gateway.poller):
        assert int(status(daemon)["Seccomp_filters"]) == 3
    for secret in ("token.key", "sandbox.password"):
        assert read_as(gateway.milter, gateway.home / secret) == errno.EACCES
        assert read_as(gateway.poller, gateway.home / secret) == 0
        assert read_as_user("postfix", gateway.home / secret) == errno.EACCES
    socket = gateway.lmtp.removeprefix("unix:")
    assert (os.stat(socket).st_mode & 0o7777, os.stat(socket).st_gid) == (0o660, grp.getgrnam("postfix").gr_gid)


def read_as(daemon, path):
    """0 or the error number with which somebody with a daemon's user and groups opens a file."""
    rights = status(daemon)
    groups = [int(g) for g in rights["Groups"].split()]
    return _open(int(rights["Uid"].split()[0]), int(rights["Gid"].split()[0]), groups, path)


def read_as_user(user, path):
    entry = pwd.getpwnam(user)
    return _open(entry.pw_uid, entry.pw_gid, os.getgrouplist(user, entry.pw_gid), path)


def _open(uid, gid, groups, path):
    code = "import sys\ntry: open(sys.argv[1]).close()\nexcept OSError as e: sys.exit(e.errno)"
    return subprocess.run([sys.executable, "-c", code, path], user=uid, group=gid, extra_groups=groups,
                          check=False).returncode


def test_milter_needs_no_network(confined, token):
    """With nothing but a loopback of its own, over a Unix socket; from there nothing can be reached."""
    gateway = confined.gateway
    path = gateway.home / "run" / "milter.sock"
    gateway.milter.stop()
    gateway.config["milter"].update(socket=f"unix:{path}", socket_group="postfix")
    gateway.write_config()
    gateway.milter.command = [*map(str, confine.launcher("demail-milter", gateway.home, own_network=True)),
                              str(program("demail-milter", gateway.build)), "-c", str(gateway.conf), "-f"]
    gateway.start_milter()
    own, others = (os.readlink(f"/proc/{pid}/ns/net") for pid in (gateway.milter.process.pid, os.getpid()))
    assert own != others
    interfaces = Path(f"/proc/{gateway.milter.process.pid}/net/dev").read_text().splitlines()[2:]
    assert [line.split(":")[0].strip() for line in interfaces] == ["lo"]
    confined.mta.configure(f"smtpd_milters=unix:{path}")
    assert confined.send(MAX, ERIKA, token).code == 250
    confined.sandbox.wait(ERIKA, token.encode())


PROBE = """
import ctypes, errno, json, mmap, os, resource, socket, sys
def outcome(call):
    try:
        call()
    except OSError as error:
        return errno.errorcode[error.errno]
    except ValueError:
        return "EPERM"  # Python's word for it where a limit is raised
    return "done"
home = sys.argv[1]
print(json.dumps({
    "write /usr": outcome(lambda: open("/usr/probe", "w")),
    "write home": outcome(lambda: open(home + "/probe", "w")),
    "write state": outcome(lambda: open(home + "/state/probe", "w")),
    "write tmp": outcome(lambda: open("/tmp/probe", "w")),
    "code": outcome(lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_WRITE | mmap.PROT_EXEC)),
    "packets": outcome(lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)),
    "users": outcome(lambda: os.setuid(os.getuid())),
    "groups": outcome(lambda: os.setgroups([])),
    "root": outcome(lambda: os.chroot("/")),
    "priority": outcome(lambda: os.setpriority(os.PRIO_PROCESS, 0, os.getpriority(os.PRIO_PROCESS, 0))),
    "limits": outcome(lambda: resource.setrlimit(resource.RLIMIT_CORE, (1, 1))),
    "namespace": "done" if ctypes.CDLL(None).unshare(0x10000000) == 0 else "refused",
    "set-id": outcome(lambda: os.chmod("/tmp/probe", 0o4755)),
    "tmp": sorted(os.listdir("/tmp")),
    "homes": sorted(os.listdir("/root") + os.listdir("/home")),
}))
"""


def probe(world, unit, code):
    command = [*map(str, confine.launcher(unit, world.gateway.home)), sys.executable, "-c", code,
               str(world.gateway.home)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def in_sight(folder):
    """What of a hidden folder the programs under test need."""
    return {path.relative_to(folder).parts[0] for path in build_folders() if path.is_relative_to(folder)}


def test_what_the_units_forbid_is_forbidden(confined):
    tmp = {confined.home.name, *in_sight("/tmp")}
    for unit, state in (("demail-milter", "EROFS"), ("demail-poller", "done")):
        done = probe(confined, unit, PROBE)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout) == {
            "write /usr": "EROFS", "write home": "EROFS", "write state": state, "write tmp": "done", "code": "EPERM",
            "packets": "EAFNOSUPPORT", "users": "EPERM", "groups": "EPERM", "root": "EPERM", "priority": "EPERM",
            "limits": "EPERM", "namespace": "refused", "set-id": "EPERM", "tmp": sorted(tmp | {"probe"}),
            "homes": sorted({*in_sight("/root"), *in_sight("/home")})}


def build_folders():
    return [Path(os.environ[name]) for name in ("DEMAIL_BUILD", "DEMAIL_BUILD_RELEASE") if name in os.environ]


def test_rights_of_daemons_that_root_starts(own_world):
    """Groups of the tests' process, root's, are gone; the user's own are there."""
    for daemon in (own_world.gateway.milter, own_world.gateway.poller):
        user = pwd.getpwnam("nobody")
        group = grp.getgrgid(user.pw_gid).gr_name
        assert_rights(daemon, "nobody", group, [])


@pytest.mark.parametrize("name, section", [("demail-milter", "milter"), ("demail-poller", "poller")])
def test_root_as_user_is_refused(own_world, name, section):
    gateway = own_world.gateway
    gateway.config[section]["user"] = "root"
    gateway.write_config()
    done = subprocess.run([program(name), "-t", "-c", gateway.conf], capture_output=True, text=True, timeout=60,
                          check=False)
    assert (done.returncode, "user root is root" in done.stderr) == (78, True), done
