"""ACM 2.1 (De-Mail addresses) and PVD IO 3.1.7, 3.1.8, 3.1.15 (sender, chosen and actual recipients)."""

from ident import Identification, whole
from mail import seal
from signature import XmlSeal
from statement import ERIKA, MAX, Confirmation, Notification, normal
from vectors import either

ANY = either("address sender value syntax")
WORSE = either("recipient address syntax value")


def make(v):
    senders(v)
    recipients(v)
    blind(v)
    system_addresses(v)


def label(count):
    return "d" * count


def long_domain(length):
    """A domain of that many characters: labels of at most 50."""
    tail = ".alpha-demail.example"
    rest = length - len(tail)
    labels = []
    while rest > 0:
        size = min(50, rest)
        if rest - size == 1:
            size -= 1
        labels.append(label(size))
        rest -= size + 1
    return ".".join(labels) + tail


ADDRESSES = [  # address, whether it is one, what it shows, ambiguity, gray
    ("e@alpha-demail.example", True, "one letter", "", False),
    ("erika.mustermann.2@alpha-demail.example", True, "with a number", "", False),
    ("wilhelm_joachim.von-der-heide@alpha-demail.example", True, "_ and -", "", False),
    ("poststelle@standort_a.institution.alpha-demail.example", True, "_ in the domain as in ACM 2.1.2.1", "", True),
    ("poststelle@a.b.c.d.alpha-demail.example", True, "sub-domains", "", False),
    ("a+b!#$%&'*/=?^_`{|}~-@alpha-demail.example", True, "all of atext", "", False),
    ("pn_falke@alpha-demail.example", True, "pseudonym", "", False),
    ("pn_falke-7@alpha-demail.example", True, "pseudonym", "", False),
    ("x" * 64 + "@alpha-demail.example", True, "local part of 64", "", False),
    ("e@" + long_domain(189), True, "domain of 189", "", False),
    ("x" * 63 + "@" + long_domain(189), True, "253 in all", "", False),
    ("x" * 64 + "@" + long_domain(188), True, "253 in all", "", False),
    ("Erika.Mustermann@alpha-demail.example", True, "capitals", "A-ADDR-CASE", False),
    ("erika@ALPHA-DeMail.example", True, "capitals in the domain", "A-ADDR-CASE", False),
    ('"erika.mustermann"@alpha-demail.example', True, "quoted local part", "A-RCPT-GRAMMAR", True),
    ("x" * 65 + "@alpha-demail.example", False, "local part of 65", "", False),
    ("e@" + long_domain(190), False, "domain of 190", "", False),
    ("x" * 64 + "@" + long_domain(189), False, "254 in all", "", False),
    ("e@" + label(64) + ".alpha-demail.example", False, "label of 64 (RFC 1035)", "", True),
    ("pn_falke.eule@alpha-demail.example", False, "dot in a pseudonym (ACM 2.1.1)", "A-PSEUDONYM", True),
    ("pn_@alpha-demail.example", False, "pseudonym without a name", "A-PSEUDONYM", True),
    ("erika", False, "no domain", "", False),
    ("erika@", False, "empty domain", "", False),
    ("@alpha-demail.example", False, "empty local part", "", False),
    ("erika@mustermann@alpha-demail.example", False, "two @", "", False),
    ("erika..mustermann@alpha-demail.example", False, "two dots", "", False),
    (".erika@alpha-demail.example", False, "leading dot", "", False),
    ("erika.@alpha-demail.example", False, "trailing dot", "", False),
    ("erika@alpha-demail..example", False, "empty label", "", False),
    ("erika@.example", False, "leading dot in the domain", "", False),
    ("erika@alpha-demail.example.", False, "trailing dot in the domain", "", False),
    ("erika@[192.0.2.1]", False, "domain literal", "A-RCPT-GRAMMAR", False),
    ("erika mustermann@alpha-demail.example", False, "space", "", False),
    ("j\u00fcrgen@alpha-demail.example", False, "8 bit in the local part", "", False),
    ("erika@alph\u00e4-demail.example", False, "8 bit in the domain", "", False),
    ("=?UTF-8?Q?erika?=@alpha-demail.example", True, "an encoded word is only atext here", "", True),
]


