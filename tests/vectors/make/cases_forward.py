"""PVD IO 3.1.22, 3.2 and 3.3: forwarded and redirected messages."""

from ident import Identification, whole
from mail import seal
from signature import XmlSeal
from statement import ERIKA, MAX, Confirmation, Notification, normal
from vectors import either

DEPUTY = "vertretung@beta-demail.example"
RESENT = {
    "Resent-From": MAX, "Resent-To": DEPUTY, "Resent-Date": "Mon, 02 Feb 2026 11:15:30 +0100",
    "Resent-Message-ID": "<w1@beta-demail.example>"
}


def make(v):
    forwarded(v)
    broken(v)
    redirected(v)


def resent(mail, actual=f"to={DEPUTY}", **changes):
    """The sealed mail as forwarded; a change to None leaves the field out."""
    fields = {**RESENT, **{name.replace("_", "-"): value for name, value in changes.items()}}
    for name, value in reversed(list(fields.items())):
        if value is not None:
            mail.top(name, value)
    if actual:
        mail.set("X-de-mail-actual-recipient", actual)
    return mail


def forwarded(v):
    one = lambda: seal(normal(), v.hashed)
    v.add("forwarded", resent(one()), ambiguity="A-RESENT-TABLE")
    v.add("forwarded-signed", resent(seal(normal(authoritative="yes"), v.rsa)), ambiguity="A-RESENT-TABLE")
    v.add("forwarded-envelope-to", resent(one()).top("Envelope-to", DEPUTY), ambiguity="A-RESENT-TABLE")
    v.add("forwarded-name-addr", resent(one(), f"to=Vertretung <{DEPUTY}>"), ambiguity="A-RESENT-TABLE")
    v.add("forwarded-resent-name-addr", resent(one(), Resent_To=f"Vertretung <{DEPUTY}>"), ambiguity="A-RESENT-TABLE")
    v.add("forwarded-domain-case", resent(one(), "to=vertretung@BETA-demail.example"),
          ambiguity="A-RESENT-TABLE A-ADDR-CASE")
    v.add("forwarded-two", resent(one(), f"to={DEPUTY}, x@beta-demail.example"), ambiguity="A-RESENT-TABLE")
    v.add("forwarded-as-cc", resent(one(), f"cc={DEPUTY}"), ambiguity="A-RESENT-TABLE")
    v.add("forwarded-to-itself", resent(one(), f"to={MAX}", Resent_To=MAX), ambiguity="A-RESENT-TABLE",
          why="actual equals chosen, but there are Resent fields")
    v.add("forwarded-fields-at-the-end", tail(one()), ambiguity="A-RESENT-TABLE")
    v.add("forwarded-lower-case", lower(resent(one())), ambiguity="A-RESENT-TABLE")
    mail = resent(one())
    v.add(
        "forwarded-twice",
        resent(mail, "to=dritter@beta-demail.example", Resent_To="dritter@beta-demail.example",
               Resent_Message_ID="<w2@beta-demail.example>"), why="the topmost block counts",
        ambiguity="A-RESENT-TABLE A-FIRST-FROM-TOP", warnings="header.duplicate")
    for kind, mail in others(v):
        v.add(f"forwarded-{kind}", resent(mail), ambiguity="A-RESENT-TABLE")
    v.add("forwarded-body-changed", resent(one()).bytes().replace(b"Guten", b"Gutten"), "integrity.body-hash")
    v.add("forwarded-chosen-changed",
          resent(one()).set("X-de-mail-chosen-recipient", f"to={DEPUTY}"), "integrity.header-hash",
          "chosen-recipient must stay")


def tail(mail):
    for name, value in RESENT.items():
        mail.add(name, value)
    return mail.set("X-de-mail-actual-recipient", f"to={DEPUTY}")


def lower(mail):
    for index, (name, raw) in enumerate(mail.fields):
        if name.startswith(b"Resent"):
            mail.fields[index] = (name.lower(), raw)
    return mail


