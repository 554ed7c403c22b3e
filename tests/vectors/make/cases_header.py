"""PVD IO 3.1 table 1: which field must, may and must not be there, and what its value may be; PVD FU 3.3 on levels."""

from canon import HASHED
from ident import Identification, whole
from mail import Seal, seal
from signature import XmlSeal
from statement import ERIKA, OPTIONS, Confirmation, Notification, normal
from vectors import either

REQUIRED = [
    "X-de-mail-sender", "X-de-mail-chosen-recipient", "Subject", "Date", "X-de-mail-message-id",
    "X-de-mail-originator-provider", "X-de-mail-actual-recipient", "X-de-mail-version", "From", "Message-ID"
]
NORMAL_ONLY = ["X-de-mail-auth-level", "X-de-mail-auth-mechanism", "X-de-mail-account-holder"]


def make(v):
    missing(v)
    forbidden(v)
    options(v)
    values(v)
    dates(v)
    versions(v)
    levels(v)


def classes(v):
    """For each class: its name, a maker of unsealed messages, and a seal that does."""
    original = seal(normal(confirmation_of_receipt="yes"), v.hashed)
    xml = XmlSeal(v.pki.rsa)
    yield "confirmation", lambda: Confirmation(original, xml, "confirmation of receipt").make(), v.ec
    yield "notification", lambda: Notification().make(), v.hashed
    yield "identification", lambda: Identification(whole(v.pki.rsa)).make(), v.ec


def missing(v):
    for name in REQUIRED + NORMAL_ONLY + OPTIONS:
        for how in (v.hashed, v.rsa):
            v.sealed("without",
                     normal().drop(name), "header.missing", f"N without {name}", how,
                     ambiguity="A-OPTION-DEFAULT" if name in OPTIONS else "")
    v.sealed("without-type",
             normal().drop("X-de-mail-message-type"), "header.missing", "no message type", at_least=True)
    v.add("without-integrity", normal(), "header.missing", "no X-de-mail-integrity",
          accept=either("header integrity"))
    v.add("authoritative-without-integrity", normal(authoritative="yes"), "header.missing", at_least=True)
    for kind, make_one, how in classes(v):
        v.sealed(f"{kind}-as-it-should-be", make_one(), how=how)
        for name in REQUIRED:
            mail = make_one().drop(name)
            deliverable = None
            if kind == "notification":
                deliverable = name in ("Date", "X-de-mail-message-id", "X-de-mail-version", "From", "Message-ID")
            # What else speaks of that field may say so too.
            v.sealed(f"{kind}-without", mail, "header.missing", f"{name} is missing", how,
                     at_least=kind != "notification", deliverable=deliverable)
        v.sealed(f"{kind}-with-level", with_fields(make_one(), ("X-de-mail-auth-level", "high")), how=how)
        v.sealed(f"{kind}-with-mechanism", with_fields(make_one(), ("X-de-mail-auth-mechanism", "System")), how=how)
        v.sealed(f"{kind}-with-reply-to", with_fields(make_one(), ("Reply-To", ERIKA)), how=how, gray=True)
    v.sealed("identification-without-private",
             Identification(whole(v.pki.rsa), private="").make(), "header.missing", "", v.ec,
             accept=either("header ident policy"))
    for word in ("no", "Yes"):
        v.sealed("identification-private",
                 Identification(whole(v.pki.rsa), private=word).make(), "ident.private",
                 f"private={word} (ID IO 2.1.1)", v.ec, accept=either("ident policy value"))


def with_fields(mail, *fields):
    for name, value in fields:
        mail.add(name, value)
    return mail


