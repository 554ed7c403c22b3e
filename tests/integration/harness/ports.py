"""Free ports on 127.0.0.1, never the same for two harnesses on this machine at once."""

import random
import socket

# Below the ports that the kernel gives to outgoing connections (net.ipv4.ip_local_port_range).
FIRST, LAST = 20000, 32000

_claims = []  # kept open: the claims end with the process


def free_port():
    """A port that nobody listens on and that no other harness has been given."""
    for port in random.sample(range(FIRST, LAST), LAST - FIRST):
        claim = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            claim.bind(f"\0demail-harness-port-{port}")
            with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(("127.0.0.1", port))
        except OSError:
            claim.close()
            continue
        _claims.append(claim)
        return port
    raise RuntimeError(f"no free port between {FIRST} and {LAST}")
