"""ID IO 2.1.1 and 2.6: identification messages."""

import re

from ident import CARD, EMAIL, SHOP, Identification, whole
from mail import Seal
from signature import ENVELOPED, EXCLUSIVE, INCLUSIVE
from statement import ERIKA, TEXT, Parts, part
from vectors import either

IDENT = either("ident confirmation signature")
SIGNED = either("signature ident")


def make(v):
    metadata(v)
    assertion(v)
    signature(v)


def add(v, name, reasons="", why="", how=None, **changes):
    about = {key: changes.pop(key) for key in ("gray", "accept", "ambiguity", "warnings", "at_least") if key in changes}
    seal = changes.pop("seal", whole(v.pki.rsa))
    v.sealed(f"identification-{name}", Identification(seal, **changes).make(), reasons, why, how or v.ec, **about)


def metadata(v):
    add(v, "right")
    add(v, "rsa", how=v.rsa)
    add(v, "hash-only", "policy.signature-required", how=v.hashed, ambiguity="A-SIGN-I",
        accept=either("policy header"))
    add(v, "hash-only-with-certificate", "policy.signature-required", how=Seal(certificate="MIIB"),
        ambiguity="A-SIGN-I", accept=either("policy certificate"))
    for text in ("Ident-Bestaetigung", "Identbestätigung", "Bestätigung", "Ident-Bestätigung 4711",
                 "*Ident-Bestätigung*"):
        add(v, "subject", "ident.subject", text, subject=text, accept=either("ident value header"))
    add(v, "without-cc", "ident.cc", "Cc is who ordered it", cc=None, accept=either("ident recipient"), gray=True)
    add(v, "cc-somebody-else", "ident.cc", cc="x@alpha-demail.example", accept=either("ident recipient"), gray=True)
    add(v, "to-somebody-else", "ident.audience", to="x@beta-demail.example", accept=either("ident recipient"),
        gray=True)
    add(v, "seal-expired", "certificate.expired", how=Seal("sha256", "ec-dsa", v.pki.expired))
    add(v, "without-pdf", "ident.structure", parts=Parts(pdf=b""), accept=either("ident confirmation"))
    add(v, "without-xml", "ident.structure", parts=Parts(xml=part("text/plain", b"x")), accept=IDENT)
    add(v, "no-xml", "ident.xml", parts=Parts(xml=part("application/xml", b"x")), accept=IDENT)
    mail = Identification(whole(v.pki.rsa)).make().set("Content-Type", "text/plain")
    mail.body = TEXT.encode()
    v.sealed("identification-text-only", mail, "ident.structure", how=v.ec, accept=IDENT)


def exchange(*pairs):
    def change(text):
        for old, new in pairs:
            if old not in text:
                raise ValueError(old)
            text = text.replace(old, new, 1)
        return text

    return change


def cut(text, tag):
    return re.sub(f"<saml:{tag}[ >].*</saml:{tag}>", "", text, count=1)


