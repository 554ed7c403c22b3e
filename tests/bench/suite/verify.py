"""Verification of a De-Mail of 20 MiB, as a share of what OpenSSL's SHA-256 alone reaches over the same bytes."""

import re
import subprocess

from .figures import Bound, Figure

MIB = 20


def measure(program):
    """MiB per second of both, from a round of its own."""
    said = subprocess.run([program, str(MIB), "1"], stdout=subprocess.PIPE, text=True, check=False).stdout
    found = re.search(r"SHA-256 (\d+) MiB/s, verification (\d+) MiB/s", said)
    if not found:
        raise RuntimeError(f"{program} said {said!r}")
    return float(found[1]), float(found[2])


def run(options):
    rounds = [measure(options.build / "tests/bench/bench_verify") for _ in range(options.rounds)]
    samples = {"SHA-256": [rate for rate, _ in rounds], "verification": [rate for _, rate in rounds]}
    yield Figure("verify", f"{MIB} MiB", "MiB/s", samples, [Bound("verification", "SHA-256", least=0.5)])
