"""PVD IO 3.5.1 and 3.5.3: the XML of confirmations and its signature."""

import base64

from confirming import ALL, DISPATCH, MALWARE, RECEIPT, RETRIEVE, Cases
from cryptography.hazmat.primitives.serialization import Encoding
from signature import ENVELOPED, EXCLUSIVE, INCLUSIVE, INCLUSIVE11, XmlSeal
from statement import MAX, Confirmation, Parts, part
from vectors import either

XML = either("confirmation signature")


def make(v):
    plain = Cases(v, **ALL).publish()
    elements(plain)
    xml_signature(v, plain)
    encodings(v, plain)


def cut(start, end, new=""):
    """A change of text: from `start` to the end of `end`, both included, becomes `new`."""
    def change(text):
        begin = text.index(start)
        return text[:begin] + new + text[text.index(end, begin) + len(end):]

    return change


def exchange(old, new, count=1):
    return lambda text: text.replace(old, new, count)


def elements(plain):
    def bad(name, why="", accept=None, gray=False, **changes):
        plain.add(name, "confirmation." + name.split("-")[0], why, accept=accept or either("confirmation"), gray=gray,
                  **changes)

    for tag in ("Sender", "Subject", "Text", "Hash", "Time"):
        bad(
            f"schema-without-{tag.lower()}", template=cut(f"<{tag}>", f"</{tag}>") if tag != "Subject" else cut(
                "</Metadata><Subject>", "</Subject>", "</Metadata>"))
        bad(
            f"schema-twice-{tag.lower()}", template=lambda text, tag=tag: text.replace(
                "@SIGNATURE@", f"<{tag}>2026-02-02T09:24:30Z</{tag}>@SIGNATURE@"))
    bad("schema-without-metadata", template=cut("<Metadata>", "</Metadata>"))
    bad("schema-empty-metadata", template=cut("<Metadata>", "</Metadata>", "<Metadata></Metadata>"))
    bad("schema-unknown-element", template=exchange("<Text>", "<Anhang>x</Anhang><Text>"))
    bad("schema-unknown-attribute", template=exchange("<Text>", '<Text lang="de">'))
    bad(
        "schema-order", template=lambda text: cut("<Sender>", "</Sender>")
        (text).replace("<Text>", "<Sender>Versandbestaetigung@beta-demail.example</Sender><Text>"))
    bad("schema-namespace", template=exchange('xmlns="urn:de-mail"', 'xmlns="urn:de-mail:2"'))
    bad("schema-no-namespace", template=exchange(' xmlns="urn:de-mail"', ""))
    bad("schema-root", template=lambda text: text.replace("Acknowledge-Message", "Acknowledge"))
    bad("schema-notification-root", template=lambda text: text.replace("Acknowledge-Message", "Notification-Message"))
    bad("schema-value-missing", template=cut("<Value>", "</Value>"))
    for time in ("02.02.2026 10:24", "", "2026-02-30T00:00:00Z", "2026-02-02", "1770023790"):
        bad("time", f"Time {time!r}", time=f"<Time>{time}</Time>")
    for time in ("2026-02-02T10:24:30+01:00", "2026-02-02T09:24:30.123Z", "2026-02-02T09:24:30",
                 " 2026-02-02T09:24:30Z "):
        plain.add("time-right", "", f"Time {time!r}", time=f"<Time>{time}</Time>")
    for kind in (DISPATCH, RECEIPT, MALWARE):
        bad("delivery-time", f"{kind} must not have one", kind=kind, ambiguity="A-XML-SCOPE",
            delivery="<DeliveryTime>2026-02-02T09:20:00Z</DeliveryTime>")
    bad("delivery-time-missing", kind=RETRIEVE, delivery="", ambiguity="A-XML-SCOPE")
    bad("delivery-time-malformed", kind=RETRIEVE, delivery="<DeliveryTime>gestern</DeliveryTime>")
    bad("delivery-time-later", "after the time of the confirmation", kind=RETRIEVE, gray=True,
        delivery="<DeliveryTime>2026-02-03T09:20:00Z</DeliveryTime>")
    plain.add("comment-and-instruction", template=exchange("<Text>", "<!-- x --><Text>"), gray=True)
    plain.add("indented", template=exchange("<Metadate>", "\n  <Metadate>", 99))
    plain.add(
        "prefix",
        template=lambda text: text.replace("<Acknowledge-Message xmlns=", "<dm:Acknowledge-Message xmlns:dm=").replace(
            "</Acknowledge", "</dm:Acknowledge").replace("</", "\1").replace("<", "\2").replace("\2dm:", "<dm:").
        replace("\1dm:", "</dm:").replace("\2?", "<?").replace("\2", "<dm:").replace("\1", "</dm:"))
    for name, doctype in (("doctype", "<!DOCTYPE Acknowledge-Message>"),
                          ("entity", '<!DOCTYPE Acknowledge-Message [<!ENTITY a "b">]>'),
                          ("external", '<!DOCTYPE Acknowledge-Message SYSTEM "file:///etc/passwd">')):
        bad(f"malformed-{name}", signed=lambda text, doctype=doctype: text.replace("?>\n", "?>\n" + doctype, 1),
            ambiguity="A-XML-DOCTYPE", accept=XML)
    title = "Versandbestätigung"
    for text in (f"{title}: Bescheid", f"*{title}* Bescheid"):
        plain.add("xml-subject-right", "", text, xml_subject=text, ambiguity="A-CONF-SUBJECT")
    for text in ("Bescheid", f"{title} Bescheid", "Eingangsbestätigung: Bescheid", f"{title}: Anderer", f"{title}:",
                 f"{title.lower()}: Bescheid", f"*{title}*Bescheid"):
        bad("subject-in-xml", text, xml_subject=text, ambiguity="A-CONF-SUBJECT", gray=text.startswith("*"))
    for text in (f"{title}: Bescheid", "Bescheid", "*Eingangsbestätigung* Bescheid", f"{title} Bescheid",
                 f"*{title}* Anderer", f"*{title}*", f"*{title.lower()}* Bescheid", "*Versandbestaetigung* Bescheid",
                 f"*{title}* Bescheid!"):
        bad("subject-in-header", text, subject=text, ambiguity="A-CONF-SUBJECT")
    bad("sender-differs", xml_sender="Eingangsbestaetigung@beta-demail.example")
    bad("sender-domain-differs", xml_sender="Versandbestaetigung@gamma-demail.example")
    bad("sender-name", xml_sender="DMDA Beta AG")
    integrity = plain.original.value("X-de-mail-integrity")
    plain.add("hash-unfolded", hash=integrity, why="compared without white space", ambiguity="A-HASH-ELEMENT")
    plain.add("hash-without-space", hash="".join(integrity.split()), ambiguity="A-HASH-ELEMENT")
    value = integrity.partition("b=")[2].partition(";")[0]
    for text, why in ((value, "b= alone"), (plain.original.value("X-de-mail-message-id"), "metadatum 14"),
                      ("", "empty"), (integrity[:-1], "cut"), (integrity.replace("s=dm2026", "s=dm2027"), "changed")):
        bad("hash", why, hash=text or " ", ambiguity="A-HASH-ELEMENT")
    metadata(plain, bad)


