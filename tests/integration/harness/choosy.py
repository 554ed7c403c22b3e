"""An SMTP server in the place of the MTA's injection port, which answers each recipient as it is told."""

import socketserver
import threading


class Choosy:
    """Listens on 127.0.0.1:`port`. `replies`: recipient -> the reply to RCPT; others are taken. `taken`: the recipient
    lists of the messages that came; `asked`: every recipient that was asked for, in order."""

    def __init__(self, port, replies):
        self.replies, self.taken, self.asked = replies, [], []
        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", port), _Session)
        self._server.daemon_threads = True
        self._server.choosy = self
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    def rcpt(self, recipient):
        self.asked.append(recipient)
        return self.replies.get(recipient, "250 2.1.5 Ok")

    def stop(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Session(socketserver.StreamRequestHandler):
    def handle(self):
        recipients = []
        self._say("220 choosy.invalid ESMTP")
        while line := self.rfile.readline():
            verb, _, rest = line.decode().strip().partition(" ")
            verb = verb.upper()
            if verb == "RCPT":
                recipient = rest[rest.index("<") + 1:rest.rindex(">")]
                reply = self.server.choosy.rcpt(recipient)
                recipients += [recipient] if reply.startswith("250") else []
                self._say(reply)
            elif verb == "DATA" and recipients:
                self._say("354 go ahead")
                while self.rfile.readline() not in (b".\r\n", b""):
                    pass
                self.server.choosy.taken.append(recipients)
                recipients = []
                self._say("250 2.0.0 Ok")
            elif verb == "DATA":
                self._say("554 5.5.1 no valid recipients")
            else:
                recipients = [] if verb in ("MAIL", "RSET") else recipients
                self._say("221 2.0.0 Bye" if verb == "QUIT" else "250 Ok")
                if verb == "QUIT":
                    return

    def _say(self, text):
        self.wfile.write(text.encode() + b"\r\n")
