"""What a daemon holds: memory, descriptors, threads, as the kernel counts them."""

import re
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Footprint:
    """Memory in KiB. `mapped` is the part of `rss` that are pages of journal and tables: they are the page cache's, and
    grow with the file that is mapped."""
    rss: int
    anonymous: int
    mapped: int
    threads: int
    provider: int  # connections to the provider, which are kept for later
    descriptors: int  # all others

    @property
    def own(self):
        """Resident memory without the mapped pages, KiB."""
        return self.rss - self.mapped

    def __str__(self):
        return (f"rss={self.rss} own={self.own} anonymous={self.anonymous} mapped={self.mapped} KiB "
                f"threads={self.threads} descriptors={self.descriptors}+{self.provider}")


def measure(process, provider_port):
    """Of a running process. Needs root."""
    folder = Path("/proc") / str(process)
    status = dict(re.findall(r"(\w+):\s+(\d+)", (folder / "status").read_text()))
    inodes = _inodes(folder, provider_port)
    provider = others = 0
    for entry in (folder / "fd").iterdir():
        try:
            if str(entry.readlink()) in inodes:
                provider += 1
            else:
                others += 1
        except OSError:  # closed meanwhile
            continue
    return Footprint(int(status["VmRSS"]), int(status["RssAnon"]), _mapped(folder), int(status["Threads"]), provider,
                     others)


def _mapped(folder):
    """Resident KiB of LMDB's files."""
    total, counts = 0, False
    for line in (folder / "smaps").read_text().splitlines():
        if re.match(r"[0-9a-f]+-[0-9a-f]+ ", line):
            counts = ".lmdb" in line
        elif counts and line.startswith("Rss:"):
            total += int(line.split()[1])
    return total


def _inodes(folder, port):
    """The sockets whose other end is this TCP port, as the links in fd name them."""
    lines = [line.split() for line in (folder / "net/tcp").read_text().splitlines()[1:]]
    return {f"socket:[{line[9]}]" for line in lines if int(line[2].split(":")[1], 16) == port}


def connections_at(port):
    """Established TCP connections to a server of this machine."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(int(line[1].split(":")[1], 16) == port and line[3] == "01" for line in lines)


def connections_on(path):
    """Connections to a server's Unix socket."""
    lines = [line.split() for line in Path("/proc/net/unix").read_text().splitlines()[1:]]
    return sum(line[-1] == str(path) and line[5] == "03" for line in lines)
