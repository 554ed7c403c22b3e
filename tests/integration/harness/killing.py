"""A poller that ends at one of its steps (common/step.h), and is started again as a service manager would."""

import os
import shutil
import signal
from pathlib import Path

from .gateway import USER
from .wait import wait_until

STEP_EXIT = 100


class Mortal:
    """The poller of `gateway` with a state of its own, new and empty. It ends at step `stop` (None: never) of its first
    life; everybody who waits for something calls mind(), so that it is started again."""

    def __init__(self, gateway, name, stop=None):
        self.daemon = gateway.poller
        self.stop_at = stop
        self.deaths = 0
        self.home = gateway.home / f"state-{name}"
        self._log_begin = self.daemon.log.stat().st_size
        self._step_log = self.home / "steps"
        self.home.mkdir()
        os.chown(self.home, USER.pw_uid, USER.pw_gid)
        gateway.config["gateway"]["state_dir"] = str(self.home)
        gateway.write_config()

    def start(self):
        """The first life, with counted steps."""
        self._start(DEMAIL_STEP_LOG=str(self._step_log),
                    **({"DEMAIL_STEP_STOP": str(self.stop_at)} if self.stop_at else {}))

    def start_again(self):
        """A later life, which ends only when it is told to."""
        self._start()

    def mind(self):
        """Starts it again if it has ended at its step."""
        while not self.daemon.running():
            code = self.daemon.process.returncode
            if code != STEP_EXIT or self.deaths > 0:
                raise AssertionError(f"the poller ended with {code}:\n" + "\n".join(self.daemon.lines()[-60:]))
            self.deaths += 1
            self.start_again()

    def stop(self):
        """Asks it to end, in which it may come to its step; AssertionError if it never did."""
        code = self.daemon.stop()
        self.deaths += code == STEP_EXIT
        if code not in (0, STEP_EXIT) or self.deaths != (1 if self.stop_at else 0):
            raise AssertionError(f"the poller ended with {code}, {self.deaths} times at its step {self.stop_at}:\n" +
                                 "\n".join(self.daemon.lines()[-60:]))

    def _start(self, **environment):
        before = self.logged("event=started")
        self.daemon.launch(**environment)
        wait_until(lambda: not self.daemon.running() or self.logged("event=started") > before, "the poller to start")

    def poll(self):
        """A round now, of this life or the next."""
        self.mind()
        self.daemon.signal(signal.SIGUSR1)

    def logged(self, event):
        """How many lines it has logged with `event` in them."""
        with open(self.daemon.log, encoding="utf-8", errors="replace") as log:
            log.seek(self._log_begin)
            return sum(event in line for line in log)

    def steps(self):
        """The names of the steps of its first life, in their order."""
        return [line.split()[1] for line in Path(self._step_log).read_text().splitlines()]

    def end(self):
        """Ends it, and removes its state."""
        code = self.daemon.stop()
        shutil.rmtree(self.home)
        if code not in (0, STEP_EXIT):
            raise AssertionError(f"the poller ended with {code}:\n" + "\n".join(self.daemon.lines()[-60:]))