def metadata(plain, bad):
    def entries(change):
        return lambda found: [changed for entry in found for changed in change(*entry)]

    def dropped(missing):
        return entries(lambda name, value, line: [] if name == missing else [(name, value, line)])

    def valued(which, change):
        return entries(lambda name, value, line: [(name, change(value), line)
                                                  if name == which else (name, value, line)])

    def lined(which, change):
        return entries(lambda name, value, line: [(name, value, change(line))
                                                  if name == which else (name, value, line)])

    for name in ("Subject", "X-de-mail-sender", "X-de-mail-chosen-recipient", "X-de-mail-integrity", "Date",
                 "X-de-mail-message-id", "X-de-mail-private", "From", "Message-ID", "X-de-mail-version",
                 "X-de-mail-account-holder", "X-de-mail-auth-level", "X-de-mail-actual-recipient"):
        bad("metadata-missing", name, metadata=dropped(name), gray=name == "X-de-mail-actual-recipient")
    for name in ("Subject", "X-de-mail-sender", "X-de-mail-integrity", "Date", "X-de-mail-account-holder"):
        bad("metadata-value", f"{name}: Value is not OriginalHeader's",
            metadata=valued(name, lambda value: value + "x"))
        bad("metadata-line", f"{name}: OriginalHeader is not Value", metadata=lined(name, lambda line: line + "x"))
    bad("metadata-line-name", "OriginalHeader is of another field",
        metadata=lined("Subject", lambda line: line.replace("Subject", "Thema")))
    bad("metadata-line-alone", "OriginalHeader without its name", metadata=lined("Subject", lambda line: "Bescheid"))
    bad(
        "metadata-twice", "Subject twice, differing", gray=True,
        metadata=entries(lambda name, value, line: [(name, value, line)] + ([("Subject", "Zwei", "Subject: Zwei")]
                                                                            if name == "Subject" else [])))
    plain.add("metadata-lf", metadata=lambda found: [(n, x, line.replace("\r\n", "\n")) for n, x, line in found],
              why="OriginalHeader with LF", ambiguity="A-XML-CR", warnings="confirmation.line-end")
    plain.add("metadata-value-with-folding", why="comparison ignores white space", ambiguity="A-XML-CR",
              metadata=lambda found: [(n, line.partition(": ")[2], line) for n, x, line in found])
    plain.add("metadata-value-without-space", why="comparison ignores white space", ambiguity="A-XML-CR",
              metadata=lambda found: [(n, "".join(x.split()), line) for n, x, line in found])
    plain.add("metadata-names-lower-case", metadata=lambda found: [(n.lower(), x, line) for n, x, line in found])
    plain.add("metadata-reordered", metadata=lambda found: found[::-1])
    plain.add("metadata-with-final-crlf", metadata=lambda found: [(n, x, line + "\r\n") for n, x, line in found],
              ambiguity="A-XML-CR", gray=True)
    plain.add("metadata-more", "", "a further field of the original", gray=True,
              metadata=lambda found: found + [("To", MAX, f"To: {MAX}")])