def others(v):
    original = seal(normal(confirmation_of_dispatch="yes"), v.hashed)
    yield "confirmation", seal(Confirmation(original, XmlSeal(v.pki.rsa)).make(), v.ec)
    yield "notification", seal(Notification().make(), v.hashed)
    yield "identification", seal(Identification(whole(v.pki.rsa)).make(), v.ec)


def broken(v):
    one = lambda: seal(normal(), v.hashed)
    named = either("forward header")
    for name in RESENT:
        v.add("forwarded-without", resent(one(), **{name.replace("-", "_"): None}), "forward.missing",
              f"{name} is missing", ambiguity="A-RESENT-TABLE", accept=named)
        only = {other.replace("-", "_"): None for other in RESENT if other != name}
        v.add("forwarded-only", resent(one(), **only), "forward.missing", f"{name} is all there is",
              ambiguity="A-RESENT-TABLE", accept=named)
    v.add("forwarded-actual-unchanged", resent(one(), None), "forward.actual-recipient", ambiguity="A-RESENT-TABLE",
          accept=either("forward recipient"))
    v.add("forwarded-actual-other", resent(one(), "to=x@beta-demail.example"), "forward.actual-recipient",
          ambiguity="A-RESENT-TABLE", accept=either("forward recipient"))
    v.add("forwarded-twice-lower-block-only",
          resent(resent(one(), "to=dritter@beta-demail.example", Resent_To="dritter@beta-demail.example"),
                 None), "forward.actual-recipient", "actual-recipient fits the lower block only",
          accept=either("forward recipient"), ambiguity="A-RESENT-TABLE A-FIRST-FROM-TOP", warnings="header.duplicate")
    syntax = either("forward syntax address value recipient")
    for name, value, actual in (("Resent_To", "Vertretung",
                                 None), ("Resent_To", "", None), ("Resent_From", "Max Mustermann", f"to={DEPUTY}"),
                                ("Resent_Date", "gestern", f"to={DEPUTY}"), ("Resent_Message_ID", "w1", f"to={DEPUTY}"),
                                ("Resent_From", "", f"to={DEPUTY}")):
        v.add("forwarded-malformed", resent(one(), actual, **{name: value}), "forward.syntax",
              f"{name.replace('_', '-')}: {value}", accept=syntax)


def redirected(v):
    one = lambda: seal(normal(), v.hashed)
    v.add("redirected",
          one().set("X-de-mail-actual-recipient", "to=neu@beta-demail.example"), ambiguity="A-RESENT-TABLE")
    v.add("redirected-signed",
          seal(normal(authoritative="yes"), v.ec).set("X-de-mail-actual-recipient", "to=neu@beta-demail.example"),
          ambiguity="A-RESENT-TABLE")
    v.add("redirected-two",
          one().set("X-de-mail-actual-recipient", "to=neu@beta-demail.example; cc=n@beta-demail.example"),
          ambiguity="A-RESENT-TABLE")
    for kind, mail in others(v):
        v.add(f"redirected-{kind}", mail.set("X-de-mail-actual-recipient", "to=neu@beta-demail.example"),
              ambiguity="A-RESENT-TABLE")
    v.add("envelope-to", one().top("Envelope-to", MAX), ambiguity="A-RESENT-TABLE")
    v.add("envelope-to-alias", one().top("Envelope-to", "postfach17@beta-demail.example"), gray=True)
    v.add("envelope-to-twice",
          one().top("Envelope-to", MAX).top("Envelope-to", MAX), warnings="header.duplicate",
          ambiguity="A-FIRST-FROM-TOP")
    v.add("envelope-to-malformed",
          one().top("Envelope-to", "Max Mustermann"), "address.envelope-to",
          accept=either("address syntax value forward recipient"), gray=True)
    for kind, mail in others(v):
        v.add(f"envelope-to-{kind}", mail.top("Envelope-to", ERIKA), ambiguity="A-RESENT-TABLE")
    v.add("redirected-then-changed",
          one().set("X-de-mail-actual-recipient", "to="), "recipient.syntax",
          accept=either("recipient syntax address"))