def assertion(v):
    def bad(name, *pairs, gray=False, template=None):
        add(v, f"assertion-{name}", "ident.assertion", template=template or exchange(*pairs), accept=IDENT, gray=gray)

    bad("version", ('Version="2.0"', 'Version="1.1"'))
    bad("without-version", (' Version="2.0"', ""))
    bad("without-instant", (' IssueInstant="2026-02-02T09:24:30Z"', ""))
    bad("instant", ('IssueInstant="2026-02-02T09:24:30Z"', 'IssueInstant="gestern"'))
    bad("issuer-format",
        (f'Issuer Format="{EMAIL}"', 'Issuer Format="urn:oasis:names:tc:SAML:2.0:nameid-format:entity"'))
    bad("issuer-without-format", (f' Format="{EMAIL}">Ident', ">Ident"))
    bad("issuer-name", (">Ident-Bestaetigung@alpha-demail.example<", ">DMDA Alpha<"), gray=True)
    bad("issuer-other", (">Ident-Bestaetigung@alpha-demail.example<", ">Ident-Bestaetigung@gamma-demail.example<"),
        gray=True)
    bad("name-format",
        (f'NameID Format="{EMAIL}"', 'NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"'))
    bad("name-without-format", (f'NameID Format="{EMAIL}"', "NameID"))
    bad("name-empty", (f">{ERIKA}<", "><"))
    bad("name-no-address", (f">{ERIKA}<", ">Erika Mustermann<"))
    bad("audience-no-address", (f">{SHOP}<", ">Shop<"), gray=True)
    for tag in ("Issuer", "Subject", "Conditions", "AuthnStatement", "AttributeStatement", "AudienceRestriction",
                "NameID", "AuthnContext", "AuthnContextClassRef", "Audience", "Attribute"):
        bad(f"without-{tag.lower()}", template=lambda text, tag=tag: cut(text, tag))
    bad("subject-more",
        ("</saml:NameID>", '</saml:NameID><saml:SubjectConfirmation Method="urn:x"></saml:SubjectConfirmation>'))
    bad("two-audiences",
        ("</saml:AudienceRestriction>", "</saml:AudienceRestriction><saml:AudienceRestriction><saml:Audience>"
         f"{SHOP}</saml:Audience></saml:AudienceRestriction>"))
    for tag in ("AuthnStatement", "AttributeStatement"):
        bad(
            f"two-{tag.lower()}s", template=lambda text, tag=tag: text.replace(
                f"</saml:{tag}>", f"</saml:{tag}>" + text[text.index(f"<saml:{tag}"):text.index(f"</saml:{tag}>")] +
                f"</saml:{tag}>"))
    bad("without-authn-instant", (' AuthnInstant="2026-02-02T09:20:00Z"', ""))
    bad("two-class-refs",
        ("</saml:AuthnContextClassRef>", "</saml:AuthnContextClassRef><saml:AuthnContextClassRef>urn:x"
         "</saml:AuthnContextClassRef>"))
    bad("without-card", (CARD, ""))
    bad("without-id", (' ID="_4f3c2a1b9d8e7f60"', ""))
    bad("root", template=lambda text: text.replace("saml:Assertion", "saml:Response"))
    bad("namespace", ("SAML:2.0:assertion", "SAML:1.0:assertion"))
    bad("advice", ("<saml:AuthnStatement", "<saml:Advice></saml:Advice><saml:AuthnStatement"), gray=True)
    bad("doctype", template=exchange(("?>\n", "?>\n<!DOCTYPE x>")))
    add(v, "card-as-in-the-example", template=exchange(
        (CARD, '<Identcard><NaturalPerson></NaturalPerson></Identcard>')), why="the content is not judged",
        ambiguity="A-XML-SCOPE", gray=True)
    add(v, "card-legal", template=exchange(("NaturalPerson>", "LegalPerson>"), ("/NaturalPerson>", "/LegalPerson>")),
        ambiguity="A-XML-SCOPE")
    add(v, "card-content-any", template=exchange(("surname", "nachname"), ("/surname", "/nachname")),
        ambiguity="A-XML-SCOPE")
    value = ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    inner = CARD.partition(">")[2].removesuffix("</Identcard>")
    add(v, "card-unwrapped", template=exchange((CARD, inner)),
        why="as the type in ID IO 2.7 has it, not as the example", ambiguity="A-XML-SCOPE")
    add(
        v, "card-with-prefix", ambiguity="A-XML-SCOPE", template=exchange(
            (CARD, "<de-mail:Identcard><de-mail:NaturalPerson>"
             "</de-mail:NaturalPerson></de-mail:Identcard>")))
    add(
        v, "card-address-only", ambiguity="A-XML-SCOPE", template=exchange(
            (CARD, "<de-mail:DeMailAddress><de-mail:de-mail-address"
             f">{ERIKA}</de-mail:de-mail-address></de-mail:DeMailAddress>")))
    add(v, "card-without-type", template=exchange((value, ""), (' xsi:type="de-mail:Identcard"', "")), gray=True)
    add(
        v, "attribute-name-format", template=exchange(
            ('Name="Card"', 'Name="Card" NameFormat="urn:oasis:names:tc:SAML:2.0:'
             'attrname-format:basic"')))
    add(v, "conditions-with-times", template=exchange(
        ("<saml:Conditions>", '<saml:Conditions NotBefore="2026-02-02T09:24:30Z">')), gray=True)
    add(
        v, "class-ref-on-its-own-line",
        template=exchange(("<saml:AuthnContextClassRef>", "<saml:AuthnContextClassRef>\n "),
                          ("</saml:AuthnContextClassRef>", "\n</saml:AuthnContextClassRef>")))
    add(v, "names-on-their-own-lines", template=exchange((f">{ERIKA}<", f">\n {ERIKA}\n<"),
                                                         (f">{SHOP}<", f">\n {SHOP}\n<")), gray=True)
    add(v, "default-namespace", template=lambda text: text.replace("saml:", "").replace("xmlns:saml=", "xmlns="))
    add(v, "instant-with-fraction", template=exchange(("09:20:00Z", "09:20:00.123Z"), ("09:24:30Z", "10:24:30+01:00")))
    add(v, "samlassertion-type", parts=Parts(xml_type="application/samlassertion+xml"), gray=True)
    add(v, "subject-unencoded-fold", subject="Ident-Bestätigung", parts=Parts(text=b""))
    add(v, "indented", template=exchange(("<saml:Subject>", "\n  <saml:Subject>")))


