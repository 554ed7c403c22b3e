"""The restrictions of a systemd unit without systemd, for where no systemd runs the tests: this file, run as a program
by root, takes them on and becomes the daemon.

Had: users and groups, no capabilities, NoNewPrivileges, SystemCallFilter, RestrictAddressFamilies,
MemoryDenyWriteExecute, RestrictNamespaces, RestrictSUIDSGID, ProtectSystem=strict with ReadWritePaths, PrivateTmp,
ProtectHome, UMask, LimitCORE and
LimitNOFILE. IPAddressAllow=localhost is had as a network of nothing but loopback, for a daemon that
is reached over a Unix socket. Not had: what hides parts of /proc, /sys and /dev."""

import argparse
import ctypes
import errno
import fcntl
import functools
import grp
import mmap
import os
import pwd
import resource
import socket
import stat
import struct
import subprocess
import sys
from pathlib import Path

SYSTEMD = Path(__file__).resolve().parents[3] / "contrib" / "systemd"

# The unit's users and groups as some that every Debian system has, and that share nothing else here.
USERS = {"demail-milter": "daemon", "demail-poller": "nobody"}
GROUPS = {"demail": "nogroup", "demail-poller": "proxy", "demail-mta": "postfix"}

_NEW = {"CLONE_NEWNS": 0x20000, "CLONE_NEWCGROUP": 0x2000000, "CLONE_NEWUTS": 0x4000000, "CLONE_NEWIPC": 0x8000000,
        "CLONE_NEWUSER": 0x10000000, "CLONE_NEWPID": 0x20000000, "CLONE_NEWNET": 0x40000000}
_MS_BIND, _MS_REC, _MS_PRIVATE = 0x1000, 0x4000, 0x40000
_SYS_MOUNT_SETATTR, _AT_FDCWD, _AT_RECURSIVE, _MOUNT_ATTR_RDONLY = 442, -100, 0x8000, 1
_PR_CAPBSET_READ, _PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS = 23, 24, 38
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000
_NE, _EQ, _GT, _MASKED_EQ = 1, 4, 6, 7
_SHM_EXEC = 0o100000
_SIOCSIFFLAGS, _IFF_UP = 0x8914, 1

_libc = ctypes.CDLL(None, use_errno=True)


def unit(name):
    """The settings of a unit's [Service]: key to list of values, in their order."""
    settings = {}
    for line in (SYSTEMD / f"{name}.service.in").read_text().splitlines():
        key, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            settings.setdefault(key, []).append(value)
    return settings


def wanted():
    """Whether the daemons of all worlds are to be confined."""
    return os.environ.get("DEMAIL_CONFINED") == "1"


def launcher(name, home, own_network=False):
    """What stands before a daemon's command line; nothing where DEMAIL_CONFINED is not set. `own_network`: with nothing
    but a loopback of its own."""
    if not wanted():
        return []
    return [sys.executable, __file__, *(["--own-network"] if own_network else []), name, home, "--"]


def prepare(home, poller_secrets):
    """Gives the files of a gateway in `home` the owners that contrib/systemd gives them."""
    if not wanted():
        return
    os.chown(home / "run", 0, grp.getgrnam(GROUPS["demail"]).gr_gid)
    (home / "run").chmod(0o1771)
    for name in poller_secrets:
        os.chown(home / name, 0, grp.getgrnam(GROUPS["demail-poller"]).gr_gid)


def _check(result, what):
    if result < 0:
        raise OSError(ctypes.get_errno(), f"{what}: {os.strerror(ctypes.get_errno())}")
    return result


def _prctl(option, value):
    return _libc.prctl(option, ctypes.c_ulong(value), ctypes.c_ulong(0), ctypes.c_ulong(0), ctypes.c_ulong(0))


def _mount(source, target, kind=None, flags=0, data=None):
    texts = [None if text is None else os.fsencode(text) for text in (source, target, kind, data)]
    _check(_libc.mount(texts[0], texts[1], texts[2], ctypes.c_ulong(flags), texts[3]), f"mount {target}")