def senders(v):
    for address, good, why, ambiguity, gray in ADDRESSES:
        mail = normal(sender=address)
        holder = "falke" if address.startswith("pn_") else "Erika Mustermann"
        v.sealed("sender", mail.set("X-de-mail-account-holder", holder), "" if good else "address.syntax", why,
                 ambiguity=ambiguity, gray=gray, accept=None if good else ANY, warnings="sender.from")
    for address, why, gray in ((f"<{ERIKA}>", "angle brackets are no addr-spec",
                                False), (f"Erika <{ERIKA}>", "name-addr is no addr-spec",
                                         False), (f"{ERIKA}, {MAX}", "two addresses", False), ("", "empty", False),
                               (f"{ERIKA};", "semicolon", False), ("mailto:" + ERIKA, "URI", False)):
        v.sealed("sender", normal(sender=address), "address.syntax", why, accept=ANY, gray=gray)
    v.sealed("sender-comment", normal(sender=f"(Frau) {ERIKA} (privat)"), "", "comments belong to addr-spec", gray=True)
    v.sealed("sender-folded", normal(sender=f"\r\n {ERIKA}"))


LISTS = [  # value, whether it is one, what it shows, gray
    ("to={a}", True, "one", False),
    (" to={a}", True, "white space in front", False),
    ("to ={a}", True, "white space before =", False),
    ("to= {a}", True, "white space after =", False),
    ("to\r\n =\r\n {a}", True, "folded around =", False),
    ("to={a},{b}", True, "comma", False),
    ("to={a}, {b}", True, "comma and space", False),
    ("to={a} ,\r\n {b}", True, "comma, folded", False),
    ("to={a};{b}", True, "semicolon between addresses (footnote 5)", False),
    ("to={a}; {b}", True, "semicolon between addresses", False),
    ("to={a};{b};{c}", True, "three by semicolon", False),
    ("to={a}, {b}; {c}", True, "comma and semicolon mixed", False),
    ("to={a};cc={b}", True, "to and cc", False),
    ("to={a} ; cc = {b}", True, "spaces around", False),
    ("to={a}; {b}; cc={c}; {d}", True, "semicolons in both", False),
    ("to={a}, {b}; cc={c}, {d}", True, "commas in both", False),
    ("cc={a}; to={b}", True, "cc first", False),
    ("cc={a}", True, "cc only", False),
    ("bcc={a}", True, "bcc only", False),
    ("to={a}; bcc={b}", True, "to and bcc", False),
    ("bcc={a}; cc={b}; to={c}", True, "any order", False),
    ("TO={a}; Cc={b}; bCC={c}", True, "tags in any case (RFC 2234)", False),
    ("to=Max Mustermann <{a}>", True, "name-addr", False),
    ('to="Mustermann, Max; cc=" <{a}>; cc={b}', True, "quoted name with comma and semicolon", False),
    ('to="a \\" b" <{a}>', True, "quoted pair", False),
    ("to=<{a}>", True, "angle brackets only", False),
    ("to={a} (Max; cc=x, y)", True, "comment", False),
    ("to=(Max) {a}", True, "comment in front", False),
    ('to="Mustermann,\r\n Max" <{a}>', True, "fold inside quotes", False),
    ("to=Erika M. Mustermann <{a}>", True, "dot in a phrase (RFC 2822 4.1)", True),
    ("to=Max\r\n Mustermann\r\n <{a}>", True, "folded name", False),
    ("to={a} (a (b) c)", True, "nested comment", False),
    ("to==?UTF-8?Q?J=C3=BCrgen?= <{a}>", True, "encoded word", False),
    ("to=to@alpha-demail.example; cc@alpha-demail.example", True, "addresses that are called like tags", False),
    ("to={a}; bcc <{b}>", True, "a name that is called like a tag", False),
    ("to={a}; cc.to=x@alpha-demail.example", True, "= is atext: an address", True),
    ("", False, "empty", False),
    ("{a}", False, "no tag", False),
    ("to", False, "no =", False),
    ("to=", False, "no address", False),
    ("to=;cc={a}", False, "empty element", False),
    ("to={a};cc=", False, "empty cc", False),
    ("to={a};", False, "trailing semicolon", False),
    ("to={a},", False, "trailing comma", False),
    ("to=,{a}", False, "leading comma", False),
    ("to={a},,{b}", False, "two commas", False),
    ("to={a};;{b}", False, "two semicolons", False),
    (";to={a}", False, "leading semicolon", False),
    ("to={a};to={b}", False, "to twice", False),
    ("to={a};cc={b};cc={c}", False, "cc twice", False),
    ("to={a};TO={b}", False, "to twice in another case", False),
    ("to={a};cc={b};to={c}", False, "to twice, apart", False),
    ("to={a};bcc={b};bcc={c}", False, "bcc twice", False),
    ("to={a};bcc={b},{c}", False, "two bcc (3.1.8)", False),
    ("bcc={a};{b}", False, "two bcc by semicolon", False),
    ("to=Alle: {a}, {b};", False, "group", False),
    ("to=Alle: {a};; cc={b}", False, "group before cc", False),
    ("to=undisclosed-recipients:;", False, "empty group", False),
    ("to=max@[192.0.2.1]", False, "domain literal", False),
    ("from={a}", False, "unknown tag", False),
    ("to={a};reply-to={b}", True, "no tag: = and - are atext, the next address", True),
    ("to:{a}", False, "colon for =", False),
    ("to={a} {b}", False, "no separator", False),
    ("to={a} cc={b}", False, "no semicolon before cc", False),
    ("to={a},cc={b}", True, "a tag starts an element only behind a semicolon", True),
    ("to=Max <{a}", False, "bracket open", False),
    ("to={a}>", False, "bracket closed only", False),
    ('to="Max <{a}>', False, "quote open", False),
    ("to=(Max {a}", False, "comment open", False),
    ("to=Max", False, "a name only", False),
    ("to=Max <>", False, "empty brackets", False),
    ("to={a}/{b}", False, "slash", False),
    ("to=<@x.example:{a}>", False, "source route", True),
    ("to=j\u00fcrgen@alpha-demail.example", False, "8 bit", False),
    ("to={a}; {b}; x", False, "the last one is no address", False),
    ("to=" + "x" * 65 + "@alpha-demail.example", False, "local part of 65", False),
    ("to=e@" + long_domain(190), False, "domain of 190", False),
    ("to=Max <" + "x" * 64 + "@" + long_domain(189) + ">", False, "254 in all", False),
    ("to=Max Mustermann, Gemeinde <{a}>", False, "a phrase with a comma", False),
]


