"""A message as a list of fields, and its seal."""

import base64
import re
from dataclasses import dataclass

import canon
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding

HASHES = {"sha256": hashes.SHA256, "sha384": hashes.SHA384, "sha512": hashes.SHA512, "sha1": hashes.SHA1}
QUERY = "x-header/x-de-mail-signature-certificate"


def octets(text):
    return text if isinstance(text, bytes) else text.encode()


class Mail:
    """Fields as (name, what follows the colon), and a body, all as octets."""
    def __init__(self, fields, body):
        self.fields = [(octets(name), b" " + octets(text)) for name, text in fields]
        self.body = octets(body)

    def index(self, name):
        for index, (found, _) in enumerate(self.fields):
            if found.lower() == name.lower().encode():
                return index
        raise KeyError(name)

    def set(self, name, text):
        self.fields[self.index(name)] = (octets(name), b" " + octets(text))
        return self

    def raw(self, name, after_colon, spelled=None):
        """Replaces the field by these octets; `spelled`: its name, white space included."""
        self.fields[self.index(name)] = (octets(spelled or name), octets(after_colon))
        return self

    def drop(self, *names):
        for name in names:
            del self.fields[self.index(name)]
        return self

    def add(self, name, text):
        self.fields.append((octets(name), b" " + octets(text)))
        return self

    def top(self, name, text):
        self.fields.insert(0, (octets(name), b" " + octets(text)))
        return self

    def has(self, name):
        return any(found.lower() == name.lower().encode() for found, _ in self.fields)

    def value(self, name):
        return canon.value(self.fields, name)

    def bytes(self):
        return b"".join(name + b":" + raw + b"\r\n" for name, raw in self.fields) + b"\r\n" + self.body


@dataclass
class Seal:
    """How a message is sealed. Everything beyond the first three is for seals that are wrong or odd."""

    digest: str = "sha256"
    signature: str = None
    credential: object = None
    algorithm: str = None  # what a= says
    names: list = None  # h=
    tags: object = None  # changes the list of [tag, value]; the value of b= is "{b}"
    separator: str = ";\r\n "
    tail: str = ""
    field_name: str = "X-de-mail-integrity"
    certificate: object = True  # the credential's, if signed; False: none; else what the field says
    salt: object = None
    inner: object = None  # the hash of MGF1
    change: object = None  # changes the octets of the hash or signature
    encode: object = base64.b64encode


def folded(text, width=70):
    return "\r\n ".join(re.findall(f".{{1,{width}}}", text))


def listed(mail):
    """h= as it should be: private-id only if there is one."""
    return [name for name in canon.HASHED if name != "X-de-mail-private-id" or mail.has(name)]


def folded_names(names):
    return "".join(name if not i else (":" if i % 3 else "\r\n  :") + name for i, name in enumerate(names))


def seal(mail, how=None):
    """Puts X-de-mail-integrity and, if signed, the certificate on top of the message."""
    how = how or Seal()
    signed = bool(how.signature)
    tags = [["v", "1"],
            ["a", how.digest + ("/" + how.signature if signed else "") if how.algorithm is None else how.algorithm],
            ["c", "simple/simple"], ["d", "alpha-demail.example"], ["s", "dm2026"]]
    if signed:
        tags.append(["q", QUERY])
    names = listed(mail) if how.names is None else how.names
    tags += [["h", folded_names(names)], ["bh", canon.encoded(how.digest, canon.body_input(mail.body))], ["b", "{b}"]]
    if how.tags:
        tags = how.tags(tags)

    def text(b):
        return how.separator.join(f"{tag}={b(value)}" for tag, value in tags) + how.tail

    emptied = text(lambda value: "" if "{b}" in value else value)
    hashed = canon.header_input(mail.fields, names, octets(how.field_name) + b": " + octets(emptied))
    result = sign(how, hashed) if signed else base64.b64decode(canon.encoded(how.digest, hashed))
    if how.change:
        result = how.change(result)
    b = folded(how.encode(result).decode())
    certificate = how.certificate
    if certificate is True:
        certificate = folded(base64.b64encode(how.credential.certificate).decode()) if signed else False
    if certificate is not False:
        mail.top("X-de-mail-signature-certificate", certificate)
    return mail.top(how.field_name, text(lambda value: value.replace("{b}", b)))


def sign(how, hashed):
    digest = HASHES[how.digest]()
    key = how.credential.key
    if how.signature == "ec-dsa":
        return key.sign(hashed, ec.ECDSA(digest))
    if how.signature == "rsa":
        return key.sign(hashed, padding.PKCS1v15(), digest)
    salt = digest.digest_size if how.salt is None else how.salt
    inner = HASHES[how.inner]() if how.inner else digest
    return key.sign(hashed, padding.PSS(padding.MGF1(inner), salt), digest)
