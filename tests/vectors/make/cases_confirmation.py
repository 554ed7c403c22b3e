"""PVD IO 3.4.1 and 3.5.1; PVD FU steps 38, 56, 69 and function 1: confirmations."""

import quopri

from confirming import ALL, DISPATCH, MALWARE, RECEIPT, RETRIEVE, Cases
from mail import Seal, seal
from statement import ERIKA, TEXT, Confirmation, Parts, encoded_word, normal, part, pdf
from vectors import either


def make(v):
    plain = Cases(v, **ALL).publish()
    kinds(v, plain)
    signed_or_not(v, plain)
    structure(plain)
    against_original(v, plain)
    private(v)


def kinds(v, plain):
    for kind in (DISPATCH, RECEIPT, RETRIEVE, MALWARE):
        plain.add("right", why=kind, kind=kind)
        plain.add("right-without-original", why=kind, kind=kind, given=False)
    plain.add("malware-free-subject", kind=MALWARE, subject="Achtung", ambiguity="A-MALWARE-SENDER")
    for name, how in (("rsa", v.rsa), ("pss", Seal("sha384", "rsassa-pss",
                                                   v.pki.rsa)), ("brainpool", Seal("sha256", "ec-dsa",
                                                                                   v.pki.brainpool))):
        plain.add(f"sealed-{name}", how=how)


def signed_or_not(v, plain):
    for kind in (DISPATCH, RECEIPT, RETRIEVE, MALWARE):
        plain.add("hash-only", "policy.signature-required", kind, kind=kind, how=v.hashed,
                  accept=either("policy header"))
    text = "".join(["MIIB"] * 4)
    plain.add("hash-only-with-certificate", "policy.signature-required", how=Seal(certificate=text),
              ambiguity="A-CERT-WITHOUT-SIG", accept=either("policy certificate"))
    plain.add(
        "certificate-stripped", "certificate.missing", how=Seal("sha256", "ec-dsa", v.pki.ec, certificate=False),
        ambiguity="A-CERT-STRIPPED", accept=either("certificate header signature policy"))
    for name in ("expired", "revoked", "untrusted", "agreement"):
        plain.add(f"seal-{name}", "certificate." + name, how=Seal("sha256", "ec-dsa", getattr(v.pki, name)))
    message = seal(Confirmation(plain.original, plain.xml).make(), v.ec).bytes()
    v.add("confirmation-body-changed", message.replace(b"JVBERi0", b"JVBERj0", 1), "integrity.body-hash", at_least=True)
    v.add("confirmation-preamble-changed", message.replace(b"\r\n\r\n--=_", b"\r\n\r\nhuhu\r\n--=_", 1),
          "integrity.body-hash")


def structure(plain):
    def bad(name, why="", **parts):
        accept = parts.pop("accept", either("confirmation signature"))
        gray = parts.pop("gray", False)
        plain.add(name, "confirmation.structure", why, parts=Parts(**parts), accept=accept, gray=gray)

    bad("without-pdf", pdf=b"")
    bad("without-xml", xml=b"", pdf=part("application/pdf", pdf()))
    bad("pdf-is-none", pdf=part("application/pdf", b"Hallo"))
    bad("pdf-empty", pdf=part("application/pdf", b""))
    bad("pdf-called-text", pdf=part("text/plain", pdf()), gray=True)
    bad("xml-called-text", xml_type="text/plain", gray=True)
    for xml, name in ((b"kein XML", "no-xml"), (b"", "xml-empty"), (b"<a/>", "xml-other"), (b"<a>", "xml-open")):
        bad(name, xml=part("application/xml", xml, "bestaetigung.xml"))
    plain.add("without-text", parts=Parts(text=b""))
    plain.add("text-xml", parts=Parts(xml_type="text/xml"))
    plain.add("xml-with-charset", parts=Parts(xml_type="application/xml; charset=utf-8"))
    for kind, gray in (("alternative", False), ("related", False), ("signed", True)):
        mail = Confirmation(plain.original, plain.xml).make()
        kept = mail.value("Content-Type").replace("mixed", kind)
        plain.add(f"multipart-{kind}", "confirmation.structure", message=mail.set("Content-Type", kept), gray=gray,
                  accept=either("confirmation syntax"))
    mail = Confirmation(plain.original, plain.xml).make().set("Content-Type", "text/plain")
    mail.body = TEXT.encode()
    plain.add("text-only", "confirmation.structure", message=mail, accept=either("confirmation signature"))
    one = Confirmation(plain.original, plain.xml)
    mail = one.make()
    xml = one.xml()
    kept = mail.value("Content-Type").partition("boundary=")[2].strip('"')
    mail.set("Content-Type", f'Multipart/MIXED;\r\n Boundary="{kept}"')
    plain.add("multipart-in-capitals", message=mail)
    eight = b"Content-Type: application/xml\r\nContent-Transfer-Encoding: {}\r\n\r\n"
    quoted = quopri.encodestring(xml.replace(b"\r\n", b"\n")).replace(b"\n", b"\r\n")
    plain.add("xml-quoted-printable", parts=Parts(xml=eight.replace(b"{}", b"quoted-printable") + quoted + b"\r\n"))
    lines = one.xml().replace(b"\n", b"\r\n")
    plain.add("xml-8bit", parts=Parts(xml=eight.replace(b"{}", b"8bit") + lines + b"\r\n"))
    plain.add("pdf-before-xml", parts=Parts(text=part("application/pdf", pdf()), pdf=b"", xml=None))
    plain.add("two-xml", "confirmation.structure", parts=Parts(text=part("application/xml", xml)), gray=True,
              accept=either("confirmation"))
    plain.add("two-xml-differ", "confirmation.structure", "an unsigned one stands first",
              parts=Parts(text=part("application/xml", b"<Acknowledge-Message xmlns='urn:de-mail'/>")),
              accept=either("confirmation signature"), gray=True)


