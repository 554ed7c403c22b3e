"""PVD IO 3.1.14 and PVD FU step 48: the certificate field and what the certificate is worth."""

import base64

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from mail import Seal, folded, seal
from statement import normal
from vectors import either


def make(v):
    worth(v)
    encoding(v)
    presence(v)


def worth(v):
    p = v.pki
    cases = [
        ("expired", p.expired, "certificate.expired", "expired at the time of judging, valid at Date", "A-CERT-TIME",
         ""),
        ("not-yet-valid", p.future, "certificate.not-yet-valid", "", "A-CERT-TIME", ""),
        ("not-valid-at-date", p.late, "", "valid now, not at Date", "A-CERT-TIME", "certificate.date"),
        ("revoked", p.revoked, "certificate.revoked", "", "A-QUALIFIED", ""),
        ("expired-and-revoked", p.expired_revoked, "certificate.expired certificate.revoked", "", "A-CERT-TIME", ""),
        ("foreign-ca", p.untrusted, "certificate.untrusted", "a CA of the same name, another key", "A-QUALIFIED", ""),
        ("sub-ca-unknown", p.sub, "certificate.untrusted", "issuer is below the anchor but given to nobody",
         "A-QUALIFIED", ""),
        ("elsewhere", p.elsewhere, "certificate.untrusted", "", "A-QUALIFIED", ""),
        ("self-signed", p.alone, "certificate.untrusted", "", "A-QUALIFIED", ""),
        ("anchor-is-no-root", p.anchored, "", "the anchor was issued by somebody unknown; no list for it",
         "A-QUALIFIED", "certificate.status-unknown"),
        ("list-run-out", p.unlisted, "", "the revocation list of the issuer has run out", "A-QUALIFIED",
         "certificate.status-unknown"),
        ("list-forged", p.forged_list, "", "the list that revokes it is not by its issuer", "A-QUALIFIED",
         "certificate.status-unknown"),
        ("signature-spoiled", p.spoiled, "certificate.untrusted", "one bit of the issuer's signature", "", ""),
        ("digital-signature-only", p.signing_only, "", "", "A-QUALIFIED", ""),
        ("both-usages", p.both_usages, "", "", "A-QUALIFIED", ""),
        ("key-agreement", p.agreement, "certificate.key-usage", "", "A-QUALIFIED", ""),
        ("ca-usage", p.ca_usage, "certificate.key-usage", "", "A-QUALIFIED", ""),
        ("unqualified", p.unqualified, "", "no QcStatements", "A-QUALIFIED", "certificate.not-qualified"),
        ("not-compliant", p.not_compliant, "", "QcStatements without QcCompliance", "A-QUALIFIED",
         "certificate.not-qualified"),
        ("expired-and-usage", p.expired_usage, "certificate.expired certificate.key-usage", "", "A-QUALIFIED", ""),
        ("critical-unknown", p.critical, "certificate.untrusted", "RFC 5280 4.2: unknown critical extension", "", ""),
    ]
    for name, credential, reasons, why, ambiguity, warnings in cases:
        for authoritative in ("yes", "no"):
            v.sealed(name, normal(authoritative=authoritative), reasons, why, Seal("sha256", "ec-dsa", credential),
                     ambiguity=ambiguity, warnings=warnings)
    for name, credential, why in (("no-usage", p.no_usage, "no key usage extension: not restricted (RFC 5280 4.2.1.3)"),
                                  ("server", p.server, "extended key usage serverAuth only")):
        v.sealed(name, normal(authoritative="yes"), "", why, Seal("sha256", "ec-dsa", credential), gray=True)
    v.sealed("encipherment", normal(authoritative="yes"), "certificate.key-usage", "key encipherment only",
             Seal("sha256", "rsa", p.encipherment), ambiguity="A-QUALIFIED")
    v.add("expired-and-body-changed",
          sealed(normal(authoritative="yes"), p.expired).replace(b"Guten", b"Gutten"),
          "certificate.expired integrity.body-hash")
    v.add("revoked-and-subject-changed",
          sealed(normal(authoritative="yes"), p.revoked).replace(b"Bescheid", b"Bescheit"),
          "certificate.revoked signature.invalid")
    v.sealed("expired-and-level", normal(authoritative="yes", auth_level="normal"),
             "certificate.expired policy.auth-level", how=Seal("sha256", "ec-dsa", p.expired), ambiguity="A-LEVEL-RULE")


