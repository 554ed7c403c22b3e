"""PVD IO 3.1.13 and 3.1.21: the integrity field, and what happens to a sealed message on its way."""

import base64
import re

import canon
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from mail import Seal, folded_names, listed, seal
from statement import ERIKA, normal
from vectors import either


def make(v):
    algorithms(v)
    tag_lists(v)
    tag_spelling(v)
    hashed_names(v)
    flipped(v)
    duplicates(v)
    in_transit(v)
    signatures(v)


def algorithms(v):
    p = v.pki
    keys = {"rsa": [p.rsa], "ec-dsa": [p.ec, p.ec384, p.ec521, p.brainpool], "rsassa-pss": [p.rsa, p.pss]}
    for digest in canon.DIGESTS:
        v.sealed(f"hash-{digest}", normal(), how=Seal(digest))
        for signature, credentials in keys.items():
            for number, credential in enumerate(credentials):
                v.sealed(f"signed-{digest}-{signature}-{number}", normal(authoritative="yes"),
                         how=Seal(digest, signature, credential), ambiguity="A-PSS-SALT A-ECDSA-FORMAT")
    for spelled in ("rsa-sha256", "SHA256", "Sha256", "sha-256", "sha1", "md5", "sha224", "sha3-256", "sha512/256",
                    "[sha256]", "sha256/", "", "none"):
        v.sealed("hash-spelled", normal(), "integrity.algorithm", f"a={spelled}", Seal(algorithm=spelled),
                 ambiguity="A-ALG-SPELLING")
    for spelled in ("rsa-sha256", "sha256/RSA", "SHA256/rsa", "sha256-rsa", "sha256/ecdsa", "sha256/rsapss",
                    "[sha256]/[rsa]", "sha256/ rsa", "sha1/rsa", "sha256/rsa/x", "ed25519-sha256"):
        v.sealed("signed-spelled", normal(authoritative="yes"), "integrity.algorithm", f"a={spelled}",
                 Seal(signature="rsa", credential=p.rsa, algorithm=spelled), ambiguity="A-ALG-SPELLING",
                 accept=either("integrity policy"))


def replaced(tag, text):
    return lambda tags: [[name, text if name == tag else value] for name, value in tags]


def without(tag):
    return lambda tags: [each for each in tags if each[0] != tag]


def plus(*more, at=None):
    return lambda tags: tags[:at] + [list(each) for each in more] + (tags[at:] if at is not None else [])


def renamed(tag, name):
    return lambda tags: [[name if found == tag else found, value] for found, value in tags]


