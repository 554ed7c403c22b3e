"""An SMTP server before the MTA's injection port: passes every command on, but the one that is to go wrong."""

import socket
import socketserver
import threading

DROP = "drop"


class SmtpRelay:
    """Listens on 127.0.0.1:`port`, and is a client of the MTA at 127.0.0.1:`target`.

    The places where something can go wrong are "connect", the verbs "EHLO", "MAIL", "RCPT", "DATA" and "QUIT", "dot"
    (all of the message has come, the MTA gets none of it) and "taken" (the MTA has taken it)."""

    def __init__(self, port, target):
        self.target = target
        self.hits = 0
        self._place = self._answer = self._recipient = None
        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", port), _Session)
        self._server.daemon_threads = True
        self._server.relay = self
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    def fail(self, place, answer, recipient=""):
        """At `place` the client gets this reply, or with DROP none. `recipient`: only where RCPT has this in it."""
        self.hits = 0
        self._recipient, self._answer, self._place = recipient, answer, place

    def pass_on(self):
        self._place = None

    def failure(self, place, argument=""):
        """What is ordered for this place, or None."""
        if place != self._place or self._recipient not in argument:
            return None
        self.hits += 1
        return self._answer

    def stop(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Session(socketserver.StreamRequestHandler):
    def handle(self):
        with socket.create_connection(("127.0.0.1", self.server.relay.target)) as mta:
            self._mta, self._replies, self._alone = mta, mta.makefile("rb"), False
            try:
                self._converse()
            except (_Dropped, OSError):  # as ordered, or one of the ends is gone
                pass

    def _converse(self):
        greeting = self._reply()
        self._answer("connect", "", lambda: greeting)
        while line := self.rfile.readline():
            verb = line[:4].decode("latin-1").upper()
            answer = self._answer(verb, line.decode("latin-1"), lambda command=line: self._ask(command))
            if verb == "DATA" and answer.startswith(b"354"):
                self._data()
            if verb == "QUIT":
                return

    def _data(self):
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            if not line:
                raise _Dropped
            lines.append(line)
        message = b"".join([*lines, b".\r\n"])
        if self.server.relay.failure("taken"):
            self._ask(message)
            raise _Dropped
        self._answer("dot", "", lambda: self._ask(message))

    def _answer(self, place, argument, go_on):
        failure = self.server.relay.failure(place, argument)
        if failure == DROP:
            raise _Dropped
        self._alone = self._alone or failure is not None  # the MTA does not know of that
        answer = failure.encode() + b"\r\n" if failure else go_on()
        self.wfile.write(answer)
        return answer

    def _ask(self, data):
        if self._alone:
            return b"221 2.0.0 Bye\r\n"
        self._mta.sendall(data)
        return self._reply()

    def _reply(self):
        lines = []
        while line := self._replies.readline():
            lines.append(line)
            if line[3:4] != b"-":
                return b"".join(lines)
        raise _Dropped


class _Dropped(Exception):
    pass