def recipients(v):
    names = {
        "a": MAX, "b": "poststelle@stadtwerke.beta-demail.example", "c": "c@beta-demail.example",
        "d": "d@beta-demail.example"
    }
    for text, good, why, gray in LISTS:
        value = text.format(**names)
        v.sealed("recipients", normal(chosen_recipient=value,
                                      actual_recipient=value), "" if good else "recipient.syntax", why,
                 ambiguity="A-RCPT-GRAMMAR", gray=gray, accept=None if good else WORSE)
        if not good:
            v.sealed("recipients-chosen", normal(chosen_recipient=value), "recipient.syntax", why + " (chosen)",
                     ambiguity="A-RCPT-GRAMMAR", gray=gray, accept=WORSE)
        v.sealed("recipients-actual", normal(actual_recipient=value), "" if good else "recipient.syntax",
                 why + " (actual)", ambiguity="A-RCPT-GRAMMAR A-RESENT-TABLE", gray=gray,
                 accept=None if good else WORSE)
    for address, good, why, ambiguity, gray in ADDRESSES:
        value = f"to={address}"
        v.sealed("recipient-address", normal(chosen_recipient=value,
                                             actual_recipient=value), "" if good else "recipient.syntax", why,
                 ambiguity=ambiguity, gray=gray, accept=None if good else WORSE)
    many = "to=" + ",\r\n ".join(f"empfaenger{number}@beta-demail.example" for number in range(2000))
    v.sealed("recipients-many", normal(chosen_recipient=many, actual_recipient=many), why="2000 recipients")
    v.sealed("recipients-same-twice", normal(chosen_recipient=f"to={MAX}, {MAX}", actual_recipient=f"to={MAX}, {MAX}"),
             gray=True)
    v.sealed("recipients-actual-spelled-otherwise",
             normal(chosen_recipient=f"to={MAX}; cc={ERIKA}", actual_recipient=f"CC=Erika <{ERIKA}>;\r\n TO={MAX}"))


