"""A Debian in a folder: commands in it, and what is in it."""

import os
import shutil
import subprocess
from pathlib import Path

# Where others than the packages leave things behind, all of them prefixes.
ELSEWHERE = (
    "dev/", "proc/", "sys/",
    "root/",                        # the packages themselves, and what the steps keep there
    "var/cache/", "var/lib/apt/",   # apt's
    "var/lib/dpkg/",                # dpkg's; that the packages are purged is asked for by itself
    "var/log/",                     # apt's and dpkg's
    "run/adduser/",                 # adduser's lock
    "var/lib/postfix/", "var/spool/postfix/", "var/mail/", "etc/aliases.db",    # Postfix has run
)

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
SYSTEMCTL = Path(__file__).resolve().parent / "systemctl"


class Folder:
    def __init__(self, root):
        self.root = Path(root)

    def mount(self):
        """What programs expect; unmounted when this mount namespace ends."""
        subprocess.run(["mount", "-t", "proc", "proc", self.path("proc")], check=True)
        self.path("run/systemd/system").mkdir(parents=True)     # as if systemd ran: maintainer scripts ask for it
        shutil.copy(SYSTEMCTL, self.path("usr/local/sbin/systemctl"))
        # The administrator says yes, and keeps his own version of a configuration file.
        self.path("etc/apt/apt.conf.d/99answers").write_text('APT::Get::Assume-Yes "true";\n'
                                                             'DPkg::Options { "--force-confold"; };\n'
                                                             f'DPkg::Path "{PATH}";\n')

    def path(self, inside):
        return self.root / inside.lstrip("/")

    def run(self, command, folder="/root", check=True):
        """A command line for bash; its output, all of it."""
        done = subprocess.run(["chroot", self.root, "/bin/bash", "-euc", f"cd {folder}\n{command}"], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, check=False,
                              env={"PATH": PATH, "HOME": "/root", "LC_ALL": "C.UTF-8",
                                   "DEBIAN_FRONTEND": "noninteractive"})
        if check and done.returncode != 0:
            raise AssertionError(f"{command}\nended with {done.returncode}:\n{done.stdout}")
        return done.stdout if check else done

    def contents(self):
        """Files with type, mode and owner, users, groups: one line for each."""
        lines = set()
        for folder, folders, files in os.walk(self.root):
            for name in folders + files:
                path = Path(folder) / name
                inside = str(path.relative_to(self.root))
                if not f"{inside}/".startswith(ELSEWHERE):
                    status = path.lstat()
                    lines.add(f"{inside} {status.st_mode:o} {status.st_uid}:{status.st_gid}")
        for name in ("passwd", "group"):
            lines |= {f"{name}: {line}" for line in self.path(f"etc/{name}").read_text().splitlines()}
        return lines
