"""Users' mailboxes: maildirs below one folder, DOMAIN/LOCALPART."""

from dataclasses import dataclass
from email import message_from_bytes
from email.header import decode_header, make_header
from pathlib import Path

from .wait import wait_until


@dataclass(frozen=True)
class Mail:
    raw: bytes

    @property
    def header(self):
        return message_from_bytes(self.raw)

    @property
    def subject(self):
        return str(make_header(decode_header(" ".join(self.header.get("Subject", "").split()))))

    @property
    def body(self):
        """With CRLF as on the wire; the maildir has LF."""
        return self.raw.partition(b"\n\n")[2].replace(b"\n", b"\r\n")

    def text(self):
        """All text in it, decoded."""
        parts = [p.get_payload(decode=True) for p in self.header.walk() if not p.is_multipart()]
        return b"\n".join(p for p in parts if p).decode("utf-8", "replace")


class Mailboxes:
    def __init__(self, folder):
        self.folder = Path(folder)

    def mails(self, address, containing=b""):
        """What lies in the mailbox, oldest first; only mails with the given bytes in them."""
        local, domain = address.split("@")
        new = self.folder / domain / local / "new"
        files = sorted(new.iterdir(), key=lambda f: f.stat().st_mtime_ns) if new.is_dir() else []
        return [Mail(raw) for raw in (f.read_bytes() for f in files) if containing in raw]

    def wait(self, address, containing, timeout=30.0):
        """The first mail in the mailbox with the given bytes in it."""
        return wait_until(lambda: self.mails(address, containing), f"a mail to {address} with {containing!r}",
                          timeout)[0]