def xml_signature(v, plain):
    p = v.pki

    def good(name, credential=p.rsa, **how):
        gray = how.pop("gray", False)
        plain.add(f"xml-signed-{name}", seal=XmlSeal(credential, **how), ambiguity="A-XML-SCOPE", gray=gray)

    def bad(name, credential=p.rsa, reasons="signature.xml", accept=XML, gray=False, signed=None, template=None, **how):
        plain.add(f"xml-signed-{name}", reasons, seal=XmlSeal(credential, **how), ambiguity="A-XML-SCOPE",
                  accept=accept, gray=gray, signed=signed, template=template)

    good("ecdsa", p.ec)
    good("ecdsa-384", p.ec384, digest="sha384")
    good("sha512", digest="sha512")
    good("pss", pss=True, gray=True)
    for c14n in (INCLUSIVE, INCLUSIVE11, EXCLUSIVE, EXCLUSIVE + "WithComments", INCLUSIVE + "#WithComments"):
        good("c14n", c14n=c14n)
    for c14n in (EXCLUSIVE, EXCLUSIVE + "WithComments"):
        plain.add("comment-after-signing", "", "URI=\"\" leaves comments out of what is signed (XML-DSig 4.4.3.3)",
                  seal=XmlSeal(p.rsa, c14n=c14n), signed=exchange("<Text>Hier", "<Text>Hi<!-- x -->er"), gray=True)
    good("no-c14n-transform", transforms=(ENVELOPED, ))
    bad("digest-sha1", digest="sha1", method_digest="sha256")
    bad("method-sha1", digest="sha256", method_digest="sha1")
    bad("two-references", references=2)
    bad("no-reference", references=0)
    bad("reference-elsewhere", uri="http://elsewhere.example/x.xml")
    bad("reference-to-id", uri="#a")
    bad("not-enveloped", transforms=(EXCLUSIVE, ))
    bad("no-transforms", transforms=(EXCLUSIVE, EXCLUSIVE), gray=False)
    for algorithm in ("http://www.w3.org/TR/1999/REC-xslt-19991116", "http://www.w3.org/TR/1999/REC-xpath-19991116",
                      "http://www.w3.org/2000/09/xmldsig#base64"):
        bad("transform", transforms=(ENVELOPED, algorithm))
    bad("by-another-key", p.stranger)
    for name in ("expired", "future", "revoked", "untrusted", "sub", "alone", "agreement"):
        bad(f"certificate-{name}", getattr(p, name), "certificate." + name,
            accept=either("certificate signature confirmation"))
    bad("no-key-info", key_info="", accept=either("signature certificate confirmation"))
    bad("key-info-broken", key_info="<ds:X509Data><ds:X509Certificate>AAAA</ds:X509Certificate></ds:X509Data>",
        accept=either("signature certificate confirmation"))
    bad("key-name", key_info="<ds:KeyName>Alpha</ds:KeyName>", accept=either("signature certificate confirmation"))
    bad("text-changed", signed=exchange("Hiermit wird", "Hiermit ist"))
    bad("time-changed", signed=exchange("<Time>2026-02-02", "<Time>2026-02-03"))
    bad("value-changed", signed=exchange("SignatureValue>", "SignatureValue>AAAA"))
    bad("digest-changed", signed=exchange("DigestValue>", "DigestValue>AAAA"))
    bad("method-changed", signed=exchange("rsa-sha256", "rsa-sha512"))
    bad("removed", signed=cut("<ds:Signature ", "</ds:Signature>"), accept=XML)
    bad(
        "moved-into-text", signed=lambda text: cut("<ds:Signature ", "</ds:Signature>")
        (text).replace("<Text>", "<Text>" + text[text.index("<ds:Signature "):text.index("</Acknowledge-Message>")], 1))
    bad(
        "wrapped", signed=lambda text: "<?xml version='1.0' encoding='UTF-8'?>\n" +
        '<Acknowledge-Message xmlns="urn:de-mail">' + text.partition("?>\n")[2] + "</Acknowledge-Message>")
    bad("twice", signed=lambda text: text.replace("</Acknowledge-Message>", text[text.index("<ds:Signature "):]))
    bad("object", inside='<ds:Object Id="a"><Sender xmlns="urn:de-mail">x</Sender></ds:Object>', gray=True)
    bad(
        "empty", signed=cut("<ds:Signature ", "</ds:Signature>",
                            '<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"/>'))
    plain.add("xml-signed-unqualified", seal=XmlSeal(p.unqualified), ambiguity="A-QUALIFIED",
              warnings="certificate.not-qualified")
    plain.add("xml-signed-2048", seal=XmlSeal(p.rsa2048), ambiguity="A-KEY-SIZE", warnings="certificate.key-size")
    plain.add("xml-signed-by-beta", seal=XmlSeal(p.beta), why="another key than the seal's")


