"""The wall clock of a daemon, to be moved while it runs."""

import os
import subprocess
from pathlib import Path

from .process import SANITIZERS
from .wait import wait_until

_SOURCE = Path(__file__).with_name("clock.c")


class Clock:
    """Starts `daemon` with a clock of its own, which is right at first; files go into `folder`."""

    def __init__(self, folder, daemon):
        library = Path(folder) / "clock.so"
        self._file = Path(folder) / f"{daemon.name}.clock"
        self.move(0)
        subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-o", library, _SOURCE], check=True)
        before = len(daemon.lines())
        daemon.launch(LD_PRELOAD=str(library), DEMAIL_CLOCK=str(self._file),
                      ASAN_OPTIONS=SANITIZERS["ASAN_OPTIONS"] + ":verify_asan_link_order=0")
        wait_until(lambda: any("event=started" in line for line in daemon.lines()[before:]), f"{daemon.name} to start")

    def move(self, seconds):
        """From now on the clock is so much ahead of the right one."""
        new = self._file.with_suffix(".new")
        new.write_text(f"{seconds}\n")
        os.replace(new, self._file)
