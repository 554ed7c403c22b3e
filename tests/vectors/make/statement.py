"""Normal messages, and the bodies of confirmations, notifications and identification messages."""

import base64
import itertools
from dataclasses import dataclass, field
from email.header import Header
from xml.sax.saxutils import escape

import canon
from mail import Mail
from signature import XmlSeal, sign_xml

ERIKA = "erika.mustermann@alpha-demail.example"
MAX = "max.mustermann@beta-demail.example"
OPTIONS = [
    "X-de-mail-confirmation-of-dispatch", "X-de-mail-confirmation-of-receipt", "X-de-mail-confirmation-of-retrieve",
    "X-de-mail-authoritative", "X-de-mail-private"
]
TEXT = "Guten Tag,\r\n\r\nanbei die Unterlagen.\r\n\r\nErika Mustermann\r\n"
KINDS = {  # message type: local part of the system address, name of the confirmation
    "confirmation of dispatch": ("Versandbestaetigung", "Versandbestätigung"),
    "confirmation of receipt": ("Eingangsbestaetigung", "Eingangsbestätigung"),
    "confirmation of retrieve": ("Abholbestaetigung", "Abholbestätigung"),
    "malware-acknowledge": ("Schadsoftware-Warnung", "Schadsoftware gefunden"),
}
# PVD IO table 1: the metadata that a confirmation repeats, in its order.
METADATA = OPTIONS + [
    "X-de-mail-sender", "X-de-mail-chosen-recipient", "Subject", "X-de-mail-private-id", "Reply-To",
    "X-de-mail-auth-level", "X-de-mail-auth-mechanism", "Date", "X-de-mail-message-id", "X-de-mail-originator-provider",
    "X-de-mail-message-type", "X-de-mail-integrity", "X-de-mail-signature-certificate", "X-de-mail-actual-recipient",
    "X-de-mail-version", "X-de-mail-account-holder", "From", "Message-ID"
]

_numbers = itertools.count(1)


def normal(**changes):
    """An unsealed normal message; `changes` by field name, `_` for `-` and without X-de-mail-."""
    number = next(_numbers)
    mail = Mail([("X-de-mail-version", "1.8"), ("X-de-mail-message-type", "normal"),
                 ("X-de-mail-message-id", f"g{number:05d}.demail@alpha-demail.example"),
                 ("X-de-mail-originator-provider", "mail.alpha-demail.example"), ("X-de-mail-auth-level", "high"),
                 ("X-de-mail-auth-mechanism", "SmartCard-Token"), ("X-de-mail-sender", ERIKA),
                 ("X-de-mail-account-holder", "Erika Mustermann"), ("X-de-mail-chosen-recipient", f"to={MAX}"),
                 ("X-de-mail-actual-recipient", f"to={MAX}"), *((name, "no") for name in OPTIONS), ("From", ERIKA),
                 ("To", MAX), ("Date", "Mon, 02 Feb 2026 10:16:30 +0100"),
                 ("Message-ID", f"<g{number:05d}@alpha-demail.example>"), ("Subject", "Bescheid"),
                 ("MIME-Version", "1.0"), ("Content-Type", "text/plain; charset=us-ascii")], TEXT)
    for name, text in changes.items():
        mail.set("X-de-mail-" + name.replace("_", "-"), text)
    return mail


def encoded_word(text):
    return Header(text, "utf-8").encode(linesep="\r\n")


def system(kind, sender, to, cc=None, private=None, subject="", provider="beta-demail.example"):
    """The fields that confirmations, notifications and identification messages have in common."""
    number = next(_numbers)
    recipients = f"to={to}" + (f";\r\n cc={cc}" if cc else "")
    fields = [("X-de-mail-version", "1.8"), ("X-de-mail-message-type", kind),
              ("X-de-mail-message-id", f"s{number:05d}.demail@{provider}"),
              ("X-de-mail-originator-provider", f"mail.{provider}"), ("X-de-mail-sender", sender),
              ("X-de-mail-chosen-recipient", recipients), ("X-de-mail-actual-recipient", recipients)]
    if private:
        fields.append(("X-de-mail-private", private))
    fields += [("From", sender), ("To", to)] + ([("Cc", cc)] if cc else [])
    fields += [("Date", "Mon, 02 Feb 2026 10:24:30 +0100"), ("Message-ID", f"<s{number:05d}@{provider}>"),
               ("Subject", encoded_word(subject)), ("MIME-Version", "1.0"),
               ("Content-Type", f'multipart/mixed; boundary="=_{number}"')]
    return Mail(fields, ""), f"=_{number}"


def pdf():
    return (
        b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n2 0 obj\n<< /Type /Pages /Kids [] /Count 0 >>\n"
        b"endobj\ntrailer\n<< /Size 3 /Root 1 0 R >>\nstartxref\n0\n%%EOF\n")


def part(kind, octets, filename=None):
    lines = base64.encodebytes(octets).replace(b"\n", b"\r\n")
    disposition = f'Content-Disposition: attachment; filename="{filename}"\r\n' if filename else ""
    return f"Content-Type: {kind}\r\n{disposition}Content-Transfer-Encoding: base64\r\n\r\n".encode() + lines