def encodings(v, plain):
    """The same XML in other clothes, and XML that wants to be expensive."""
    declared = "<?xml version='1.0' encoding='UTF-8'?>"

    def dressed(name, change, reasons="", gray=False, **more):
        one = Confirmation(plain.original, plain.xml, **more)
        one.make()
        xml = change(one.xml().decode())
        plain.add(f"xml-{name}", reasons, parts=Parts(xml=part("application/xml", xml)), gray=gray,
                  accept=XML if reasons else None, ambiguity="A-XML-SCOPE")

    dressed("with-bom", lambda text: b"\xef\xbb\xbf" + text.encode())
    dressed("utf-16", lambda text: text.replace("UTF-8", "UTF-16").encode("utf-16"), gray=True)
    dressed("latin-1", lambda text: text.replace("UTF-8", "ISO-8859-1").encode("latin-1"))
    dressed("latin-1-called-utf-8", lambda text: text.encode("latin-1"), "confirmation.xml")
    dressed("without-declaration", lambda text: text.replace(declared + "\n", "").encode())
    dressed("empty-lines-behind", lambda text: text.encode() + b"\r\n\r\n")
    dressed("text-behind", lambda text: text.encode() + b"huhu", "confirmation.xml")
    dressed("second-root", lambda text: text.encode() + b"<a/>", "confirmation.xml")
    dressed("nul-behind", lambda text: text.encode() + b"\0", "confirmation.xml", gray=True)
    dressed("cdata", lambda text: text.encode(), template=exchange("<Text>Hiermit wird",
                                                                   "<Text><![CDATA[Hiermit wird]]>"))
    dressed(
        "schema-location", lambda text: text.encode(), template=exchange(
            '<Acknowledge-Message xmlns="urn:de-mail"', '<Acknowledge-Message xmlns="urn:de-mail"'
            ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="urn:de-mail http://a.example/d"'
        ))
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10 if n else "x" * 10}">' for n in range(9))
    dressed("laughs",
            lambda text: text.replace("?>", f"?><!DOCTYPE a [{entities}]>").replace("Hiermit", "&e8;").encode(),
            "confirmation.xml")
    dressed("deep", lambda text: text.encode(), "confirmation.schema",
            template=exchange("Hiermit", "<a>" * 200 + "</a>" * 200))
    dressed("very-deep", lambda text: text.replace("Hiermit", "<a>" * 20000 + "</a>" * 20000).encode(),
            "confirmation.xml")
    leaf = v.pki.rsa
    ca = base64.b64encode(v.pki.root.certificate.public_bytes(Encoding.DER)).decode()
    own = base64.b64encode(leaf.certificate).decode()
    for name, order in (("leaf-first", (own, ca)), ("leaf-last", (ca, own))):
        data = "".join(f"<ds:X509Certificate>{each}</ds:X509Certificate>" for each in order)
        plain.add(f"xml-signed-chain-{name}", seal=XmlSeal(leaf, key_info=f"<ds:X509Data>{data}</ds:X509Data>"),
                  gray=True, ambiguity="A-XML-SCOPE")
