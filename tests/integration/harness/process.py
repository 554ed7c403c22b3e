"""One of the project's programs as a child process."""

import os
import signal
import subprocess
import threading
from pathlib import Path

from .wait import wait_until

# Addresses in a sanitizer's report are read by people, and a report must fail the test that caused it.
SANITIZERS = {
    "ASAN_OPTIONS": "abort_on_error=0:exitcode=99:detect_leaks=1",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1:exitcode=99",
}


def build_folder():
    """The build tree with the programs under test."""
    folder = os.environ.get("DEMAIL_BUILD")
    if not folder:
        raise RuntimeError("DEMAIL_BUILD is not set; run the suite by tests/run or ctest")
    return Path(folder)


def program(name, build=None):
    """The path of a program in the build tree."""
    folders = {"demail-milter": "milter", "demail-poller": "poller", "demailctl": "ctl", "demail-sandbox": "sandbox",
               "make_journal": "tests/journal"}
    return Path(build or build_folder()) / folders[name] / name


def run(*command, **options):
    """Runs one of the programs to its end; its output as text."""
    environment = {**os.environ, **SANITIZERS, **options.pop("env", {})}
    return subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=60, env=environment,
                          check=False, **options)


class Daemon:
    """A running daemon; standard output and error go to one log file, and lines of former lives stay in it."""

    def __init__(self, name, command, log):
        self.name = name
        self.command = [str(c) for c in command]
        self.log = Path(log)
        self.process = None

    def launch(self, **environment):
        """Starts it, with this beside the tests' own environment, and does not wait for it."""
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env={**os.environ, **SANITIZERS, **environment}, start_new_session=True)

    def start(self, ready):
        """Starts it and waits until ready() is true; AssertionError with the log if it ends before."""
        self.launch()
        wait_until(lambda: self.process.poll() is not None or ready(), f"{self.name} to be ready")
        if self.process.poll() is not None:
            raise AssertionError(f"{self.name} ended with {self.process.returncode}:\n{self.lines()[-20:]}")

    def running(self):
        return self.process is not None and self.process.poll() is None

    def signal(self, number):
        self.process.send_signal(number)

    def reload(self, event):
        """Has it read its configuration anew; the lines that it logs, up to one with `event` in it."""
        before = len(self.lines())
        self.signal(signal.SIGUSR1)
        wait_until(lambda: any(event in line for line in self.lines()[before:]), f"{event} in the log of {self.name}")
        return self.lines()[before:]

    def stop(self):
        """Asks it to end and returns its exit code; 0 if it was not running."""
        if not self.running():
            return 0
        self.process.terminate()
        try:
            return self.process.wait(timeout=45)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.name} did not end within 45 s after SIGTERM") from None

    def kill(self):
        if self.running():
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()

    def lines(self):
        return self.log.read_text(errors="replace").splitlines() if self.log.exists() else []

    def peak_rss(self):
        """Peak resident memory so far, in bytes."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
        raise AssertionError(f"{self.name}: no VmHWM")


def stop_all(daemons):
    """Stops several daemons at the same time; returns what was wrong, as lines."""
    wrong = []

    def stop(daemon):
        try:
            code = daemon.stop()
        except AssertionError as error:
            wrong.append(str(error))
        else:
            if code != 0:
                wrong.append("\n".join([f"{daemon.name} ended with {code}", *daemon.lines()[-60:]]))

    threads = [threading.Thread(target=stop, args=(d,)) for d in daemons]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return wrong


def processes_in(folder):
    """Ids of the processes whose working directory is `folder` or below."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if str((entry / "cwd").readlink()).startswith(str(folder)):
                    found.append(entry.name)
            except OSError:  # it has ended
                continue
    return found
