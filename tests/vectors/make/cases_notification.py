"""PVD IO 3.1.20, 3.4.1, 3.5.2; PVD FU steps 41 and 56: notifications."""

from mail import Seal, seal
from statement import ERIKA, TEXT, Notification, Parts, normal, part
from vectors import either

WARNING = "policy.notification-unsigned"
BODY = either("confirmation notification")


def make(v):
    kinds(v)
    bodies(v)
    deliverable(v)


def add(v, name, reasons="", why="", how=None, **changes):
    about = {
        key: changes.pop(key)
        for key in ("gray", "accept", "ambiguity", "warnings", "deliverable", "at_least") if key in changes
    }
    about.setdefault("ambiguity", "A-SIGN-M")
    about.setdefault("warnings", "" if how else WARNING)
    v.sealed(f"notification-{name}", Notification(**changes).make(), reasons, why, how, **about)


def kinds(v):
    for reason in ("unknown-recipient", "closed-account", "invalid-format", "other"):
        add(v, "reason", reason=reason)
        add(v, "reason-signed", reason=reason, how=v.rsa)
    for reason in ("Unknown-Recipient", "OTHER", "malware", "unknown recipient", "", "other, unknown-recipient",
                   "unknown-recipient other", "mailbox-full"):
        add(v, "reason-unknown", "value.notification-type", f"{reason!r}", reason=reason, deliverable=True,
            ambiguity="A-TYPE-CASE")
    add(v, "reason-missing", "header.missing", reason=None, deliverable=True)
    add(v, "malware", kind="malware-notification", reason="other", ambiguity="A-MALWARE-SENDER")
    add(v, "malware-signed", kind="malware-notification", reason="other", how=v.ec)
    add(v, "malware-without-reason", "header.missing", kind="malware-notification", reason=None, deliverable=True)
    add(v, "without-private-id", private_id="")
    for name in ("expired", "revoked", "untrusted", "agreement"):
        add(v, f"seal-{name}", "certificate." + name, how=Seal("sha256", "ec-dsa", getattr(v.pki, name)))
    mail = Notification().make().add("X-de-mail-notification-type", "other")
    v.sealed("notification-two-reasons", mail, "", "the first from the top counts", ambiguity="A-FIRST-FROM-TOP",
             warnings="header.duplicate " + WARNING, gray=True)


def bodies(v):
    def bad(name, why="", accept=BODY, gray=False, **changes):
        add(v, f"body-{name}", "confirmation.notification", why, accept=accept, gray=gray, deliverable=True, **changes)

    def without(tag):
        def change(text):
            begin, end = text.index(f"<{tag}>"), text.index(f"</{tag}>") + len(tag) + 3
            return text[:begin] + text[end:]

        return change

    for tag in ("Subject", "Text", "Time", "Sender"):
        bad(f"without-{tag.lower()}", template=without(tag))
    bad("order", template=lambda text: without("Time")
        (text).replace("<Text>", "<Time>2026-02-02T09:25:30Z</Time><Text>"))
    bad("more", template=lambda text: text.replace("<Text>", "<Grund>x</Grund><Text>"))
    bad("namespace", template=lambda text: text.replace("urn:de-mail", "urn:x"))
    bad("root", root="Notification")
    bad("acknowledge-root", root="Acknowledge-Message")
    bad(
        "signature", "the schema has none", gray=True, template=lambda text: text.replace(
            "</Notification-Message>",
            '<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"/></Notification-Message>'))
    for time in ("gestern", "", "2026-02-02"):
        bad("time", f"Time {time!r}", time=f"<Time>{time}</Time>")
    bad("doctype", template=lambda text: text.replace("?>\n", "?>\n<!DOCTYPE x>"), ambiguity="A-XML-DOCTYPE")
    bad("without-pdf", parts=Parts(pdf=b""))
    bad("without-xml", parts=Parts(xml=part("text/plain", b"x")))
    bad("no-xml", parts=Parts(xml=part("application/xml", b"nichts")))
    bad("pdf-is-none", parts=Parts(pdf=part("application/pdf", b"nichts")))
    add(v, "without-text", parts=Parts(text=b""))
    add(v, "time-offset", time="<Time>2026-02-02T10:25:30+01:00</Time>")
    add(v, "sender-any", xml_sender="<Sender>irgendwer</Sender>", why="a name, nothing to compare with")
    mail = Notification().make().set("Content-Type", "text/plain; charset=us-ascii")
    mail.body = TEXT.encode()
    v.sealed("notification-text-only", mail, "confirmation.structure", accept=BODY, deliverable=True, warnings=WARNING)
    message = seal(Notification().make(), v.hashed).bytes()
    v.add("notification-body-changed", message.replace(b"\r\n\r\n--=_", b"\r\n\r\nhuhu\r\n--=_", 1),
          "integrity.body-hash", warnings=WARNING)


def deliverable(v):
    """Step 41: in spite of errors, if six fields are right."""
    right = {"X-de-mail-version": "7.1", "Date": "gestern", "X-de-mail-auth-level": "hoch"}
    for name, value in right.items():
        mail = Notification().make()
        (mail.set if mail.has(name) else mail.add)(name, value)
        v.sealed("notification-deliverable", mail, "value.x", f"{name}: {value}", accept=either("value syntax"),
                 deliverable=True, warnings=WARNING)
    wrong = {
        "X-de-mail-sender": "Meldung", "X-de-mail-chosen-recipient": "to=", "X-de-mail-originator-provider": "a b",
        "X-de-mail-actual-recipient": ERIKA
    }
    for name, value in wrong.items():
        v.sealed("notification-not-deliverable",
                 Notification().make().set(name, value), "value.x", f"{name}: {value}",
                 accept=either("value syntax address recipient sender"), deliverable=False, warnings=WARNING)
    mail = Notification().make().drop("Date", "X-de-mail-version", "Message-ID", "X-de-mail-notification-type")
    v.sealed("notification-many-missing", mail, "header.missing", deliverable=True, warnings=WARNING)
    v.sealed("normal-is-not-deliverable", normal(version="7.1"), "value.version", "no notification", deliverable=False)
