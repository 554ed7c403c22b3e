"""PVD IO 3.1.21 read on its own: what is hashed of a message. Shares nothing with the code that it tests."""

import base64
import hashlib
import re

HASHED = [
    "From",
    "Date",
    "Message-ID",
    "Subject",
    "Reply-To",
    "X-de-mail-confirmation-of-dispatch",
    "X-de-mail-confirmation-of-receipt",
    "X-de-mail-confirmation-of-retrieve",
    "X-de-mail-authoritative",
    "X-de-mail-private",
    "X-de-mail-sender",
    "X-de-mail-chosen-recipient",
    "X-de-mail-auth-mechanism",
    "X-de-mail-auth-level",
    "X-de-mail-originator-provider",
    "X-de-mail-message-type",
    "X-de-mail-version",
    "X-de-mail-private-id",
    "X-de-mail-message-id",
    "X-de-mail-account-holder",
]
DIGESTS = ("sha256", "sha384", "sha512")
ALGORITHMS = [d + s for d in DIGESTS for s in ("", "/rsa", "/ec-dsa", "/rsassa-pss")]


def split(message):
    """The fields as (name, what follows the colon) and the body, both as the octets stand."""
    if message.startswith(b"\r\n"):
        return [], message[2:]
    head, _, body = message.partition(b"\r\n\r\n")
    fields = []
    for line in re.split(rb"\r\n(?![ \t])", head.removesuffix(b"\r\n")):
        name, colon, raw = line.partition(b":")
        if colon:
            fields.append((name, raw))
    return fields, body


def first(fields, name):
    """What follows the colon in the first field of that name from the top, or None."""
    for found, raw in fields:
        if found.strip().lower() == name.lower().encode():
            return raw
    return None


def value(fields, name):
    """The same unfolded and without outer white space, as text."""
    raw = first(fields, name)
    return None if raw is None else raw.replace(b"\r\n", b"").strip(b" \t").decode("utf-8", "replace")


def body_input(body):
    return re.sub(rb"(\r\n)+\Z", b"", body) + b"\r\n"


def header_input(fields, names, integrity):
    """What goes into the hash: the named fields, then the integrity field, given as octets with an empty b=."""
    hashed = b""
    for name in names:
        for found, raw in fields:
            if found.strip().lower() == name.lower().encode():
                hashed += found + b":" + raw + b"\r\n"
                break
    return hashed + integrity


def encoded(digest, octets):
    return base64.b64encode(hashlib.new(digest, octets).digest()).decode()


def tag_list(raw):
    """The tags of an integrity field; None where RFC 6376 3.2 makes the list invalid."""
    tags = {}
    parts = raw.replace(b"\r\n", b"").decode("utf-8", "replace").split(";")
    if not parts[-1].strip():
        parts.pop()
    for part in parts:
        name, sign, text = part.partition("=")
        if not sign or not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name.strip()) or name.strip() in tags:
            return None
        tags[name.strip()] = text.strip()
    return tags


def measure(message):
    """a=, and the two hashes as anybody would compute them; an empty dict where a= can't be read."""
    fields, body = split(message)
    for found, raw in fields:
        if found.strip().lower() == b"x-de-mail-integrity":
            break
    else:
        return {}
    tags = tag_list(raw)
    if not tags or tags.get("a") not in ALGORITHMS:
        return {}
    digest, _, signature = tags["a"].partition("/")
    names = [name.strip() for name in tags.get("h", "").split(":")]
    emptied = re.sub(rb"(\A|;)([ \t\r\n]*b[ \t\r\n]*=)[^;]*", rb"\1\2", raw, count=1)
    return {
        "a": tags["a"],
        "form": "signed" if signature else "hash",
        "digest": digest,
        "signature_algorithm": signature or None,
        "body_hash": encoded(digest, body_input(body)),
        "header_hash": encoded(digest, header_input(fields, names, found + b":" + emptied)),
    }