def tag_lists(v):
    def case(name, tags, reasons="", why="", signed=False, **about):
        how = Seal(signature="ec-dsa", credential=v.pki.ec, tags=tags) if signed else Seal(tags=tags)
        v.sealed(name, normal(authoritative="yes" if signed else "no"), reasons, why, how, **about)

    for tag in ("v", "a", "d", "s", "h", "bh", "b"):
        case(f"without-{tag}", without(tag), "integrity.tag-missing", f"{tag}= is missing", ambiguity="A-DKIM-REQUIRED")
        case(f"signed-without-{tag}", without(tag), "integrity.tag-missing", f"{tag}= is missing", signed=True,
             ambiguity="A-DKIM-REQUIRED", accept=either("integrity policy signature"))
    for text in ("2", "01", "1.0", "", "0"):
        case("version", replaced("v", text), "integrity.version", f"v={text}")
    for tag in ("d", "s"):
        case(f"empty-{tag}", replaced(tag, ""), "integrity.syntax", f"{tag}= is empty", gray=True)
    case("empty-bh", replaced("bh", ""), "integrity.body-hash")
    case("empty-h", replaced("h", ""), "integrity.h")
    case("other-domain", replaced("d", "irgendwo.example"), ambiguity="A-DKIM-REQUIRED")
    case("dotless-domain", replaced("d", "localhost"), "integrity.domain", "RFC 6376 3.5: two labels at least",
         ambiguity="A-DKIM-REQUIRED", gray=True)
    for text, reasons in (("simple", ""), ("relaxed/relaxed", "integrity.c"), ("relaxed/simple", "integrity.c"),
                          ("simple/relaxed", "integrity.c"), ("relaxed", "integrity.c"),
                          ("Simple/Simple", "integrity.c"), ("", "integrity.c"), ("simple/", "integrity.c")):
        case("canonicalisation", replaced("c", text), reasons, f"c={text}", ambiguity="A-C-DEFAULT",
             warnings="" if reasons else "integrity.c-default")
    case("canonicalisation-absent", without("c"), ambiguity="A-C-DEFAULT", warnings="integrity.c-absent")
    for text in ("0", "5", "99999999", "abc", "-1", ""):
        case("length", plus(("l", text)), "", f"l={text} is ignored", ambiguity="A-L-TAG", warnings="integrity.l")
        case("length", plus(("l", text), at=2), "", f"l={text} is ignored", True, ambiguity="A-L-TAG",
             warnings="integrity.l")
    for name, more, warnings in (("expired", ("x", "1262304000"), "integrity.x"), ("expires-later", ("x", "1893456000"),
                                                                                   ""),
                                 ("timestamp", ("t", "1770023790"), ""), ("timestamp-future", ("t", "2770023790"), ""),
                                 ("identity", ("i", "@alpha-demail.example"), ""), ("identity-elsewhere",
                                                                                    ("i", "a@elsewhere.example"), ""),
                                 ("copied-fields", ("z", "Subject:Bescheid"), ""), ("unknown-tag", ("zz", "1"), ""),
                                 ("unknown-empty-tag", ("zz", ""), ""), ("upper-case-B", ("B", "AAAA"), ""),
                                 ("tag-that-ends-in-b", ("zb", "AAAA"), ""), ("upper-case-A", ("A", "sha1"), "")):
        case(name, plus(more), ambiguity="A-X-TAG A-B-REMOVAL", warnings=warnings)
        case(f"{name}-in-front", plus(more, at=0), ambiguity="A-X-TAG A-B-REMOVAL", warnings=warnings)
    case("query-in-hash", plus(("q", "x-header/x-de-mail-signature-certificate")), why="q= in the hash form", gray=True)
    case("signed-query-dns", replaced("q", "dns/txt"), "integrity.q", "key must not come by DNS", True, gray=True)
    case("signed-query-absent", without("q"), "integrity.q", "q= is missing", True, gray=True)
    case("upper-case-tag", renamed("h", "H"), "integrity.tag-missing", "tag names are case-sensitive")
    for tag, text in (("a", "sha256"), ("b", "AAAA"), ("h", "From"), ("zz", "1")):
        extra = [(tag, text)] * (2 if tag == "zz" else 1)
        case("tag-twice", plus(*extra), "integrity.syntax", f"{tag}= twice (RFC 6376 3.2)", accept=either("integrity"))


