"""The rest of the Internet: an SMTP server that takes everything and remembers it; and one for LMTP."""

import os
import socketserver
import threading
from dataclasses import dataclass


@dataclass(frozen=True)
class Taken:
    sender: str
    recipients: tuple
    data: bytes  # as it came, CRLF, dot-stuffing undone

    @property
    def body(self):
        return self.data.partition(b"\r\n\r\n")[2]


class _Taker:
    """Serves until stop()."""

    def __init__(self, server):
        self._taken = []
        self._lock = threading.Lock()
        self._server = server
        self._server.sink = self
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    def add(self, taken):
        with self._lock:
            self._taken.append(taken)

    def messages(self, containing=b""):
        """What has come so far; only messages with the given bytes in them."""
        with self._lock:
            return [t for t in self._taken if containing in t.data]

    def recipients(self):
        """Every recipient so far, in lower case."""
        with self._lock:
            return [r.lower() for t in self._taken for r in t.recipients]

    def stop(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class Sink(_Taker):
    """Listens on 127.0.0.1:`port`."""

    def __init__(self, port):
        self.port = port
        super().__init__(_Server(("127.0.0.1", port), _Session))


class LmtpSink(_Taker):
    """Listens on the Unix socket `path`, in the place of the poller."""

    def __init__(self, path):
        self._path = path
        if os.path.exists(path):
            os.unlink(path)
        super().__init__(_UnixServer(path, _Session))
        os.chmod(path, 0o666)

    def stop(self):
        super().stop()
        os.unlink(self._path)


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


class _UnixServer(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True


class _Session(socketserver.StreamRequestHandler):
    def handle(self):
        sender, recipients, replies_per_recipient = "", [], False
        self._say("220 sink.invalid ESMTP")
        while line := self.rfile.readline():
            verb, _, rest = line.decode("utf-8", "surrogateescape").strip().partition(" ")
            verb = verb.upper()
            if verb in ("EHLO", "LHLO"):
                replies_per_recipient = verb == "LHLO"
                self._say("250-sink.invalid\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 SIZE 0")
            elif verb == "MAIL":
                sender, recipients = _path(rest), []
                self._say("250 2.1.0 Ok")
            elif verb == "RCPT":
                recipients.append(_path(rest))
                self._say("250 2.1.5 Ok")
            elif verb == "DATA":
                self._say("354 go ahead")
                self.server.sink.add(Taken(sender, tuple(recipients), self._data()))
                for _ in recipients if replies_per_recipient else recipients[:1]:
                    self._say("250 2.0.0 Ok")
            elif verb == "QUIT":
                self._say("221 2.0.0 Bye")
                return
            else:
                self._say("250 2.0.0 Ok")

    def _data(self):
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line[1:] if line.startswith(b".") else line)
        return b"".join(lines)

    def _say(self, text):
        self.wfile.write(text.encode() + b"\r\n")


def _path(argument):
    """The address of "FROM:<address> PARAMETERS"."""
    return argument[argument.index("<") + 1:argument.rindex(">")]
