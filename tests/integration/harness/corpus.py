"""Messages that nobody here wrote, from Debian packages: the e-mail test data of Python, samples of spamassassin and
bounces of many MTAs from flufl.bounce. tests/corpus unpacks the packages into the folder DEMAIL_CORPUS."""

import os
import re
from pathlib import Path

PATTERNS = ("usr/lib/python3*/test/test_email/data/msg_*.txt",
            "usr/lib/python3/dist-packages/flufl/bounce/tests/data/*.txt",
            "usr/share/doc/spamassassin/examples/sample-*.txt")

# Replaced, because only Max may send as Max and only De-Mail recipients may be addressed.
_ENVELOPE_FIELDS = re.compile(rb"(?im)^(?:from|sender|reply-to|to|cc|bcc|(?:resent|x-de-?mail)-[^\s:]*)[ \t]*:"
                              rb".*(?:\n[ \t].*)*\n")


def files():
    """The files of all messages, in a fixed order."""
    folder = os.environ.get("DEMAIL_CORPUS")
    if not folder:
        raise RuntimeError("DEMAIL_CORPUS is not set; run the suite by tests/run or ctest")
    return sorted(f for pattern in PATTERNS for f in Path(folder).glob(pattern))


def addressed(file, sender, recipient, token):
    """The message from the file, from `sender` to `recipient`, with the token in a field X-Corpus. LF line ends."""
    raw = file.read_bytes().replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\0", b"")
    if raw.startswith((b"From ", b">From ")):
        raw = raw.partition(b"\n")[2]
    head, blank, body = raw.partition(b"\n\n")
    head = _ENVELOPE_FIELDS.sub(b"", head + b"\n").rstrip(b"\n")
    first = f"From: {sender}\nTo: {recipient}\nX-Corpus: {token}\n".encode()
    return first + head + (blank or b"\n\n") + body