def forbidden(v):
    empty = OPTIONS[:4] + ["X-de-mail-account-holder"]
    more = {
        "confirmation": ["X-de-mail-notification-type"], "notification": ["X-de-mail-private"],
        "identification": ["X-de-mail-notification-type", "X-de-mail-private-id"]
    }
    values = {
        "X-de-mail-account-holder": "DMDA Beta", "X-de-mail-notification-type": "other", "X-de-mail-private-id": "4711"
    }
    for kind, make_one, how in classes(v):
        for name in empty + more[kind]:
            v.sealed(f"{kind}-forbidden", with_fields(make_one(), (name, values.get(name, "no"))), "header.forbidden",
                     f"{name} has no place in this class (table 1)", how,
                     deliverable=True if kind == "notification" else None)
        v.sealed(f"{kind}-forbidden-yes", with_fields(make_one(), (OPTIONS[0], "yes")), "header.forbidden", "", how)
    v.sealed("normal-with-notification-type", normal().add("X-de-mail-notification-type", "other"), "header.forbidden")
    v.sealed("normal-with-reply-to", normal().add("Reply-To", "buero@alpha-demail.example"))
    v.sealed("normal-with-private-id", normal().add("X-de-mail-private-id", "AZ 4711/2026"))
    v.sealed("normal-with-foreign-x-field",
             normal().add("X-de-mail-zukunft", "ja").add("X-Mailer", "Post 1.0"), why="unknown fields are left alone")


def options(v):
    for name in OPTIONS:
        for word in ("Yes", "NO", "true", "1", "ja", "", "yes,no", "yes (ja)", "n o"):
            if word in ("Yes", "", "ja") or name == OPTIONS[4]:
                v.sealed("option", normal().set(name, word), "value.option", f"{name}: {word}")
        short = name.removeprefix("X-de-mail-").replace("-", "_")
        v.sealed("option-yes", normal(**{short: "yes"}), how=v.ec, why=f"{name}: yes")
    v.sealed("option-folded", normal().set("X-de-mail-private", "\r\n no"))
    v.sealed("option-without-space", normal().raw("X-de-mail-private", b"no"))
    v.sealed("option-with-outer-space", normal().raw("X-de-mail-private", b"  no \t"), gray=True)
    v.sealed("option-lower-case-name", normal().raw("X-de-mail-private", b" no", "x-de-mail-private"))
    v.sealed("option-upper-case-name", normal().raw("X-de-mail-private", b" no", "X-DE-MAIL-PRIVATE"))
    v.sealed("all-options", normal(**{name.removeprefix("X-de-mail-").replace("-", "_"): "yes"
                                      for name in OPTIONS}), how=v.rsa)
    v.sealed("bad-option-authoritative-signed", normal(authoritative="Yes"), "value.option", how=v.rsa)


