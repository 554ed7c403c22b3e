"""An original in the set, and confirmations of it."""

from mail import seal
from signature import XmlSeal
from statement import Confirmation, normal

DISPATCH, RECEIPT, RETRIEVE = "confirmation of dispatch", "confirmation of receipt", "confirmation of retrieve"
MALWARE = "malware-acknowledge"
ALL = {f"confirmation_of_{each}": "yes" for each in ("dispatch", "receipt", "retrieve")}


class Cases:
    """An original that is in the set, and confirmations of it."""
    def __init__(self, v, **options):
        self.v = v
        self.original = seal(normal(**options), v.hashed)
        self.file = None
        self.xml = XmlSeal(v.pki.rsa)

    def publish(self):
        self.file = self.v.add("original", self.original)
        return self

    def add(self, name, reasons="", why="", how=None, message=None, given=True, **changes):
        about = {
            key: changes.pop(key)
            for key in ("gray", "accept", "ambiguity", "warnings", "at_least") if key in changes
        }
        one = message or Confirmation(self.original, changes.pop("seal", self.xml), **changes).make()
        self.v.sealed(f"confirmation-{name}", one, reasons, why, how or self.v.ec,
                      original=self.file if given else None, **about)
