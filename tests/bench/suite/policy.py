"""The policy's decisions: how many per second, and that their cost is linear in the recipients."""

import re
import subprocess
import tempfile
from pathlib import Path

from harness.gateway import Gateway
from harness.pki import Pki
from harness.ports import free_port

from .figures import Bound, Figure, interleave

KINDS = ("ordinary", "demail", "refused")
RECIPIENTS = (1, 10, 1000)
DECISIONS = {1: 40_000, 10: 10_000, 1000: 200}
COUNTED = {10: 30, 1000: 2}  # decisions under valgrind


class Policy:
    """A gateway's configuration and tables, as the integration tests have them; no program of it runs."""

    def __init__(self, build, folder):
        self.program = build / "tests/bench/bench_policy"
        self.log = Path(folder) / "callgrind"
        pki = Pki(Path(folder) / "pki")
        pki.client()
        self.gateway = Gateway(Path(folder) / "gateway", pki, "https://127.0.0.1:1", free_port(), build)

    def call(self, kind, recipients, count, *under):
        done = subprocess.run([*under, self.program, self.gateway.conf, kind, str(recipients), str(count)], check=True,
                              stdout=subprocess.PIPE, text=True)
        return float(done.stdout)

    def microseconds(self, kind, recipients, count):
        """Of one decision, per recipient."""
        return 1e6 * self.call(kind, recipients, count) / count / recipients

    def instructions(self, kind, recipients):
        """Of one decision, per recipient."""
        count = COUNTED[recipients]
        self.call(kind, recipients, count, "valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null",
                  "--collect-atstart=no", "--toggle-collect=dm_policy_decide", f"--log-file={self.log}")
        collected = re.search(r"Collected : (\d+)", self.log.read_text())
        return int(collected[1]) / count / recipients


def run(options):
    with tempfile.TemporaryDirectory(prefix="demail-") as folder:
        policy = Policy(options.build, folder)
        for kind in KINDS:
            share = 20 if options.quick else 1
            per_recipient = interleave(
                {str(n): lambda n=n: policy.microseconds(kind, n, DECISIONS[n] // share) for n in RECIPIENTS},
                options.rounds)
            rates = {name: [1e6 / value / int(name) for value in values] for name, values in per_recipient.items()}
            yield Figure("policy", f"{kind}, by recipients", "decisions/s", rates)
            yield Figure("policy", f"{kind}, by recipients", "us/recipient", per_recipient,
                         [Bound("1000", "10", most=1.2)])
        for kind in KINDS:
            counts = {str(n): [policy.instructions(kind, n)] for n in COUNTED}
            yield Figure("policy", f"{kind}, by recipients", "instr./rec.", counts,
                         [Bound("1000", "10", most=1.2, counted=True)])
