"""The journal on the real disk: commits against the disk's own rate of synced writes, shared syncs, and flatness."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from .figures import Bound, Figure, interleave

REAL_DISK = "/var/tmp"
THREADS = (1, 8, 32)
COMMITS = 2  # of one De-Mail: submitting, and what became of it
FIRST = 1_000_000  # numbers of De-Mails that no filled journal holds begin here
WRITES = {1: 640, 8: 3200, 32: 9600}
DISK_WRITES = 4000
TENTHS = 10
PAGES = 12  # that a commit writes in a journal of some thousand De-Mails


class Bench:
    """bench_journal, with folders for journals on the real disk and on the RAM disk."""

    def __init__(self, build, disk, memory):
        self.program = build / "tests/bench/bench_journal"
        self.disk = Path(disk)
        self.memory = Path(memory)
        self.next = FIRST

    def call(self, *arguments):
        done = subprocess.run([self.program, *map(str, arguments)], check=True, stdout=subprocess.PIPE, text=True)
        return [[float(word) for word in line.split()] for line in done.stdout.splitlines()]

    def write_disk(self, count, pages=1, mib=1):
        """The disk's own seconds for so many syncs, each after `pages` writes of 4 KiB within so many MiB."""
        return self.call("disk", self.disk, count, pages, mib)[0][0]

    def write(self, folder, threads, count):
        """Commits per second, and what the disk was made to wait for, per De-Mail."""
        seconds, syncs, synchronous = self.call("write", folder, threads, count, self.next)[0]
        self.next += count
        return COMMITS * count / seconds, (syncs + synchronous) / count

    def write_new(self, threads, count):
        with tempfile.TemporaryDirectory(dir=self.disk) as folder:
            return self.write(folder, threads, count)

    def on_disk(self, filled):
        """A folder on the real disk with a copy of a journal that was filled on the RAM disk."""
        folder = self.disk / filled.name
        folder.mkdir()
        shutil.copy(filled / "journal.lmdb", folder)
        os.sync()
        return folder

    def microseconds(self, folder, count):
        """Of a De-Mail that is added to what is there."""
        return 1e6 * COMMITS / self.write(folder, 1, count)[0]

    def fill(self, name, count):
        """Microseconds and KiB written per De-Mail, for each tenth, on the RAM disk; and the folder."""
        folder = self.memory / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        tenths = self.call("fill", folder, count)
        return folder, [(1e6 * TENTHS * seconds / count, TENTHS * octets / 1024 / count) for seconds, octets in tenths]


def shared_syncs(bench, options):
    share = 10 if options.quick else 1
    variants = {f"{threads} threads": lambda threads=threads: bench.write_new(threads, WRITES[threads] // share)
                for threads in THREADS}
    writes = DISK_WRITES // share
    variants["disk"] = lambda: (writes / bench.write_disk(writes), 1.0)
    rates, syncs = interleave(variants, options.rounds)
    yield Figure("journal", "commits, synced writes of the disk", "per second", rates,
                 [Bound("1 threads", "disk"), Bound("32 threads", "disk", least=1.0)])
    del syncs["disk"]
    yield Figure("journal", "syncs and synchronous writes", "per De-Mail", syncs,
                 [Bound("8 threads", "1 threads", most=0.5), Bound("32 threads", "1 threads", most=0.25)])


def size_of(folder):
    """MiB of a journal."""
    return -(-(folder / "journal.lmdb").stat().st_size // 2**20)


def flat(bench, options):
    entries, writes = (10_000, 100) if options.quick else (100_000, 1000)
    rounds = []
    for _ in range(options.rounds):
        large, tenths = bench.fill("large", entries)
        rounds.append(tenths)
    small, _ = bench.fill("small", entries // TENTHS // 2)
    first, last = bench.on_disk(small), bench.on_disk(large)
    size = {"first": size_of(first), "last": size_of(last)}

    def disk_alone(which):
        """Microseconds for one De-Mail's pages, thrown over as much of the disk as that journal has."""
        return 1e6 * COMMITS * bench.write_disk(writes, PAGES, size[which]) / writes

    taken = interleave({"first tenth": lambda: bench.microseconds(first, writes),
                        "last tenth": lambda: bench.microseconds(last, writes),
                        "disk, first": lambda: disk_alone("first"), "disk, last": lambda: disk_alone("last")},
                       options.rounds)
    yield Figure("journal", f"among {entries} entries", "us/De-Mail", taken,
                 [Bound("last tenth", "first tenth", most=1.1), Bound("disk, last", "disk, first"),
                  Bound("last tenth", "disk, last")])
    for name, unit, place in (("time", "us/De-Mail", 0), ("written", "KiB/De-Mail", 1)):
        samples = {f"tenth {n + 1}": [tenths[n][place] for tenths in rounds] for n in (0, 1, 4, 9)}
        yield Figure("journal", f"the same without disk, {name}", unit, samples,
                     [Bound("tenth 10", "tenth 1"), Bound("tenth 10", "tenth 2")])


def run(options):
    with tempfile.TemporaryDirectory(prefix="demail-", dir=REAL_DISK) as disk, \
            tempfile.TemporaryDirectory(prefix="demail-") as memory:
        bench = Bench(options.build, disk, memory)
        yield from shared_syncs(bench, options)
        yield from flat(bench, options)
