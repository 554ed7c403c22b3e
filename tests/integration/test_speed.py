"""Speed, as ratios within one run: shortened here, `tests/bench` programs take more rounds."""

import os
import subprocess

import pytest


@pytest.mark.skipif("DEMAIL_BUILD_RELEASE" not in os.environ,
                    reason="sanitizers slow us down; tests/run gives DEMAIL_BUILD_RELEASE")
def test_verification_reaches_half_of_sha256():
    program = os.path.join(os.environ["DEMAIL_BUILD_RELEASE"], "tests/bench/bench_verify")
    run = subprocess.run([program, "20", "15"], capture_output=True, text=True, timeout=120, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
