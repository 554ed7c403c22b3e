"""A program's output on a terminal of so many columns."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
import unicodedata

from .process import SANITIZERS

_COLOUR = re.compile("\033\\[[0-9;]*m")


def on_terminal(columns, command, **environment):
    """What appears, as text with its colours. NO_COLOR is not set unless asked for."""
    inherited = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "LC_ALL")}
    screen, program_side = pty.openpty()
    fcntl.ioctl(program_side, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=program_side, close_fds=True,
                          env={**inherited, **SANITIZERS, "LC_CTYPE": "C.UTF-8", **environment}) as process:
        os.close(program_side)
        shown = b""
        while True:
            try:
                part = os.read(screen, 65536)
            except OSError:  # nobody has the other side any more
                break
            shown += part
    os.close(screen)
    assert process.returncode == 0
    return shown.decode().replace("\r\n", "\n")


def without_colour(text):
    return _COLOUR.sub("", text)


def width(line):
    """The columns that it takes."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
               for c in without_colour(line))