def values(v):
    for word in ("Normal", "NORMAL", "confirmation", "confirmation of delivery", "Confirmation of dispatch",
                 "confirmation-of-dispatch", "draft", ""):
        v.sealed("type", normal(message_type=word), "value.message-type", f"message type {word!r}",
                 ambiguity="A-TYPE-CASE", accept=either("value"))
    for word in ("Normal", "HIGH", "hoch", "High", "low", "", "high (eID)", "normal, high"):
        v.sealed("level", normal(auth_level=word), "value.auth-level", f"level {word!r}", ambiguity="A-AUTH-CASE")
    v.sealed("level-normal", normal(auth_level="normal"))
    v.sealed("mechanism-any", normal(auth_mechanism="Benutzername / Passwort"))
    v.sealed("mechanism-empty", normal(auth_mechanism=""), "value.empty", "the field must name it (3.1.10)", gray=True)
    v.sealed("holder-empty", normal(account_holder=""), "value.empty", "the field must name him (3.1.19)", gray=True)
    v.sealed("holder-encoded", normal(account_holder="=?UTF-8?Q?J=C3=BCrgen_M=C3=BCller?="))
    v.sealed("subject-empty", normal().set("Subject", ""))
    v.sealed("subject-encoded-and-folded",
             normal().set("Subject", "=?UTF-8?B?w4RuZGVydW5n?=\r\n =?UTF-8?B?IGRlcyBCZXNjaGVpZHM=?="))
    v.sealed("message-id-empty", normal(message_id=""), "value.message-id", gray=True)
    for word, gray in (("localhost", False), ("192.0.2.1", True), ("[192.0.2.1]", False), ("mail alpha.example", False),
                       ("mail..example", False), ("-mail.example", True), ("a@mail.example", False), ("", False),
                       ("mail.example (eins)", True), ("mail.example.", True), ("m\u00e4il.example", False)):
        v.sealed("provider", normal(originator_provider=word), "value.originator-provider", f"provider {word!r}",
                 gray=gray, accept=either("value address syntax"))
    v.sealed("provider-capitals", normal(originator_provider="MAIL.Alpha-Demail.EXAMPLE"))
    for length, reasons in ((1, ""), (1023, ""), (1024, ""), (1025, "value.private-id"), (3000, "value.private-id")):
        whole_value = ("x" * 59 + " ") * (length // 60 + 1)
        text = (whole_value[:length - 1] + "x")
        folds = "\r\n ".join(text[at:at + 59] for at in range(0, len(text), 60))
        v.sealed("private-id",
                 normal().add("X-de-mail-private-id", folds), reasons, f"{length} characters, folded",
                 ambiguity="A-PRIVATE-ID-LENGTH")
    v.sealed("private-id-outer-space",
             normal().add("X-de-mail-private-id", "  \r\n " + "x" * 900 + "\r\n " + "y" * 123 + "  "),
             why="1024 characters, outer white space not counted", ambiguity="A-PRIVATE-ID-LENGTH")
    v.sealed("private-id-old-version",
             normal(version="1.1").add("X-de-mail-private-id", "x" * 900 + "\r\n " + "y" * 200),
             why="the limit came with 1.2 (table 26)", gray=True)
    for word in ("<>", "g1@alpha-demail.example", "<g1>", "<g1@alpha> <g2@alpha>", ""):
        v.sealed("rfc-message-id",
                 normal().set("Message-ID", word), "syntax.message-id", f"Message-ID: {word}",
                 accept=either("syntax value"), gray=word == "<g1>")
    for word in ("Erika Mustermann", "<erika>", "erika@", "@alpha-demail.example", "", "a@b.example c@d.example",
                 "Erika <erika@alpha-demail.example"):
        v.sealed("from",
                 normal().set("From", word), "syntax.from", f"From: {word}",
                 accept=either("syntax value address sender"))
    v.sealed("from-name", normal().set("From", f'"Mustermann, Erika" <{ERIKA}>'))
    v.sealed("from-encoded", normal().set("From", f"=?UTF-8?Q?J=C3=BCrgen?=\r\n <{ERIKA}>"))
    v.sealed("from-other",
             normal().set("From", "sekretariat@alpha-demail.example"), ambiguity="A-FROM-SENDER",
             warnings="sender.from")
    v.sealed("from-case", normal().set("From", "erika.mustermann@ALPHA-demail.example"))
    v.sealed("reply-to-list", normal().add("Reply-To", f"Erika <{ERIKA}>, buero@alpha-demail.example"), gray=True)
    v.sealed("reply-to-bad",
             normal().add("Reply-To", "Erika Mustermann"), "syntax.reply-to",
             accept=either("syntax value address"))


def dates(v):
    for word in ("02.02.2026 10:16", "2026-02-02T10:16:30+01:00", "Mon, 32 Feb 2026 10:16:30 +0100", "gestern", "",
                 "Mon, 02 Feb 2026", "Mon, 02 Feb 2026 25:16:30 +0100", "Mon, 02 Foo 2026 10:16:30 +0100",
                 "Mon, 30 Feb 2026 10:16:30 +0100", "Mon, 02 Feb 2026 10:61:30 +0100"):
        v.sealed("date", normal().set("Date", word), "syntax.date", f"Date: {word}", accept=either("syntax value"))
    for word, gray in (("2 Feb 2026 10:16:30 +0100", False), ("Mon,  2 Feb 2026 10:16:30 +0100", False),
                       ("Mon, 02 Feb 2026 10:16:30 +0100 (MEZ)", False), ("Mon, 02 Feb 2026 09:16:30 -0000", False),
                       ("Mon, 02 Feb 2026 10:16:60 +0100", True), ("Mon, 02 Feb 2026 10:16 +0100", True),
                       ("Mon, 02 Feb 2026 09:16:30 GMT", True), ("Mon, 02 Feb 26 10:16:30 +0100",
                                                                 True), ("Tue, 02 Feb 2026 10:16:30 +0100", True),
                       ("mon, 02 feb 2026 10:16:30 +0100", False), ("Mon, 02 Feb 2026\r\n 10:16:30 +0100", False)):
        v.sealed("date", normal().set("Date", word), "", f"Date: {word}", gray=gray)


def versions(v):
    for word in ("1.0", "1.1", "1.2", "1.7", "1.8"):
        v.sealed("version", normal(version=word), "", f"version {word}", ambiguity="A-VERSION")
    for word in ("1.3", "1.4", "1.5", "1.6", "1.9", "2.0", "1", "0.9", "1.80", "v1.8", "1,8", "1.8.0", "", "1.8 (2024)",
                 "TR-01201 1.8"):
        v.sealed("version", normal(version=word), "value.version", f"version {word!r}", ambiguity="A-VERSION")
    for word in ("1.0", "1.1", "1.2", "1.7", "1.8"):
        v.sealed("version-holder",
                 normal(version=word).drop("X-de-mail-account-holder"), "" if word == "1.0" else "header.missing",
                 f"{word} without account-holder (table 26)", ambiguity="A-VERSION")
        mail = Notification(reason=None).make().set("X-de-mail-version", word)
        v.sealed("version-notification-type", mail, "" if word in ("1.0", "1.1") else "header.missing",
                 f"{word} without notification-type (table 26)", ambiguity="A-VERSION",
                 deliverable=None if word in ("1.0", "1.1") else True)


def levels(v):
    for name in ("authoritative", "private", "confirmation_of_retrieve"):
        v.sealed("level-too-low", normal(**{name: "yes", "auth_level": "normal"}), "policy.auth-level",
                 f"{name} at level normal", v.rsa, ambiguity="A-LEVEL-RULE")
        v.sealed("level-high", normal(**{name: "yes", "auth_level": "high"}), "", f"{name} at level high", v.rsa,
                 ambiguity="A-LEVEL-RULE")
    v.sealed("level-unsigned", normal(authoritative="yes", auth_level="normal"),
             "policy.auth-level policy.signature-required", ambiguity="A-LEVEL-RULE")
    v.sealed("level-enough", normal(confirmation_of_receipt="yes", confirmation_of_dispatch="yes", auth_level="normal"),
             why="dispatch and receipt need no level", ambiguity="A-LEVEL-RULE")
    for kind, make_one, how in classes(v):
        if kind == "identification":
            v.sealed("level-of-system",
                     make_one().add("X-de-mail-auth-level", "normal"), "policy.auth-level", "private at level normal",
                     how, gray=True, ambiguity="A-LEVEL-RULE")
        for name in ("X-de-mail-auth-level", "X-de-mail-version"):
            mail = make_one()
            (mail.set if mail.has(name) else mail.add)(name, "hoch")
            v.sealed(f"{kind}-value", mail, "value.x", f"{name}: hoch", how, accept=either("value"))
        there = make_one()
        present = [name for name in HASHED if there.has(name)]
        v.sealed(f"{kind}-absent-names-omitted", make_one(), "", "h= lists what is there",
                 Seal(how.digest, how.signature, how.credential, names=present), ambiguity="A-H-ABSENT",
                 warnings="integrity.h-absent")
    v.sealed("level-absent", normal(private="yes").drop("X-de-mail-auth-level"), "header.missing")
    v.sealed(
        "authoritative-pseudonym",
        normal(authoritative="yes", sender="pn_falke@alpha-demail.example",
               account_holder="falke").set("From", "pn_falke@alpha-demail.example"), how=v.ec, ambiguity="A-PSEUDONYM",
        warnings="policy.pseudonym")
    v.sealed("three-defects",
             normal(version="9.9", auth_level="HIGH").drop("X-de-mail-account-holder"),
             "value.version value.auth-level header.missing")
