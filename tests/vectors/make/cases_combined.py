"""Several defects in one message: each is reported, none hides another, none brings more with it."""

import itertools

from mail import Seal, listed, seal
from statement import MAX, normal

LONG = "x" * 1500


def later(old, new):
    return lambda octets: octets.replace(old, new, 1)


def fields(name, value, add=False):
    return lambda mail: mail.add(name, value) if add else mail.set(name, value)


# name: reasons, what changes the mail before it is sealed, the seal, the octets after that
DEFECTS = {
    "version": ("value.version", fields("X-de-mail-version", "9.9"), None, None),
    "level-word": ("value.auth-level", fields("X-de-mail-auth-level", "HIGH"), None, None),
    "holder-missing": ("header.missing", lambda mail: mail.drop("X-de-mail-account-holder"), None, None),
    "reason-in-normal": ("header.forbidden", fields("X-de-mail-notification-type", "other", True), None, None),
    "recipients": ("recipient.syntax", fields("X-de-mail-chosen-recipient", f"to={MAX};"), None, None),
    "line": ("syntax.line-length", fields("X-Info", LONG, True), None, None),
    "bare-lf": ("syntax.line-end", lambda mail: setattr(mail, "body", b"eins\nzwei\r\n") or mail, None, None),
    "h-extra": ("integrity.h-extra", None, {"extra": "To"}, None),
    "expired": ("certificate.expired", None, {"credential": "expired"}, None),
    "revoked": ("certificate.revoked", None, {"credential": "revoked"}, None),
    "key-usage": ("certificate.key-usage", None, {"credential": "agreement"}, None),
    "body": ("integrity.body-hash", None, None, later(b"\r\n\r\n", b"\r\n\r\nP.S.\r\n")),
    "subject": ("signature.invalid", None, None, later(b"Subject: Bescheid", b"Subject: Bescheit")),
    "resent": ("forward.missing", None, None,
               later(b"X-de-mail-integrity", b"Resent-To: x@beta-demail.example\r\n"
                     b"X-de-mail-integrity")),
    "level-low": ("policy.auth-level",
                  lambda mail: mail.set("X-de-mail-private", "yes").set("X-de-mail-auth-level", "normal"), None, None),
}
SAME = [{"level-word", "level-low"}, {"expired", "revoked", "key-usage"}]


def make(v):
    for chosen in itertools.combinations(DEFECTS, 2):
        if not any(set(chosen) <= same for same in SAME):
            one(v, chosen)
    names = list(DEFECTS)
    for step in range(len(names)):
        chosen = [names[(step + offset) % len(names)] for offset in (0, 4, 9)]
        if not any(len(set(chosen) & same) > 1 for same in SAME):
            one(v, chosen)


def one(v, chosen):
    mail, seal_changes = normal(authoritative="yes"), {}
    for name in chosen:
        _, before, how, _ = DEFECTS[name]
        mail = before(mail) if before else mail
        seal_changes.update(how or {})
    credential = getattr(v.pki, seal_changes.get("credential", "ec"))
    names = None
    if "extra" in seal_changes:
        names = listed(mail) + [seal_changes["extra"]]
    octets = seal(mail, Seal("sha256", "ec-dsa", credential, names=names)).bytes()
    for name in chosen:
        if DEFECTS[name][3]:
            octets = DEFECTS[name][3](octets)
    v.add("combined", octets, " ".join(DEFECTS[name][0] for name in chosen), " and ".join(chosen))
