"""A service manager for one daemon, as far as the daemon notices: it listens for what the daemon says of itself, holds
its socket over restarts, and asks for signs of life."""

import os
import socket
import subprocess
import threading
import time
from pathlib import Path

from .process import SANITIZERS
from .wait import wait_until

# The first descriptor that is handed in is 3, and its receiver is named by its process id.
_HAND_IN = ('fd=$1; shift; exec 3<&"$fd"; if [ "$fd" != 3 ]; then exec {fd}<&-; fi; '
            'LISTEN_PID=$$ exec "$@"')


def listen(address, mode=0o666):
    """A listening socket on unix:PATH or inet:HOST:PORT."""
    family, _, rest = address.partition(":")
    if family == "unix":
        listening = socket.socket(socket.AF_UNIX)
        Path(rest).unlink(missing_ok=True)
        listening.bind(rest)
        os.chmod(rest, mode)
    else:
        host, _, port = rest.rpartition(":")
        listening = socket.socket()
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, int(port)))
    listening.listen(128)
    return listening


class Manager:
    """`daemon` is not running. `listening`: the socket to hand in, if any; `watchdog`: seconds between signs of life."""

    def __init__(self, daemon, home, listening=None, watchdog=None):
        self.daemon = daemon
        self.listening = listening
        self.watchdog = watchdog
        self.environment = {}  # besides
        self.states = []  # all that the daemon has ever said, in its order
        self.heard = 0.0  # when it did so last
        self._path = str(home / f"notify-{daemon.name}")
        self._notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._notify.bind(self._path)
        os.chmod(self._path, 0o666)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        while state := self._notify.recv(4096):
            self.states.append(state.decode())
            self.heard = time.monotonic()

    def close(self):
        """Hears nothing any more and lets go of the socket."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
            end.sendto(b"", self._path)
        self._reader.join()
        self._notify.close()
        if self.listening:
            self.listening.close()

    def launch(self, sockets=1):
        """Starts the daemon and does not wait for it. `sockets`: how many it is told to have."""
        environment = {**os.environ, **SANITIZERS, "NOTIFY_SOCKET": self._path}
        command, descriptors = self.daemon.command, ()
        if self.watchdog:
            environment["WATCHDOG_USEC"] = str(int(self.watchdog * 1_000_000))
        if self.listening:
            environment |= {"LISTEN_FDS": str(sockets), "LISTEN_FDNAMES": self.daemon.name}
            descriptors = (self.listening.fileno(),)
            command = ["bash", "-c", _HAND_IN, "bash", str(descriptors[0]), *command]
        with open(self.daemon.log, "ab") as log:
            environment |= self.environment
            self.daemon.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                                   env=environment, start_new_session=True, pass_fds=descriptors)

    def start(self):
        """Starts the daemon and waits until it says that it is ready."""
        before = self.said("READY=1")
        self.launch()
        wait_until(lambda: self.said("READY=1") > before or not self.daemon.running(), f"{self.daemon.name} to be ready")
        if not self.daemon.running():
            raise AssertionError("\n".join([f"{self.daemon.name} ended", *self.daemon.lines()[-20:]]))

    def restart(self):
        """As systemctl restart."""
        code = self.daemon.stop()
        if code != 0:
            raise AssertionError("\n".join([f"{self.daemon.name} ended with {code}", *self.daemon.lines()[-20:]]))
        self.start()

    def said(self, word):
        """How often the daemon has said it."""
        return sum(word in state.split("\n") for state in list(self.states))

    def wait(self, word, times=1, timeout=60.0):
        """Until it has said it so often from now on."""
        before = self.said(word)
        wait_until(lambda: self.said(word) >= before + times, f"{word} from {self.daemon.name}", timeout)
