"""tests/bench/run says what this does."""

import argparse
import importlib
import json
import os
import platform
import signal
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

BENCHES = ("mail", "tables", "policy", "sending", "receiving", "journal", "verify")


@dataclass(frozen=True)
class Options:
    """What every bench is given. Each is a module with run(options), a generator of figures."""
    build: Path
    rounds: int
    quick: bool


class Parser(argparse.ArgumentParser):
    """One that ends as tests/bench/run says."""
    def error(self, message):
        self.exit(64, f"run: {message}; see the first lines of tests/bench/run\n")


def arguments():
    parser = Parser(prog="run")
    parser.add_argument("benches", nargs="*", metavar="BENCH", help=", ".join(BENCHES))
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    unknown = set(given.benches) - set(BENCHES)
    if unknown or (given.rounds is not None and given.rounds < 1):
        parser.error(", ".join(sorted(unknown)) or "rounds")
    return given


def show(figure, quick):
    """A line with medians, and one for each ratio."""
    medians = "  ".join(f"{name} {figure.median(name):.4g}" for name in figure.samples)
    print(f"{figure.bench:9} {figure.name:36} {figure.unit:10} {medians}", flush=True)
    broken = figure.broken(quick)
    for bound in figure.bounds:
        judged = bound.counted or not quick
        word = "BROKEN" if bound in broken else "ok" if judged else "not judged"
        print(f"{'':57} {figure.ratio(bound):8.3f}  {bound}  {word}", flush=True)
    if figure.note:
        print(f"{'':57} {figure.note}", flush=True)
    return not broken


def as_json(figure):
    return {"bench": figure.bench, "name": figure.name, "unit": figure.unit, "samples": figure.samples,
            "medians": {name: figure.median(name) for name in figure.samples},
            "ratios": [{"of": bound.subject, "to": bound.base, "ratio": figure.ratio(bound), "least": bound.least,
                        "most": bound.most, "counted": bound.counted} for bound in figure.bounds],
            "note": figure.note}


def main():
    given = arguments()
    # The benches clean up as after Ctrl-C: what they have started has sessions of its own.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _frame: sys.exit(128 + number))
    options = Options(Path(os.environ["DEMAIL_BUILD"]), given.rounds or (1 if given.quick else 5), given.quick)
    if os.access("/dev/shm", os.W_OK):
        tempfile.tempdir = "/dev/shm"
    print(f"{os.cpu_count()} processors, Linux {platform.release()}, {options.rounds} rounds; medians, and medians of "
          f"the ratios within a round")
    good, figures = True, []
    for name in given.benches or BENCHES:
        for figure in importlib.import_module(f"suite.{name}").run(options):
            good = show(figure, given.quick) and good
            figures.append(as_json(figure))
    if given.json:
        given.json.write_text(json.dumps({"quick": given.quick, "rounds": options.rounds, "good": good,
                                          "figures": figures}, indent=1) + "\n")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
