"""Waiting for conditions."""

import time


def wait_until(condition, what, timeout=30.0):
    """Returns the first true value of condition(); AssertionError naming `what` after `timeout` seconds."""
    end = time.monotonic() + timeout
    pause = 0.01
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"waited {timeout:g} s in vain for {what}")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.25)