def tag_spelling(v):
    def case(name, reasons="", why="", signed=False, **how):
        base = {"signature": "ec-dsa", "credential": v.pki.ec} if signed else {}
        about = {key: how.pop(key) for key in ("gray", "accept", "ambiguity") if key in how}
        v.sealed(name, normal(authoritative="yes" if signed else "no"), reasons, why, Seal(**base, **how), **about)

    for signed in (False, True):
        case("trailing-semicolon", tail=";", signed=signed)
        case("b-first", tags=lambda tags: [tags[-1]] + tags[:-1], signed=signed, ambiguity="A-B-REMOVAL")
        case("b-before-bh", tags=lambda tags: tags[:-2] + [tags[-1], tags[-2]], signed=signed, ambiguity="A-B-REMOVAL")
        case("reversed", tags=lambda tags: tags[::-1], signed=signed, ambiguity="A-B-REMOVAL")
        case("space-before-equals", tags=renamed("b", "b "), signed=signed, ambiguity="A-B-REMOVAL")
        case("fold-before-equals", tags=renamed("b", "b\r\n "), signed=signed, ambiguity="A-B-REMOVAL")
        case("space-around-b", tags=replaced("b", " {b}\r\n  "), signed=signed, ambiguity="A-B-REMOVAL", tail=";")
        case("space-after-b-at-the-end", tags=replaced("b", "\r\n\t{b} "), signed=signed, ambiguity="A-B-REMOVAL")
        case("space-around-all", separator="  ;\r\n\t ", signed=signed)
        case("spaces-everywhere", tags=lambda tags: [[f" {tag} ", f" {value} "] for tag, value in tags], signed=signed)
        case("one-line-of-tags", separator=";", signed=signed)
        case("lower-case-name", field_name="x-de-mail-integrity", signed=signed)
        case("upper-case-name", field_name="X-DE-MAIL-INTEGRITY", signed=signed)
    case("two-semicolons", "integrity.syntax", tail=";;")
    case("leading-semicolon", "integrity.syntax", tags=renamed("v", ";v"))
    case("word-without-equals", "integrity.syntax", tail="; huhu")
    case("tag-name-with-hyphen", "integrity.syntax", tags=plus(("x-y", "1")), gray=True)
    case("tag-name-begins-with-digit", "integrity.syntax", tags=plus(("1x", "1")), gray=True)
    case("hash-in-hex", "integrity.header-hash", encode=lambda octets: octets.hex().encode(), ambiguity="A-HASH-VALUE")
    case("hash-of-hex", "integrity.header-hash", change=lambda octets: octets.hex().encode(), ambiguity="A-HASH-VALUE")
    case("hash-cut", "integrity.header-hash", change=lambda octets: octets[:-1], ambiguity="A-HASH-VALUE")
    case("hash-lengthened", "integrity.header-hash", change=lambda octets: octets + b"\0", ambiguity="A-HASH-VALUE")
    case("hash-empty", "integrity.header-hash", change=lambda octets: b"", accept=either("integrity"))
    case("hash-not-base64", "integrity.header-hash", encode=lambda octets: b"***" + base64.b64encode(octets))
    case("hash-with-garbage", "integrity.header-hash", encode=lambda octets: base64.b64encode(octets) + b"!x")
    case("signature-not-base64", "signature.invalid", signed=True, encode=lambda octets: b"***",
         accept=either("signature integrity"))
    case("signature-empty", "signature.invalid", signed=True, change=lambda octets: b"",
         accept=either("signature integrity"))
    case("body-hash-in-hex", "integrity.body-hash",
         tags=lambda tags: [[t, base64.b64decode(x).hex() if t == "bh" else x] for t, x in tags])
    case("body-hash-of-nothing", "integrity.body-hash", tags=replaced("bh", canon.encoded("sha256", b"")))
    case("body-hash-by-another-digest", "integrity.body-hash", digest="sha512",
         tags=replaced("bh", canon.encoded("sha256", canon.body_input(normal().body))))
    case("body-hash-folded", tags=lambda tags: [[t, x[:9] + "\r\n " + x[9:] if t == "bh" else x] for t, x in tags])


