"""Between the poller and the provider: hears what the TLS hides from others."""

import re
import socket
import ssl
import threading

from .ports import free_port


class Eavesdropper:
    """Relays TLS connections at `url` to the provider, with the provider's own certificate and the client's."""

    def __init__(self, pki, port):
        self._provider = port
        self._inside = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(pki.cert("ca")))
        self._inside.load_cert_chain(pki.cert("server"), pki.key("server"))
        self._outside = ssl.create_default_context(cafile=str(pki.cert("ca")))
        self._outside.load_cert_chain(pki.cert("client"), pki.key("client"))
        own = free_port()
        self.url = f"https://127.0.0.1:{own}"
        self._heard = []
        self._conversations = []
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", own))
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def tokens(self):
        """Bearer tokens in the order in which they were first used."""
        with self._lock:
            heard = b"".join(self._heard)
        return list(dict.fromkeys(re.findall(rb"(?i)Authorization: Bearer (\S+)", heard)))

    def heard(self, words):
        with self._lock:
            return any(words in data for data in self._heard)

    def conversations(self):
        """What was said on each connection: to the provider, and by it."""
        with self._lock:
            return [(b"".join(asked), b"".join(answered)) for asked, answered in self._conversations]

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:  # stopped
                return
            threading.Thread(target=self._relay, args=(client,), daemon=True).start()

    def _relay(self, client):
        try:
            with (self._inside.wrap_socket(client, server_side=True) as inside,
                  socket.create_connection(("127.0.0.1", self._provider)) as plain,
                  self._outside.wrap_socket(plain, server_hostname="127.0.0.1") as outside):
                asked, answered = [], []
                with self._lock:
                    self._conversations.append((asked, answered))
                back = threading.Thread(target=self._pass_on, args=(outside, inside, answered), daemon=True)
                back.start()
                self._pass_on(inside, outside, asked)
                back.join()
        except OSError:  # one of both has gone
            return

    def _pass_on(self, source, target, said):
        try:
            while data := source.recv(65536):
                with self._lock:
                    self._heard.append(data)
                    said.append(data)
                target.sendall(data)
        except OSError:  # one of both has gone
            pass
        finally:
            for end in (source, target):
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:  # it has gone before
                    pass