def blind(v):
    v.sealed("blind-copy", normal(chosen_recipient=f"to={MAX}; bcc={ERIKA}", actual_recipient=f"to={MAX}; bcc={ERIKA}"))
    v.sealed("blind-only", normal(chosen_recipient=f"bcc={ERIKA}", actual_recipient=f"bcc={ERIKA}").drop("To"))
    v.sealed(
        "blind-three",
        normal(chosen_recipient=f"to={MAX}; bcc={ERIKA}, {MAX}, x@beta-demail.example", actual_recipient=f"to={MAX}"),
        "recipient.bcc", "more than the recipient's own (3.1.8)", accept=either("recipient policy"))


def system_addresses(v):
    original = seal(normal(**{f"confirmation_of_{each}": "yes"
                              for each in ("dispatch", "receipt", "retrieve")}), v.hashed)
    xml = XmlSeal(v.pki.rsa)
    domain = "@beta-demail.example"
    right = {
        "confirmation of dispatch": "Versandbestaetigung", "confirmation of receipt": "Eingangsbestaetigung",
        "confirmation of retrieve": "Abholbestaetigung", "malware-acknowledge": "Schadsoftware-Warnung"
    }
    everyone = sorted({*right.values(), "Meldung", "Ident-Bestaetigung", "Ident-Meldung", "erika.mustermann"})
    for kind, own in right.items():
        for local in [*everyone, own.lower(), own.upper()]:
            good = local.lower() == own.lower()
            mail = Confirmation(original, xml, kind, sender=local + domain).make()
            v.sealed("system", mail, "" if good else "sender.system-address", f"{kind} from {local}", v.ec,
                     ambiguity="" if local == own else "A-SYSADDR-CASE", at_least=not good)
    for kind, own in (("notification", ["Meldung", "Ident-Meldung"]), ("malware-notification",
                                                                       ["Schadsoftware-Warnung", "Meldung"])):
        for local in [*everyone, "meldung", "MELDUNG", "Meldungen"]:
            good = local.lower() in [each.lower() for each in own]
            reason = "other" if kind == "malware-notification" else "unknown-recipient"
            mail = Notification(kind, reason, local + domain).make()
            v.sealed("system", mail, "" if good else "sender.system-address", f"{kind} from {local}",
                     ambiguity="A-MALWARE-SENDER A-SYSADDR-CASE", warnings="policy.notification-unsigned")
    for local in [*everyone, "ident-bestaetigung"]:
        good = local.lower() == "ident-bestaetigung"
        v.sealed("system",
                 Identification(whole(v.pki.rsa),
                                sender=local + "@alpha-demail.example").make(), "" if good else "sender.system-address",
                 f"identification from {local}", v.ec, ambiguity="A-SYSADDR-CASE", at_least=not good)