def hashed_names(v):
    def case(name, names, reasons="", why="", mail=None, **about):
        v.sealed(name, mail or normal(), reasons, why, Seal(names=names), **about)

    full = listed(normal())
    case("names-lower-case", [name.lower() for name in full], why="names are case-insensitive")
    case("names-upper-case", [name.upper() for name in full], why="names are case-insensitive")
    case("names-swapped", [full[1], full[0]] + full[2:], "integrity.h-order", ambiguity="A-H-ORDER")
    case("names-reversed", full[::-1], "integrity.h-order", ambiguity="A-H-ORDER")
    case("private-id-listed-last", full + ["X-de-mail-private-id"], "integrity.h-order",
         mail=normal().add("X-de-mail-private-id", "4711"), ambiguity="A-H-ORDER")
    case("name-twice", full[:1] + full, "integrity.h-duplicate", ambiguity="A-FIRST-FROM-TOP")
    case("absent-name-twice", full[:5] + ["Reply-To"] + full[5:], "integrity.h-duplicate", ambiguity="A-FIRST-FROM-TOP")
    case("name-twice-by-case", full + ["subject"], "integrity.h-duplicate", ambiguity="A-FIRST-FROM-TOP")
    for extra in ("To", "Content-Type", "X-de-mail-actual-recipient", "X-de-mail-integrity", "X-Unbekannt",
                  "X-de-mail-notification-type"):
        case("name-extra", full + [extra], "integrity.h-extra", f"{extra} in h=", ambiguity="A-H-EXTRA")
    case("reply-to-omitted", [name for name in full if name != "Reply-To"], ambiguity="A-H-ABSENT",
         warnings="integrity.h-absent")
    case("private-id-listed-absent", canon.HASHED, ambiguity="A-H-ABSENT", warnings="integrity.h-absent")
    for omitted in full:
        if omitted != "Reply-To":
            case("name-omitted", [name for name in full if name != omitted], "integrity.h-missing",
                 f"{omitted} is there but not in h=", ambiguity="A-H-ABSENT")
    case("reply-to-not-listed", [name for name in full if name != "Reply-To"], "integrity.h-missing",
         mail=normal().add("Reply-To", ERIKA), ambiguity="A-H-ABSENT")
    case("private-id-not-listed", full, "integrity.h-missing", mail=normal().add("X-de-mail-private-id", "4711"),
         ambiguity="A-H-ABSENT")
    spaced = " : ".join(full[:3]) + "\r\n :\t" + "\r\n   :".join(full[3:])
    v.sealed("names-spaced", normal(), how=Seal(tags=replaced("h", spaced)))
    v.sealed("names-with-empty-one", normal(), "integrity.h-extra", "From::Date",
             Seal(tags=replaced("h",
                                folded_names(full).replace(":", "::", 1))))
    v.sealed("names-with-comma", normal(), "integrity.h", how=Seal(tags=replaced("h", ",".join(full))),
             accept=either("integrity"))


# One changed letter that leaves the field as such in order.
CHANGES = {
    "From": (ERIKA, "Erika M <erika.mustermann@alpha-demail.example>"),
    "Date": ("10:16:30", "10:16:31"),
    "Message-ID": ("<g", "<h"),
    "Subject": ("Bescheid", "bescheid"),
    "Reply-To": ("buero@", "burro@"),
    "X-de-mail-confirmation-of-dispatch": ("no", "yes"),
    "X-de-mail-confirmation-of-receipt": ("no", "yes"),
    "X-de-mail-confirmation-of-retrieve": ("no", "yes"),
    "X-de-mail-authoritative": ("yes", "no"),
    "X-de-mail-private": ("no", "yes"),
    "X-de-mail-sender": ("erika", "erica"),
    "X-de-mail-chosen-recipient": ("max.", "mox."),
    "X-de-mail-auth-mechanism": ("Smart", "smart"),
    "X-de-mail-auth-level": ("high", "normal"),
    "X-de-mail-originator-provider": ("mail.", "main."),
    "X-de-mail-message-type": (" normal", "  normal"),
    "X-de-mail-version": ("1.8", "1.7"),
    "X-de-mail-private-id": ("4711", "4712"),
    "X-de-mail-message-id": ("demail@", "Demail@"),
    "X-de-mail-account-holder": ("Mustermann", "Musterfrau"),
}


def rich():
    return normal().add("Reply-To", "buero@alpha-demail.example").add("X-de-mail-private-id", "4711")