def _set_read_only(path, read_only, recursive):
    class Attributes(ctypes.Structure):
        _fields_ = [(field, ctypes.c_uint64) for field in ("set", "clear", "propagation", "userns")]

    change = Attributes(_MOUNT_ATTR_RDONLY if read_only else 0, 0 if read_only else _MOUNT_ATTR_RDONLY, 0, 0)
    _check(_libc.syscall(_SYS_MOUNT_SETATTR, _AT_FDCWD, os.fsencode(path), _AT_RECURSIVE if recursive else 0,
                         ctypes.byref(change), ctypes.c_size_t(ctypes.sizeof(change))), f"mount_setattr {path}")


def _confine_files(settings, home, seen):
    """`seen`: folders that stay in sight though they may be below /tmp or a home."""
    assert settings["ProtectSystem"] == ["strict"] and settings["PrivateTmp"] == settings["ProtectHome"] == ["yes"]
    places = {"/run/demail": home / "run", "/run/demail-milter": home / "run", "/var/lib/demail": home / "state"}
    _mount(None, "/", flags=_MS_REC | _MS_PRIVATE)
    folders = {folder: os.open(folder, os.O_PATH) for folder in seen}
    for hidden in ("/tmp", "/var/tmp", "/home", "/root"):
        _mount("tmpfs", hidden, "tmpfs", data="mode=1777" if hidden.endswith("tmp") else "mode=0755")
    for folder, fd in folders.items():
        folder.mkdir(parents=True, exist_ok=True)
        _mount(f"/proc/self/fd/{fd}", folder, flags=_MS_BIND | _MS_REC)
        os.close(fd)
    for path in (places[p] for line in settings.get("ReadWritePaths", []) for p in line.split()):
        _mount(path, path, flags=_MS_BIND)
    _set_read_only("/", True, recursive=True)
    for path in (places[p] for line in settings.get("ReadWritePaths", []) for p in line.split()):
        _set_read_only(path, False, recursive=False)
    for private in ("/tmp", "/var/tmp"):
        _set_read_only(private, False, recursive=False)


def _confine_rights(settings):
    assert settings["NoNewPrivileges"] == ["yes"] and settings["CapabilityBoundingSet"] == [""]
    (user,), (group,) = settings["User"], settings["Group"]
    groups = [GROUPS[g] for line in settings.get("SupplementaryGroups", []) for g in line.split()]
    capability = 0
    while _prctl(_PR_CAPBSET_READ, capability) >= 0:
        _check(_prctl(_PR_CAPBSET_DROP, capability), "PR_CAPBSET_DROP")
        capability += 1
    uid, gid = pwd.getpwnam(USERS[user]).pw_uid, grp.getgrnam(GROUPS[group]).gr_gid
    os.setgroups([grp.getgrnam(g).gr_gid for g in groups])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    _check(_prctl(_PR_SET_NO_NEW_PRIVS, 1), "PR_SET_NO_NEW_PRIVS")


@functools.cache
def _groups_of_calls():
    """Groups of system calls as systemd knows them: name to members."""
    output = subprocess.run(["systemd-analyze", "syscall-filter"], capture_output=True, text=True, check=True).stdout
    groups, members = {}, None
    for line in output.splitlines():
        if not line.startswith(" "):
            members = groups.setdefault(line, []) if line.startswith("@") else None
        elif members is not None and not line.strip().startswith("#"):
            members.append(line.strip())
    return groups


def _calls(name):
    if not name.startswith("@"):
        return {name}
    return set().union(*map(_calls, _groups_of_calls()[name]))


def allowed_calls(settings):
    """The system calls that SystemCallFilter= leaves, as names."""
    allowed = _calls("@default")
    for line in settings["SystemCallFilter"]:
        names = set().union(*map(_calls, line.lstrip("~").split()))
        allowed = allowed - names if line.startswith("~") else allowed | names
    return allowed


class _Comparison(ctypes.Structure):
    _fields_ = [("argument", ctypes.c_uint), ("operator", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64)]


class _Filter:
    """A seccomp filter by libseccomp, which systemd brings along."""

    def __init__(self, default):
        self._lib = ctypes.CDLL("libseccomp.so.2")
        self._lib.seccomp_init.restype = ctypes.c_void_p
        self._context = ctypes.c_void_p(self._lib.seccomp_init(ctypes.c_uint32(default)))

    def rule(self, call, action, *comparison):
        """`comparison`: argument's index, operator, value and, with a mask, the masked value. Calls that this machine
        does not have are left out."""
        number = self._lib.seccomp_syscall_resolve_name(call.encode())
        if number >= 0:
            compared = (_Comparison * 1)(_Comparison(*comparison)) if comparison else None
            code = self._lib.seccomp_rule_add_array(self._context, ctypes.c_uint32(action), number,
                                                    1 if comparison else 0, compared)
            assert code == 0, (call, os.strerror(-code))

    def load(self):
        code = self._lib.seccomp_load(self._context)
        assert code == 0, os.strerror(-code)