@dataclass
class Parts:
    """The parts of the body; cases replace what they want to have wrong."""

    text: bytes = field(default_factory=lambda: part("text/plain; charset=utf-8", "Bestätigung\r\n".encode()))
    xml: bytes = None  # a whole part
    pdf: bytes = field(default_factory=lambda: part("application/pdf", pdf(), "bestaetigung.pdf"))
    xml_type: str = "application/xml"

    def body(self, boundary, xml):
        xml_part = part(self.xml_type, xml, "bestaetigung.xml") if self.xml is None else self.xml
        delimiter = f"--{boundary}\r\n".encode()
        return b"".join(delimiter + each
                        for each in (self.text, xml_part, self.pdf) if each) + (f"--{boundary}--\r\n".encode())


def character_data(text):
    return escape(text).replace("\r", "&#13;")


def metadata(original):
    """(name, value, field as it stands) for each of the original's metadata."""
    for name in METADATA:
        if original.has(name):
            found, raw = original.fields[original.index(name)]
            line = (found + b":" + raw).decode()
            yield name, canon.value(original.fields, name), line


@dataclass
class Confirmation:
    """A confirmation of `original` (sealed). Cases change attributes before make()."""

    original: Mail
    seal: XmlSeal
    kind: str = "confirmation of dispatch"
    to: str = None
    cc: str = MAX
    private: str = None
    private_id: str = None
    parts: Parts = field(default_factory=Parts)
    sender: str = None
    xml_sender: str = None
    subject: str = None
    xml_subject: str = None
    hash: str = None
    time: str = "<Time>2026-02-02T09:24:30Z</Time>"
    delivery: str = None
    metadata: object = None  # changes the list of (name, value, line)
    template: object = None  # changes the XML before it is signed
    signed: object = None  # changes the XML after that
    provider: str = "beta-demail.example"

    def xml(self):
        entries = [tuple(each) for each in metadata(self.original)]
        if self.metadata:
            entries = self.metadata(entries)
        delivery = self.delivery
        if delivery is None:
            retrieve = self.kind == "confirmation of retrieve"
            delivery = "<DeliveryTime>2026-02-02T09:20:00Z</DeliveryTime>" if retrieve else ""
        integrity = self.original.fields[self.original.index("X-de-mail-integrity")][1].decode()[1:]
        title = KINDS[self.kind][1]
        text = (
            "<?xml version='1.0' encoding='UTF-8'?>\n"
            f'<Acknowledge-Message xmlns="urn:de-mail"><Sender>{self.xml_sender or self.sender}</Sender><Metadata>' +
            "".join(f"<Metadate><Name>{name}</Name><Value>{character_data(value)}</Value>"
                    f"<OriginalHeader>{character_data(line)}</OriginalHeader></Metadate>"
                    for name, value, line in entries) +
            f"</Metadata><Subject>{escape(self.xml_subject or title + ': ' + self.original.value('Subject'))}</Subject>"
            f"<Text>Hiermit wird bestätigt.</Text><Hash>{character_data(self.hash or integrity)}</Hash>{self.time}"
            f"{delivery}@SIGNATURE@</Acknowledge-Message>")
        if self.template:
            text = self.template(text)
        text = sign_xml(text, self.seal) if self.seal else text.replace("@SIGNATURE@", "")
        if self.signed:
            text = self.signed(text)
        return text.encode()

    def make(self):
        """The unsealed message."""
        local, title = KINDS[self.kind]
        self.sender = self.sender or f"{local}@{self.provider}"
        reply_to = self.original.value("Reply-To")
        to = self.to or reply_to or self.original.value("X-de-mail-sender")
        cc = None if self.kind == "confirmation of dispatch" else self.cc
        private = self.private
        if private is None:
            private = "yes" if (self.kind == "confirmation of retrieve"
                                or self.original.value("X-de-mail-private") == "yes") else ""
        subject = self.subject
        if subject is None:
            subject = f"*{title}* {self.original.value('Subject')}"
        mail, boundary = system(self.kind, self.sender, to, cc, private, subject, self.provider)
        private_id = self.private_id
        if private_id is None and self.original.has("X-de-mail-private-id"):
            private_id = self.original.value("X-de-mail-private-id")
        if private_id:
            mail.add("X-de-mail-private-id", private_id)
        mail.body = self.parts.body(boundary, self.xml())
        return mail


@dataclass
class Notification:
    kind: str = "notification"
    reason: str = "unknown-recipient"
    sender: str = None
    subject: str = "Nachricht nicht zustellbar: Bescheid"
    time: str = "<Time>2026-02-02T09:25:30Z</Time>"
    xml_sender: str = "<Sender>DMDA Beta</Sender>"
    root: str = "Notification-Message"
    template: object = None
    parts: Parts = field(default_factory=Parts)
    private_id: str = "AZ 8"

    def make(self):
        local = "Schadsoftware-Warnung" if self.kind == "malware-notification" else "Meldung"
        sender = self.sender or f"{local}@beta-demail.example"
        mail, boundary = system(self.kind, sender, ERIKA, subject=self.subject)
        if self.private_id:
            mail.add("X-de-mail-private-id", self.private_id)
        if self.reason is not None:
            mail.add("X-de-mail-notification-type", self.reason)
        text = ("<?xml version='1.0' encoding='UTF-8'?>\n"
                f'<{self.root} xmlns="urn:de-mail"><Subject>{escape(self.subject)}</Subject>'
                f"<Text>Der Empfänger niemand@beta-demail.example ist nicht bekannt. Nachricht: g1@alpha</Text>"
                f"{self.time}{self.xml_sender}</{self.root}>")
        if self.template:
            text = self.template(text)
        mail.body = self.parts.body(boundary, text.encode())
        return mail
