"""What the poller and its provider say, as calls and answers."""

import http.client
import io

from .eavesdropper import Eavesdropper
from .openapi import Exchange


class _Answers:
    """Bytes that an HTTPResponse takes for a socket; what follows its answer stays."""

    def __init__(self, data):
        self._stream = io.BytesIO(data)
        self._stream.close = lambda: None

    def makefile(self, _mode):
        return self._stream

    def rest(self):
        return self._stream.getvalue()[self._stream.tell():]


def _read_body(stream, headers):
    """The body of a request, with the chunks put together."""
    if headers.get("transfer-encoding", "").lower() != "chunked":
        return stream.read(int(headers.get("content-length", "0")))
    body = b""
    while True:
        size = stream.readline()
        if not size.strip():
            return None  # it broke off
        length = int(size.split(b";")[0], 16)
        body += stream.read(length)
        stream.readline()
        if length == 0:
            return body


def exchanges(asked, answered):
    """The calls of one connection that were answered, of the bytes in both directions."""
    stream, answers, found = io.BytesIO(asked), _Answers(answered), []
    while True:
        line = stream.readline()
        if not line.endswith(b"\r\n") or not answers.rest():
            return found
        method, target, _ = line.decode().split()
        headers = {name.lower(): value for name, value in http.client.parse_headers(stream).items()}
        wanted = "expect" not in headers or answers.rest().startswith(b"HTTP/1.1 100")
        body = _read_body(stream, headers) if wanted else None
        response = http.client.HTTPResponse(answers, method=method)
        try:
            response.begin()
            answer = response.read()
        except (http.client.HTTPException, OSError):  # the answer was lost on purpose
            return found
        found.append(Exchange(method, target, headers, body, response.status,
                              {name.lower(): value for name, value in response.getheaders()}, answer))


class Recorder(Eavesdropper):
    """Relays as the Eavesdropper does, and keeps what was said on each connection."""

    def exchanges(self):
        """All calls that were answered, those of a connection in order."""
        return [exchange for asked, answered in self.conversations() for exchange in exchanges(asked, answered)]
