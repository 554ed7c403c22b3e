"""demailctl verify says of messages made independently of it what their manifest says: the given set, and one that
tests/vectors/make makes anew."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.process import SANITIZERS, program

VECTORS = Path(__file__).parent.parent / "vectors"


def run(*command):
    result = subprocess.run([str(word) for word in command],
                            capture_output=True,
                            text=True,
                            timeout=120,
                            check=False,
                            env={**os.environ, **SANITIZERS})
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("vectors")
    run(sys.executable, "-B", VECTORS / "make", folder)
    return folder


def test_given(record_property):
    record_property("given vectors", compared(VECTORS / "given"))


def test_made(made, record_property):
    record_property("made vectors", compared(made))


def test_maker_reads_the_standard_as_the_given_set_does():
    run(sys.executable, "-B", VECTORS / "make", "--check", VECTORS / "given")


def test_made_seals_are_what_the_maker_says(made):
    run(sys.executable, "-B", VECTORS / "make", "--check", made)


def compared(folder):
    return run(sys.executable, "-B", VECTORS / "compare", program("demailctl"), folder).splitlines()[-1]