def _restrict_families(settings):
    known = {getattr(socket, name): name for name in dir(socket) if name.startswith("AF_")}
    allowed = {getattr(socket, name) for line in settings["RestrictAddressFamilies"] for name in line.split()}
    assert allowed <= set(known)
    filter_ = _Filter(_ALLOW)
    for family in set(range(64)) - allowed:
        filter_.rule("socket", _ERRNO | errno.EAFNOSUPPORT, 0, _EQ, family)
    filter_.rule("socket", _ERRNO | errno.EAFNOSUPPORT, 0, _GT, 63)
    filter_.load()


def _restrict_memory_and_files(settings):
    for key in ("MemoryDenyWriteExecute", "RestrictNamespaces", "RestrictSUIDSGID"):
        assert settings[key] == ["yes"], key
    filter_ = _Filter(_ALLOW)
    both = mmap.PROT_WRITE | mmap.PROT_EXEC
    filter_.rule("mmap", _ERRNO | errno.EPERM, 2, _MASKED_EQ, both, both)
    filter_.rule("mprotect", _ERRNO | errno.EPERM, 2, _MASKED_EQ, mmap.PROT_EXEC, mmap.PROT_EXEC)
    filter_.rule("pkey_mprotect", _ERRNO | errno.EPERM, 2, _MASKED_EQ, mmap.PROT_EXEC, mmap.PROT_EXEC)
    filter_.rule("shmat", _ERRNO | errno.EPERM, 2, _MASKED_EQ, _SHM_EXEC, _SHM_EXEC)
    for flag in _NEW.values():
        filter_.rule("clone", _ERRNO | errno.EPERM, 0, _MASKED_EQ, flag, flag)
    filter_.rule("clone3", _ERRNO | errno.ENOSYS)
    for call in ("unshare", "setns"):
        filter_.rule(call, _ERRNO | errno.EPERM)
    for bit in (stat.S_ISUID, stat.S_ISGID):
        for call, argument in (("chmod", 1), ("fchmod", 1), ("fchmodat", 2), ("mkdir", 1), ("mkdirat", 2)):
            filter_.rule(call, _ERRNO | errno.EPERM, argument, _MASKED_EQ, bit, bit)
    filter_.load()


def _restrict_calls(settings):
    names = allowed_calls(settings)
    filter_ = _Filter(_ERRNO | getattr(errno, settings["SystemCallErrorNumber"][0]))
    for name in names:
        filter_.rule(name, _ALLOW)
    filter_.load()


def _limit(settings):
    assert settings["LimitCORE"] == ["0"]
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(int(settings["LimitNOFILE"][0]), hard), hard))
    os.umask(int(settings["UMask"][0], 8))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--own-network", action="store_true")
    parser.add_argument("unit")
    parser.add_argument("home", type=Path)
    parser.add_argument("command", nargs="+")
    arguments = parser.parse_args()
    settings = unit(arguments.unit)
    seen = {arguments.home.parent, *(Path(os.environ[name]) for name in ("DEMAIL_BUILD", "DEMAIL_BUILD_RELEASE")
                                     if name in os.environ)}
    _groups_of_calls()  # while programs can be run
    if arguments.own_network:
        assert settings["IPAddressDeny"] == ["any"] and settings["IPAddressAllow"] == ["localhost"]
        _check(_libc.unshare(_NEW["CLONE_NEWNET"]), "unshare")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
            fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sh", b"lo", _IFF_UP))
    _check(_libc.unshare(_NEW["CLONE_NEWNS"]), "unshare")
    _confine_files(settings, arguments.home, seen)
    _limit(settings)
    _confine_rights(settings)
    _restrict_families(settings)
    _restrict_memory_and_files(settings)
    _restrict_calls(settings)
    os.execv(arguments.command[0], arguments.command)


if __name__ == "__main__":
    main()