def against_original(v, plain):
    about = either("confirmation recipient")

    def bad(name, why="", given=True, gray=False, accept=about, **changes):
        plain.add(f"original-{name}", "confirmation.original", why, given=given, accept=accept, gray=gray, **changes)

    other = Cases(v).publish()
    for kind in (DISPATCH, RECEIPT, RETRIEVE, MALWARE):
        other.add("not-requested", "confirmation.not-requested", kind, kind=kind, private="yes", accept=about,
                  gray=True)
    for each in ("dispatch", "receipt", "retrieve"):
        Cases(v, **{f"confirmation_of_{each}": "yes"}).publish().add("malware-by-option", kind=MALWARE)
    other.add("original-is-another", "confirmation.original", "given another original",
              message=Confirmation(plain.original, plain.xml).make(), accept=about)
    bad("to-somebody-else", "step 38: to the sender or his Reply-To", to="x@alpha-demail.example")
    bad("private-id-invented", "the original has none", private_id="AZ 4")
    bad(
        "metadata-invented", metadata=lambda found: [(n, "Anderer", "Subject: Anderer")
                                                     if n == "Subject" else (n, x, line)
                                                     for n, x, line in found], accept=either("confirmation"))
    bad(
        "metadata-names-changed", "both forms changed alike", accept=either("confirmation"),
        metadata=lambda found: [(n, x.replace("Erika", "Erich"), line.replace("Erika", "Erich"))
                                if n == "X-de-mail-account-holder" else (n, x, line) for n, x, line in found])
    bad("cc-not-a-recipient", "cc is none of the original's recipients", kind=RECEIPT, cc="x@beta-demail.example",
        gray=True)
    bad("cc-missing", "step 69: the recipient in Cc", kind=RECEIPT, cc="", gray=True)
    reply = Cases(v, confirmation_of_receipt="yes")
    reply.original = seal(
        normal(confirmation_of_receipt="yes").add("Reply-To",
                                                  "buero@alpha-demail.example").add("X-de-mail-private-id",
                                                                                    "Vorgang\r\n 9"), v.hashed)
    reply.publish()
    reply.add("original-reply-to", kind=RECEIPT)
    reply.add("original-reply-to-ignored", "confirmation.original", kind=RECEIPT, to=ERIKA, accept=about)
    reply.add("original-private-id-missing", "confirmation.private-id", kind=RECEIPT, private_id="", accept=about)
    reply.add("original-private-id-missing", "confirmation.private-id", "shown by the metadata alone", kind=RECEIPT,
              private_id="", accept=about, given=False)
    reply.add("original-private-id-changed", "confirmation.private-id", kind=RECEIPT, private_id="Vorgang 8",
              accept=about)
    reply.add("original-private-id-changed", "confirmation.private-id", "shown by the metadata alone", kind=RECEIPT,
              private_id="Vorgang 8", accept=about, given=False)
    subject = "Änderung des Bescheids vom gestrigen Tage über Gebühren"
    umlaut = Cases(v)
    umlaut.original = seal(
        normal(**ALL).set("Subject", encoded_word(subject)), v.hashed)
    umlaut.publish()
    umlaut.add("original-encoded-subject", kind=RECEIPT, subject="*Eingangsbestätigung* " + subject,
               xml_subject="Eingangsbestätigung: " + subject, ambiguity="A-CONF-SUBJECT")
    umlaut.add("original-encoded-subject-wrong", "confirmation.subject", kind=RECEIPT,
               subject="*Eingangsbestätigung* Änderung", xml_subject="Eingangsbestätigung: " + subject,
               ambiguity="A-CONF-SUBJECT", accept=either("confirmation"))
    subjects(v)
    authoritative = Cases(v)
    authoritative.original = seal(normal(authoritative="yes", **ALL), v.rsa)
    authoritative.publish().add("original-signed")


