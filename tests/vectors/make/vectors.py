"""The set as it grows: files, and what the manifest says of each."""

import hashlib
import json

import canon
from mail import Mail, Seal, seal

TIME = "2026-03-02T12:00:00Z"
CLASSES = {
    "normal": "N",
    "confirmation of dispatch": "B",
    "confirmation of receipt": "B",
    "confirmation of retrieve": "B",
    "malware-acknowledge": "B",
    "malware-notification": "M",
    "notification": "M",
    "identification": "I",
}
MEASURED = ("a", "form", "digest", "signature_algorithm")
HASHES = ("body_hash", "header_hash")


def either(categories):
    """Where the texts leave open which category names the defect: at least one of these must come out, and no other."""
    return sorted(categories.split())


def seen(octets, valid):
    """What a verifier must have read in the message; the hashes only where they are the message's own."""
    kind = canon.value(canon.split(octets)[0], "X-de-mail-message-type")
    measured = canon.measure(octets)
    wanted = [key for key in (MEASURED + HASHES if valid else MEASURED) if key in measured]
    return {"message_type": kind, "class": CLASSES.get(kind), **{key: measured[key] for key in wanted}}


class Vectors:
    def __init__(self, folder, pki):
        self.folder = folder
        self.pki = pki
        self.messages = []
        self.hashed = Seal()
        self.rsa = Seal(signature="rsa", credential=pki.rsa)
        self.ec = Seal(signature="ec-dsa", credential=pki.ec)

    def add(self, name, message, reasons="", why="", *, warnings="", ambiguity="", gray=False, original=None,
            accept=None, at_least=False, blind=False, deliverable=None):
        """`message` as octets or Mail. `reasons`, `warnings`, `ambiguity`: words; no reasons if valid. `accept`: see
        either(). `at_least`: further categories may come out. `blind`: a verifier need not see any field. `gray`: the
        texts allow the opposite verdict. Returns the file."""
        octets = message.bytes() if isinstance(message, Mail) else message
        file = f"{len(self.messages) + 1:04d}-{name}.eml"
        (self.folder / file).write_bytes(octets)
        entry = {"file": file, "sha256": hashlib.sha256(octets).hexdigest(), "size": len(octets), "valid": not reasons,
                 "reasons": reasons.split(), "why": why or name.replace("-", " "), "gray": gray}
        if not blind:
            entry.update(seen(octets, not reasons))
        if deliverable is not None:
            entry["deliverable"] = deliverable
        optional = {"warnings": warnings.split(), "ambiguity": ambiguity.split(), "original": original,
                    "accept": accept, "at_least": at_least}
        entry.update((key, value) for key, value in optional.items() if value)
        self.messages.append(entry)
        return file

    def sealed(self, name, mail, reasons="", why="", how=None, **about):
        """The same for a mail that is sealed now, by its hash if `how` does not say otherwise."""
        return self.add(name, seal(mail, how or self.hashed), reasons, why, **about)

    def write(self):
        manifest = {
            "format": 1, "set": "made", "standard": "BSI TR-01201 v1.8", "verification_time": TIME,
            "pki": self.pki.write(self.folder), "messages": self.messages
        }
        (self.folder / "manifest.json").write_text(json.dumps(manifest, indent=1, ensure_ascii=False) + "\n")