def flipped(v):
    for name, (old, new) in CHANGES.items():
        for how, reason in ((v.hashed, "integrity.header-hash"), (v.ec, "signature.invalid")):
            if name == "X-de-mail-authoritative" and how is v.hashed:
                continue
            mail = rich()
            if how is v.ec:
                mail.set("X-de-mail-authoritative", "yes")
            seal(mail, how)
            octets = mail.bytes()
            found, raw = mail.fields[mail.index(name)]
            changed = octets.replace(b"\r\n" + found + b":" + raw,
                                     b"\r\n" + found + b":" + raw.replace(old.encode(), new.encode(), 1), 1)
            reasons = reason
            if name == "X-de-mail-auth-level" and how is v.ec:
                reasons += " policy.auth-level"
            v.add("changed-field", changed, reasons, f"{name} changed after sealing")
    for number, (old, new) in enumerate(
        (("Bescheid", " Bescheid"), ("Bescheid", "Bescheid "), ("Bescheid", "\r\n Bescheid"), ("Subject:", "subject:"),
         ("Subject: ", "Subject:"), ("Subject:", "Subject :"))):
        octets = seal(normal(), v.hashed).bytes()
        at = octets.index(b"\r\nSubject:") + 2
        v.add("subject-respelled", octets[:at] + octets[at:].replace(old.encode(), new.encode(), 1),
              "integrity.header-hash", f"simple canonicalisation: {old!r} became {new!r}",
              accept=either("integrity syntax") if number == 5 else None)
    v.add("changed-integrity",
          seal(normal(), v.hashed).bytes().replace(b"s=dm2026", b"s=dm2027"), "integrity.header-hash",
          "selector changed after sealing")
    v.add("changed-signed-integrity",
          seal(normal(authoritative="yes"), v.ec).bytes().replace(b"s=dm2026", b"s=dm2027"), "signature.invalid",
          "selector changed after sealing")


def duplicates(v):
    for name in ("From", "Subject", "Date", "X-de-mail-sender", "X-de-mail-private", "X-de-mail-account-holder",
                 "X-de-mail-version", "X-de-mail-message-id"):
        old, new = CHANGES[name]
        for how, reason in ((v.hashed, "integrity.header-hash"), (v.rsa, "signature.invalid")):
            for place in ("above", "below"):
                mail = normal(authoritative="yes" if how is v.rsa else "no")
                second = mail.value(name).replace(old, new)
                seal(mail, how)
                mail.top(name, second) if place == "above" else mail.add(name, second)
                v.add(f"duplicate-{place}", mail, reason if place == "above" else "", f"second {name} {place}",
                      ambiguity="A-FIRST-FROM-TOP", warnings="header.duplicate")
    mail = seal(normal(), v.hashed)
    v.add("duplicate-integrity-below", mail.add("X-de-mail-integrity", "kaputt"), ambiguity="A-FIRST-FROM-TOP",
          warnings="header.duplicate")
    mail = seal(normal(), v.hashed)
    v.add("duplicate-integrity-above", mail.top("X-de-mail-integrity", "kaputt"), "integrity.syntax",
          ambiguity="A-FIRST-FROM-TOP", warnings="header.duplicate")
    mail = seal(normal(authoritative="yes"), v.ec)
    v.add("duplicate-certificate-below", mail.add("X-de-mail-signature-certificate", "kaputt"),
          ambiguity="A-FIRST-FROM-TOP", warnings="header.duplicate")
    mail = seal(normal(authoritative="yes"), v.ec)
    v.add("duplicate-certificate-above", mail.top("X-de-mail-signature-certificate", "kaputt"), "certificate.encoding",
          ambiguity="A-FIRST-FROM-TOP", warnings="header.duplicate", accept=either("certificate signature"))
    mail = normal().add("Subject", "Zweiter")
    v.sealed("duplicate-before-sealing", mail, why="sealed with two Subjects, the first one hashed",
             ambiguity="A-FIRST-FROM-TOP", warnings="header.duplicate")
    mail = normal(authoritative="yes", auth_level="high").add("X-de-mail-auth-level", "normal")
    v.sealed("duplicate-level-below", mail, how=v.rsa, ambiguity="A-FIRST-FROM-TOP", warnings="header.duplicate")


