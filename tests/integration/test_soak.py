"""Memory and descriptors under many messages, shortened: tests/soak sends 100,000."""

import os

import pytest

from harness.soak import judge, least_growth, soak

MESSAGES, STAGE = 2000, 400
LEAK_MAX = 0.25  # KiB for each message


@pytest.mark.skipif("DEMAIL_BUILD_RELEASE" not in os.environ,
                    reason="sanitizers keep freed memory; tests/run gives DEMAIL_BUILD_RELEASE")
def test_memory_and_descriptors_at_rest():
    """The heaps still fill up here, in leaps: no bound for the whole would be both safe and sharp."""
    said = []
    result = soak(os.environ["DEMAIL_BUILD_RELEASE"], MESSAGES, said.append, STAGE)
    wrong = judge(result, growth_max=1.25)
    wrong += [f"{name}: memory at rest grows by {growth} KiB and more with each {STAGE} messages"
              for name, growth in least_growth(result[1]).items() if growth > LEAK_MAX * STAGE]
    assert not wrong, "\n".join(wrong + said)
