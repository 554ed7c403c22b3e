"""A table of a million addresses: look-ups against mdb_get(), compiling against postmap(1), start-up, replacement."""

import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from harness.gateway import Gateway
from harness.pki import Pki
from harness.ports import free_port

from .figures import Bound, Figure, interleave

ENTRIES = 1_000_000
LOOK_UPS = 1_000_000
QUICK_ENTRIES = 100_000
QUICK_LOOK_UPS = 100_000
NEVER_MS, OFTEN_MS = 60_000, 100
SMALL = "@gemeinde.example all\n"


class Table:
    """A source in random order, and what measures it. Everything is on the RAM disk."""

    def __init__(self, build, folder, entries):
        self.build, self.folder, self.entries = build, Path(folder), entries
        self.source = self.folder / "ours"
        self.other = self.folder / "postmap"
        self.measure("make", self.source)
        shutil.copy(self.source, self.other)
        (self.folder / "main.cf").write_text("compatibility_level = 3.6\n")

    def measure(self, what, file, *arguments):
        done = subprocess.run([self.build / "tests/bench/bench_table", what, file, str(self.entries),
                               *map(str, arguments)], check=True, stdout=subprocess.PIPE, text=True)
        return [float(word) for word in done.stdout.split()]

    def look_up(self, how, count):
        return count / self.measure("look-up", self.source, count, how)[0]

    def compile(self):
        """Seconds; with nothing in the place of the result."""
        self.compiled.unlink(missing_ok=True)
        return seconds([self.build / "ctl/demailctl", "-c", self.folder / "none.conf", "postmap", self.source])

    def compile_by_postmap(self):
        self.other.with_suffix(".lmdb").unlink(missing_ok=True)
        return seconds(["postmap", "-c", self.folder, f"lmdb:{self.other}"])

    @property
    def compiled(self):
        return self.folder / f"{self.source.name}.demail.lmdb"

    def prepare_replacement(self):
        for number in (1, 2):
            shutil.copy(self.compiled, self.folder / f"{self.source.name}.{number}")

    def replace(self, count, every_ms):
        """Look-ups per second, replacements, failures."""
        taken, replaced, failed = self.measure("replace", self.source, count, every_ms)
        return count / taken, replaced, failed


def seconds(command):
    start = time.monotonic()
    subprocess.run(command, check=True)
    return time.monotonic() - start


def compiling(table, options):
    taken = interleave({"ours": table.compile, "postmap": table.compile_by_postmap}, options.rounds)
    yield Figure("tables", f"compile {table.entries} lines", "s", taken, [Bound("ours", "postmap", most=1.2)])


def looking_up(table, options):
    count = QUICK_LOOK_UPS if options.quick else LOOK_UPS
    rates = interleave({"ours": lambda: table.look_up("get", count), "mdb_get": lambda: table.look_up("raw", count)},
                       options.rounds)
    yield Figure("tables", f"look-up among {table.entries}", "per second", rates, [Bound("ours", "mdb_get", least=0.8)])
    rates = interleave({"ours": lambda: table.look_up("read", count), "find": lambda: table.look_up("find", count),
                        "mdb_get": lambda: table.look_up("renew", count)}, options.rounds)
    yield Figure("tables", "the same, a reader for each", "per second", rates,
                 [Bound("ours", "mdb_get"), Bound("find", "mdb_get")])


def replacing(table, options):
    count = QUICK_LOOK_UPS if options.quick else LOOK_UPS
    table.prepare_replacement()
    rates, replaced, failed = interleave({"replaced": lambda: table.replace(count, OFTEN_MS),
                                          "left alone": lambda: table.replace(count, NEVER_MS)}, options.rounds)
    yield Figure("tables", "look-up while it is replaced", "per second", rates, [Bound("replaced", "left alone")],
                 f"replaced {sum(replaced['replaced']):.0f} times")
    # Of all rounds: a median would forgive what fails in some of them.
    sums = {name: [sum(values)] for name, values in failed.items()}
    yield Figure("tables", "look-ups that failed meanwhile", "look-ups", {**sums, "none": [0.0]},
                 [Bound("replaced", "none", most=1.0, counted=True)])


def starting(table, options):
    home = table.folder / "gateway"
    home.mkdir()
    table.folder.chmod(0o755)
    gateway = Gateway(home, pki(table.folder / "pki"), "https://127.0.0.1:1", free_port(), table.build)
    compiled = home / "senders.demail.lmdb"
    gateway.write_table("senders", SMALL)
    small = compiled.rename(home / "small")
    compiled.symlink_to(small)

    def start(target):
        compiled.unlink()
        compiled.symlink_to(target)
        begin = time.monotonic()
        try:
            gateway.start_milter()
            taken = time.monotonic() - begin
            assert gateway.milter.stop() == 0
        finally:
            gateway.milter.kill()
        return 1e3 * taken

    taken = interleave({"large": lambda: start(table.compiled), "small": lambda: start(small)}, options.rounds)
    yield Figure("tables", f"start of the milter with {table.entries}", "ms", taken, [Bound("large", "small")])


def pki(folder):
    made = Pki(folder)
    made.client()
    return made


def run(options):
    with tempfile.TemporaryDirectory(prefix="demail-") as folder:
        table = Table(options.build, folder, QUICK_ENTRIES if options.quick else ENTRIES)
        yield from compiling(table, options)
        yield from looking_up(table, options)
        yield from replacing(table, options)
        yield from starting(table, options)