def in_transit(v):
    mail = normal()
    mail.body = b"Zeile mit Leerzeichen  \r\n.\r\n..\r\n.foo\r\nFrom mir\r\n>From dir\r\n\r\n\r\n"
    octets = seal(mail, v.hashed).bytes()
    v.add("body-as-sealed", octets)
    v.add("body-empty-lines-added", octets + b"\r\n\r\n\r\n", why="empty lines at the end do not count")
    v.add("body-empty-lines-removed", octets.removesuffix(b"\r\n\r\n"), why="empty lines at the end do not count")
    v.add("body-blank-line-added", octets + b" \r\n", "integrity.body-hash")
    v.add("body-space-removed", octets.replace(b"zeichen  \r", b"zeichen\r"), "integrity.body-hash")
    v.add("body-dot-stuffed", octets.replace(b"\r\n.", b"\r\n.."), "integrity.body-hash")
    v.add("body-from-quoted", octets.replace(b"\r\nFrom mir", b"\r\n>From mir"), "integrity.body-hash")
    v.add("body-line-added", octets + b"P.S.\r\n", "integrity.body-hash")
    v.add("body-cut", octets[:octets.index(b".foo")], "integrity.body-hash")
    v.add("body-dropped", octets[:octets.index(b"\r\n\r\n") + 4], "integrity.body-hash")
    v.add("body-line-end-dropped", octets.rstrip(b"\r\n"), why="no final CRLF", ambiguity="A-FINAL-CRLF",
          warnings="syntax.final-crlf")
    received = b"Received: from a.example by b.example; Mon, 2 Feb 2026 10:17:00 +0100\r\n"
    v.add("received-added", received + octets)
    v.add("mime-field-changed", octets.replace(b"charset=us-ascii", b"charset=utf-8"), why="Content-Type is not hashed")
    v.add("to-changed",
          octets.replace(b"\r\nTo: max", b"\r\nTo: Max Mustermann <max.mustermann@beta-demail.example>,"
                         b"\r\n max"), why="To is not hashed")
    mail = seal(normal(), v.hashed)
    mail.fields.reverse()
    v.add("fields-reversed", mail, why="the order of the fields does not count")
    mail = seal(normal(), v.hashed)
    v.add("reply-to-added", mail.add("Reply-To", ERIKA), "integrity.header-hash", ambiguity="A-H-ABSENT")
    mail = seal(normal(), v.hashed)
    v.add("private-id-added", mail.add("X-de-mail-private-id", "4711"), "integrity.h-missing", ambiguity="A-H-ABSENT")
    mail = seal(rich(), v.hashed)
    v.add("reply-to-removed", mail.drop("Reply-To"), "integrity.header-hash")
    mail = seal(rich(), v.hashed)
    v.add("private-id-removed", mail.drop("X-de-mail-private-id"), "integrity.header-hash")
    octets = seal(normal(), v.hashed).bytes()
    v.add("body-and-field-changed",
          octets.replace(b"Bescheid", b"Bescheit").replace(b"Guten", b"Gutten"),
          "integrity.body-hash integrity.header-hash")
    octets = seal(normal(authoritative="yes"), v.rsa).bytes()
    v.add("signed-body-and-field-changed",
          octets.replace(b"Bescheid", b"Bescheit").replace(b"Guten", b"Gutten"),
          "integrity.body-hash signature.invalid")
    v.add(
        "signed-body-hash-adapted",
        re.sub(rb"bh=[^;]*",
               b"bh=" + canon.encoded("sha256", canon.body_input(normal().body.replace(b"Guten", b"Gutten"))).encode(),
               octets.replace(b"Guten", b"Gutten")), "signature.invalid", "body changed, bh= adapted")
    v.sealed("made-hash-only", normal(authoritative="yes"), "policy.signature-required",
             "signature replaced by a matching hash")