def subjects(v):
    """Subjects that are spelled one way in the original and another way in the confirmation."""
    spelled = [  # in the original, in the header of the confirmation, in its XML
        ("=?ISO-8859-1?Q?Geb=FChren?=", "=?ISO-8859-1?Q?*Versandbest=E4tigung*_Geb=FChren?=", "Gebühren"),
        ("=?UTF-8?Q?Geb=C3=BChren?=", "=?ISO-8859-15?B?KlZlcnNhbmRiZXN05HRpZ3VuZyogR2Vi/GhyZW4=?=", "Gebühren"),
        ("Bescheid\r\n von\r\n\tgestern", encoded_word("*Versandbestätigung* Bescheid von\tgestern"),
         "Bescheid von\tgestern"),
        ("Bescheid", "=?utf-8?q?*Versandbest=C3=A4tigung*?= Bescheid", "Bescheid"),
        ("Bescheid", "=?utf-8?q?*Versandbest=C3=A4tigung*?=\r\n Bescheid", "Bescheid"),
        ("[P, EB] a: b & c <d>", encoded_word("*Versandbestätigung* [P, EB] a: b & c <d>"), "[P, EB] a: b & c <d>"),
        ("Versandbestätigung".replace("ä", "ae"), encoded_word("*Versandbestätigung* Versandbestaetigung"),
         "Versandbestaetigung"),
    ]
    for original, header, text in spelled:
        cases = Cases(v)
        cases.original = seal(normal(**ALL).set("Subject", original), v.hashed)
        mail = Confirmation(cases.original, cases.xml,
                            xml_subject=f"Versandbestätigung: {text}").make().set("Subject", header)
        cases.publish().add("subject-spelled", "", header, message=mail, ambiguity="A-CONF-SUBJECT", gray="\t" in text)
    empty = Cases(v)
    empty.original = seal(normal(**ALL).set("Subject", ""), v.hashed)
    empty.publish().add("subject-empty", "", subject="*Versandbestätigung*", xml_subject="Versandbestätigung: ",
                        gray=True)
    empty.add("subject-empty", "", "with the blank", subject="*Versandbestätigung* ",
              xml_subject="Versandbestätigung: ", gray=True)


def private(v):
    wrong = either("confirmation policy header value")
    secret = Cases(v, private="yes", **ALL).publish()
    for kind in (DISPATCH, RECEIPT, RETRIEVE, MALWARE):
        gray = kind == MALWARE
        secret.add("private", kind=kind)
        secret.add("private-lost", "confirmation.private", f"{kind}: the original was private", kind=kind, private="",
                   accept=wrong, ambiguity="A-RETRIEVE-PRIVATE", gray=gray)
        secret.add("private-no", "confirmation.private", f"{kind}: the original was private", kind=kind, private="no",
                   accept=wrong, ambiguity="A-RETRIEVE-PRIVATE", gray=gray)
    plain = Cases(v, **ALL).publish()
    for kind in (DISPATCH, RECEIPT, MALWARE):
        for word in ("", "no", "yes"):
            plain.add("private-either", kind=kind, private=word, ambiguity="A-RETRIEVE-PRIVATE")
            plain.add("private-either-without-original", kind=kind, private=word, given=False,
                      ambiguity="A-RETRIEVE-PRIVATE")
    for word in ("", "no"):
        for given in (True, False):
            plain.add("retrieve-not-private", "confirmation.private", f"private {word!r}", kind=RETRIEVE, private=word,
                      accept=wrong, given=given, ambiguity="A-RETRIEVE-PRIVATE")