def signature(v):
    p = v.pki

    def bad(name, credential=p.rsa, reasons="signature.xml", accept=SIGNED, gray=False, signed=None, template=None,
            **how):
        add(v, f"signed-{name}", reasons, seal=whole(credential, **how), accept=accept, gray=gray, signed=signed,
            template=template, ambiguity="A-XML-SCOPE")

    add(v, "signed-whole", seal=whole(p.rsa, uri=""), ambiguity="A-XML-SCOPE")
    add(v, "signed-ecdsa", seal=whole(p.ec), ambiguity="A-XML-SCOPE")
    add(v, "signed-sha512", seal=whole(p.rsa, digest="sha512"), ambiguity="A-XML-SCOPE")
    bad("exclusive", c14n=EXCLUSIVE, gray=True)
    bad("exclusive-whole", c14n=EXCLUSIVE, uri="", gray=True)
    bad("sha1", digest="sha1")
    bad("sha1-digest", digest="sha1", method_digest="sha256")
    bad("other-id", uri="#_other")
    bad("not-enveloped", transforms=(INCLUSIVE, ))
    bad("two-references", references=2)
    bad("by-another-key", p.stranger)
    bad("changed", signed=exchange(("Mustermann<", "Musterfrau<")))
    bad("removed", signed=lambda text: text[:text.index("<ds:Signature")] + text[text.index("</ds:Signature>") + 15:])
    bad("transform", transforms=(ENVELOPED, "http://www.w3.org/TR/1999/REC-xpath-19991116"))
    bad("wrapped", signed=wrapped)
    bad("same-id-inside", signed=exchange(("<saml:Subject>", '<saml:Subject ID="_4f3c2a1b9d8e7f60">')))
    for name in ("expired", "revoked", "untrusted", "agreement"):
        bad(f"certificate-{name}", getattr(p, name), "certificate." + name,
            accept=either("certificate signature ident"))


def wrapped(text):
    """The signed assertion hangs below another one that says something else."""
    inner = text.partition("?>\n")[2]
    outer = inner.replace('ID="_4f3c2a1b9d8e7f60"', 'ID="_evil"', 1).replace("Mustermann<", "Musterfrau<")
    start, end = outer.index("<ds:Signature"), outer.index("</ds:Signature>") + len("</ds:Signature>")
    signature = outer[start:end].replace("</ds:Signature>", f"<ds:Object>{inner}</ds:Object></ds:Signature>")
    return text.partition("?>\n")[0] + "?>\n" + outer[:start] + signature + outer[end:]