def signatures(v):
    p = v.pki

    def case(name, credential, signature, reasons="", why="", mail=None, accept=None, **how):
        about = {key: how.pop(key) for key in ("warnings", "ambiguity", "gray") if key in how}
        v.sealed(name, mail or normal(authoritative="yes"), reasons, why,
                 Seal(how.pop("digest", "sha256"), signature, credential, **how), accept=accept, **about)

    for salt in (0, 20, 31, 33, 64):
        case("pss-salt", p.rsa, "rsassa-pss", why=f"salt of {salt} octets", salt=salt, ambiguity="A-PSS-SALT",
             warnings="signature.pss-salt")
    case("pss-salt", p.rsa, "rsassa-pss", why="salt as long as fits", salt=384 - 32 - 2, ambiguity="A-PSS-SALT",
         warnings="signature.pss-salt")
    case("pss-other-mgf1", p.rsa, "rsassa-pss", "signature.invalid", inner="sha1", ambiguity="A-PSS-SALT")
    case("pss-other-mgf1", p.rsa, "rsassa-pss", "signature.invalid", inner="sha512", ambiguity="A-PSS-SALT")
    wrong = either("signature certificate integrity")
    case("rsa-called-pss", p.rsa, "rsa", "signature.invalid", algorithm="sha256/rsassa-pss")
    case("pss-called-rsa", p.rsa, "rsassa-pss", "signature.invalid", algorithm="sha256/rsa")
    case("sha512-called-sha256", p.rsa, "rsa", "integrity.body-hash signature.invalid", digest="sha512",
         algorithm="sha256/rsa")
    case("ec-called-rsa", p.ec, "ec-dsa", "signature.algorithm", algorithm="sha256/rsa", accept=wrong)
    case("rsa-called-ec", p.rsa, "rsa", "signature.algorithm", algorithm="sha256/ec-dsa", accept=wrong)
    case("rsa-by-pss-key", p.pss, "rsa", "signature.algorithm", "an id-RSASSA-PSS key must not sign so (RFC 4056 1.2)",
         accept=wrong)
    case("pss-by-restricted-key", p.pss512, "rsassa-pss", digest="sha512", ambiguity="A-PSS-SALT")
    case("pss-against-restriction", p.pss512, "rsassa-pss", "signature.algorithm", "key allows SHA-512 only",
         accept=wrong, gray=True)
    case("ecdsa-raw", p.ec, "ec-dsa", "signature.invalid", "r||s instead of DER", change=raw_ecdsa,
         ambiguity="A-ECDSA-FORMAT")
    case("ecdsa-with-garbage", p.ec, "ec-dsa", "signature.invalid", change=lambda octets: octets + b"\0")
    case("signature-cut", p.rsa, "rsa", "signature.invalid", change=lambda octets: octets[:-1])
    case("signature-flipped", p.rsa, "rsa", "signature.invalid",
         change=lambda octets: octets[:-1] + bytes([octets[-1] ^ 1]))
    case("signature-zero", p.rsa, "rsa", "signature.invalid", change=lambda octets: bytes(len(octets)))
    case("signature-by-another-key", p.stranger, "ec-dsa", "signature.invalid")
    case("not-authoritative-but-signed", p.rsa, "rsa", why="all others may be signed too", mail=normal())
    case("signed-body-hash-only", p.rsa, "rsa", "signature.invalid", "b= holds the hash",
         change=lambda octets: bytes(32))
    case("rsa-2048", p.rsa2048, "rsa", ambiguity="A-KEY-SIZE", warnings="certificate.key-size")
    case("pss-2048", p.rsa2048, "rsassa-pss", ambiguity="A-KEY-SIZE", warnings="certificate.key-size")
    case("rsa-1024", p.rsa1024, "rsa", ambiguity="A-KEY-SIZE", warnings="certificate.key-size")


def raw_ecdsa(octets):
    return b"".join(part.to_bytes(32, "big") for part in decode_dss_signature(octets))