def sealed(mail, credential):
    return seal(mail, Seal("sha256", "ec-dsa", credential)).bytes()


def encoding(v):
    p = v.pki
    text = base64.b64encode(p.ec.certificate).decode()
    armour = f"-----BEGIN CERTIFICATE-----\r\n {folded(text, 64)}\r\n -----END CERTIFICATE-----"
    unread = either("certificate signature")
    bad = {
        "pem": armour,
        "base64-of-pem": folded(base64.b64encode(armour.replace("\r\n ", "\n").encode()).decode()),
        "two": folded(base64.b64encode(p.ec.certificate + p.root.certificate.public_bytes(Encoding.DER)).decode()),
        "two-encodings": folded(text) + "\r\n " + folded(base64.b64encode(p.rsa.certificate).decode()),
        "garbage-behind": folded(base64.b64encode(p.ec.certificate + b"\0").decode()),
        "cut": folded(base64.b64encode(p.ec.certificate[:-1]).decode()),
        "hex": folded(p.ec.certificate.hex()),
        "empty": "",
        "text": "siehe Verzeichnis",
        "no-base64": "!" + folded(text),
        "comma": folded(text).replace("\r\n ", ",\r\n "),
        "public-key": folded(
            base64.b64encode(p.ec_key.public_key().public_bytes(Encoding.DER,
                                                                PublicFormat.SubjectPublicKeyInfo)).decode()),
        "crl": folded(base64.b64encode(p.root.revocation_list().public_bytes(Encoding.DER)).decode()),
    }
    for name, value in bad.items():
        v.sealed(f"certificate-{name}", normal(authoritative="yes"), "certificate.encoding", "", how(v, value),
                 ambiguity="A-CERT-ENCODING", accept=unread)
    good = {
        "one-line-of-76": folded(text, 76), "narrow": folded(text, 10), "tabs": folded(text).replace("\r\n ", "\r\n\t"),
        "one-line": text if len(text) < 960 else folded(text, 900), "spaces": folded(text).replace("\r\n ", "\r\n   "),
        "spaces-inside": text[:40] + " " + folded(text[40:]), "first-line-empty": "\r\n " + folded(text)
    }
    for name, value in good.items():
        v.sealed(f"certificate-{name}", normal(authoritative="yes"), "", "folded as needed", how(v, value),
                 ambiguity="A-CERT-ENCODING")


def how(v, value):
    return Seal("sha256", "ec-dsa", v.pki.ec, certificate=value)


def presence(v):
    p = v.pki
    stripped = either("certificate signature integrity header policy")
    v.sealed("certificate-stripped", normal(authoritative="yes"), "certificate.missing", "", how(v, False),
             ambiguity="A-CERT-STRIPPED", accept=stripped)
    v.sealed("certificate-stripped", normal(), "certificate.missing", "not authoritative", how(v, False),
             ambiguity="A-CERT-STRIPPED", accept=stripped)
    stripped_and_changed = Seal("sha256", "ec-dsa", p.ec, certificate=False)
    v.add("certificate-stripped-body-changed",
          seal(normal(), stripped_and_changed).bytes().replace(b"Guten",
                                                               b"Gutten"), "certificate.missing integrity.body-hash",
          ambiguity="A-CERT-STRIPPED", at_least=True, accept=either("integrity"))
    v.add("certificate-stripped-field-changed",
          seal(normal(), stripped_and_changed).bytes().replace(b"Bescheid", b"Bescheit"), "certificate.missing",
          "what the attack of A-CERT-STRIPPED would be", ambiguity="A-CERT-STRIPPED", accept=stripped)
    text = folded(base64.b64encode(p.ec.certificate).decode())
    v.sealed("certificate-without-signature", normal(), "", "", Seal(certificate=text), ambiguity="A-CERT-WITHOUT-SIG",
             warnings="certificate.unused")
    v.sealed("expired-certificate-without-signature", normal(), "", "",
             Seal(certificate=folded(base64.b64encode(p.expired.certificate).decode())), ambiguity="A-CERT-WITHOUT-SIG",
             warnings="certificate.unused")
    v.sealed("junk-certificate-without-signature", normal(), "", "", Seal(certificate="nichts"),
             ambiguity="A-CERT-WITHOUT-SIG", warnings="certificate.unused", gray=True)
    v.sealed("certificate-without-signature-authoritative", normal(authoritative="yes"), "policy.signature-required",
             "", Seal(certificate=text), ambiguity="A-CERT-WITHOUT-SIG", warnings="certificate.unused")
