"""The line between the poller and its provider, where it can be cut, held, or taken over by somebody else."""

import contextlib
import select
import socket
import ssl
import struct
import threading

_BLOCK = 65536


class Wire:
    """Listens on 127.0.0.1:`port` and passes everything on to 127.0.0.1:`target`, byte by byte and so without a look
    into TLS, until one of the other methods says something else. Each of them closes the connections that are open.
    `hits`: how often a connection came to what was ordered."""

    def __init__(self, port, target):
        self.port, self.target = port, target
        self.hits = 0
        self._serve = self._pass
        self._open = set()
        self._lock = threading.Lock()
        self._stopped = False
        self._listener = self._listen()
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def pass_on(self):
        """Heals the line. If nothing was wrong with it, no connection is closed."""
        if self._listener.fileno() < 0:
            self._listener = self._listen()
        if self._serve != self._pass:
            self._order(self._pass)

    def close(self):
        """Nobody listens any more."""
        self._order(self._reset)
        self._listener.close()

    def reset(self):
        """Every connection is reset at once."""
        self._order(self._reset)

    def cut(self, after, upwards):
        """A connection is reset when so many bytes have gone to the provider (`upwards`), or come from it."""
        self._order(lambda client: self._pass(client, after, upwards, self._reset))

    def hold(self, after, upwards):
        """A connection stands still from there on, without being closed."""
        self._order(lambda client: self._pass(client, after, upwards, self._wait))

    def impersonate(self, context, answer=b""):
        """Somebody else takes the connections: he does TLS by `context` (None: no TLS), reads a request's header and
        gives `answer`, bytes or a function that makes an iterable of them."""
        self._order(lambda client: self._speak(client, context, answer))

    def stop(self):
        self._stopped = True
        self.close()
        self._thread.join()

    def _listen(self):
        return socket.create_server(("127.0.0.1", self.port), backlog=64)

    def _order(self, serve):
        with self._lock:
            self._serve = serve
            self.hits = 0
            for client in self._open:
                with contextlib.suppress(OSError):  # the other end is gone already
                    client.shutdown(socket.SHUT_RDWR)

    def _accept(self):
        while not self._stopped:
            listener = self._listener
            try:
                if not select.select([listener], [], [], 0.05)[0]:
                    continue
                client = listener.accept()[0]
            except (OSError, ValueError):  # close() came in between
                continue
            threading.Thread(target=self._handle, args=(client, self._serve), daemon=True).start()

    def _handle(self, client, serve):
        with self._lock:
            self._open.add(client)
        try:
            serve(client)
        except OSError:  # one of the ends is gone
            pass
        finally:
            with self._lock:
                self._open.discard(client)
                client.close()

    def _pass(self, client, after=None, upwards=True, end=None):
        with socket.create_connection(("127.0.0.1", self.target)) as server:
            other, passed = {client: server, server: client}, 0
            while True:
                for end_point in select.select([client, server], [], [])[0]:
                    data = end_point.recv(_BLOCK)
                    if not data:
                        return
                    passed += len(data) if (end_point is client) == upwards else 0
                    if after is not None and passed > after:
                        end(client)
                        return
                    other[end_point].sendall(data)

    def _reset(self, client):
        self.hits += 1
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def _wait(self, client):
        self.hits += 1
        gone = select.poll()
        gone.register(client, select.POLLRDHUP)
        while not self._stopped and not gone.poll(100):
            pass

    def _speak(self, client, context, answer):
        self.hits += 1
        if context:
            client = context.wrap_socket(client, server_side=True)
        try:
            request = b""
            while b"\r\n\r\n" not in request:
                data = client.recv(_BLOCK)
                if not data:
                    return
                request += data
            for part in [answer] if isinstance(answer, bytes) else answer():
                client.sendall(part)
        finally:
            if context:
                client.close()


def server_context(certificate, key, client_ca=None, crl=None):
    """TLS as a provider does it; with `client_ca`, and the revocation list `crl`, it refuses clients by an alert."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    if client_ca:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(client_ca)
    if crl:
        context.load_verify_locations(crl)
        context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
    return context
