"""demail-sandbox as the provider of the standard: what it makes verifies, and what it does with drafts."""

import base64
import email
import quopri
import re
import zlib

import pytest

from harness.pki import Pki
from harness.ports import free_port
from harness.process import stop_all
from harness.sandbox import Sandbox, body, field
from harness.verify import verify
from harness.world import account

AMT, ERIKA, OTTO = "amt@amt.de-mail.de", "erika@muster.de-mail.de", "otto@normal.de-mail.de"
FORWARDS, LOOPS, ROUND = "urlaub@muster.de-mail.de", "kreis@muster.de-mail.de", "runde@muster.de-mail.de"
KEEPS, MOVED, BLOCKED = "allein@muster.de-mail.de", "alt@muster.de-mail.de", "gesperrt@muster.de-mail.de"
FAR, FAR_CLOSED, FAR_UNKNOWN = "anna@fern.de-mail.de", "zu@fern.de-mail.de", "niemand@fern.de-mail.de"
PSEUDONYM, LIMITED = "pn_4711@muster.de-mail.de", "wenig@normal.de-mail.de"

ACCOUNTS = [
    account(AMT, "Amt für Prüfung", domains=["amt.de-mail.de"]),
    {**account(ERIKA, "Erika Mustermann", addresses=[PSEUDONYM]), "pseudonym": "Nachtigall"},
    account(OTTO, "Otto Normal", level="normal"),
    {**account(LIMITED, "Wenig", level="normal"), "daily_limit": 1},
    {**account(FORWARDS, "Urlauberin"), "forward_to": ERIKA},
    {**account(LOOPS, "Kreis"), "forward_to": ROUND},
    {**account(ROUND, "Runde"), "forward_to": LOOPS},
    {**account(KEEPS, "Allein"), "forward_to": ERIKA, "forward_private": False},
    {**account(MOVED, "Verzogen"), "state": "closed", "redirect_to": ERIKA},
    account(FAR, "Anna Fern"),
    {**account(FAR_CLOSED, "Geschlossen"), "state": "closed"},
]
OTHERS = [{"domain": "zweit-demail.example", "domains": ["fern.de-mail.de"]}]

ALGORITHMS = [f"{digest}/{signature}" for digest in ("sha256", "sha384", "sha512")
              for signature in ("rsa", "ec-dsa", "rsassa-pss")]

HASHED = ["From", "Date", "Message-ID", "Subject", "Reply-To", "X-de-mail-confirmation-of-dispatch",
          "X-de-mail-confirmation-of-receipt", "X-de-mail-confirmation-of-retrieve", "X-de-mail-authoritative",
          "X-de-mail-private", "X-de-mail-sender", "X-de-mail-chosen-recipient", "X-de-mail-auth-mechanism",
          "X-de-mail-auth-level", "X-de-mail-originator-provider", "X-de-mail-message-type", "X-de-mail-version",
          "X-de-mail-private-id", "X-de-mail-message-id", "X-de-mail-account-holder"]

EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR" + b"-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"


@pytest.fixture(scope="module")
def provider(tmp_path_factory):
    home = tmp_path_factory.mktemp("provider")
    pki = Pki(home / "pki")
    pki.server()
    pki.client()
    sandbox = Sandbox(home / "sandbox", pki, ACCOUNTS, free_port(), other_providers=OTHERS)
    sandbox.start()
    yield sandbox
    wrong = stop_all([sandbox])
    bad = [line for line in sandbox.lines() if "level=error" in line or "runtime error" in line]
    assert not wrong and not bad, (wrong, bad)


@pytest.fixture(autouse=True)
def clean(provider):
    yield
    provider.clear_faults()
    provider.seal("sha256/rsa")


def everything(provider):
    """All messages in all folders, as bytes."""
    return [raw for entry in ACCOUNTS for folder in ("inbox", "sent")
            for raw in provider.mails(entry["account"], folder=folder)]


def judge(provider, tmp_path, messages, *arguments):
    return verify(tmp_path / "messages", messages, provider.seal_ca, provider.seal_crl, *arguments)


def of_type(provider, address, word, message_type):
    """Messages of a type about the message with this word, in somebody's inbox."""
    return [raw for raw in provider.mails(address) if field(raw, "X-de-mail-message-type") == message_type
            and word in str(email.header.make_header(email.header.decode_header(field(raw, "Subject"))))]


def draft(subject, text="Hallo", sender=AMT, to=ERIKA, **fields):
    extra = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items())
    return f"From: {sender}\r\nTo: {to}\r\nSubject: {subject}\r\n{extra}\r\n{text}\r\n".encode()


def send_all_kinds(provider, word):
    """One of everything that the provider can make."""
    asked = {"dispatch": True, "receipt": True}
    provider.send(AMT, [ERIKA, OTTO, FAR], f"{word} Prüfung der Bestätigungen, mit einem recht langen Betreff", "ä",
                  private_id=f"Vorgang {word} Ä", bcc=[KEEPS], **asked)
    provider.send(AMT, [ERIKA], f"{word} alles", "a\n", retrieve=True, authoritative=True, **asked)
    provider.send(AMT, [OTTO], f"{word} niveau", "a\n", private=True)
    provider.send(AMT, [FAR_CLOSED, FAR_UNKNOWN], f"{word} fern", "a\n")
    provider.send(AMT, [FORWARDS, MOVED], f"{word} weiter", "a\n", **asked)
    provider.send(AMT, [KEEPS], f"{word} persönlich", "a\n", private=True)
    provider.send(FAR, [AMT], f"{word} zurück", "a\n", receipt=True)
    provider.send(PSEUDONYM, [AMT], f"{word} pseudonym", "a\n")
    provider.fault("undeliverable", address=ERIKA, code="invalid-format")
    provider.send(AMT, [ERIKA], f"{word} format", "a\n")
    provider.fault("malware", address=ERIKA, times=2)
    provider.send(AMT, [ERIKA], f"{word} malware", "a\n")
    provider.send(AMT, [ERIKA], f"{word} malware bestätigt", "a\n", private=True, **asked)
    provider.log_in(ERIKA)
    provider.identify(ERIKA, AMT)


def test_confirmations_agree_with_their_original(provider, tmp_path):
    provider.send(AMT, [ERIKA], "Zuordnung", "a\n", dispatch=True, receipt=True, retrieve=True, authoritative=True)
    provider.log_in(ERIKA)
    original = tmp_path / "original.eml"
    original.write_bytes(provider.mails(AMT, b"Zuordnung", folder="sent")[0])
    confirmations = [raw for kind in ("dispatch", "receipt", "retrieve")
                     for raw in of_type(provider, AMT, "Zuordnung", f"confirmation of {kind}")]
    assert len(confirmations) == 3
    verdicts = judge(provider, tmp_path, confirmations, "--original", original)
    assert [(v["reasons"], v["warnings"]) for v in verdicts] == [([], [])] * 3


def pdf_text(raw):
    """What the PDF of a confirmation shows."""
    (pdf,) = [part.get_payload(decode=True) for part in email.message_from_bytes(raw).walk()
              if part.get_content_type() == "application/pdf"]
    pages = [zlib.decompress(data) for data in re.findall(rb"stream\r?\n(.*?)endstream", pdf, re.S)]
    rows = re.findall(rb"\((.*?)\) (?:Tj|')", b"".join(pages), re.S)
    octal = re.compile(rb"\\([0-7]{3}|.)")
    return "".join(octal.sub(lambda m: bytes([int(m[1], 8)]) if len(m[1]) == 3 else m[1], row).decode("cp1252")
                   for row in rows)


def test_the_pdf_of_a_confirmation_shows_what_its_xml_says(provider):
    provider.send(AMT, [ERIKA], "Übersicht (1)", "a\n", dispatch=True)
    (confirmation,) = of_type(provider, AMT, "Übersicht", "confirmation of dispatch")
    sent = provider.mails(AMT, folder="sent")[-1]
    text = pdf_text(confirmation)
    for wanted in (AMT, ERIKA, "Betreff: Übersicht (1)", field(sent, "X-de-mail-message-id"),
                   field(sent, "X-de-mail-integrity").replace(" ", "")[-40:], "Certificate-Token"):
        assert wanted in text.replace("\n", ""), wanted


def with_flipped_bit(raw, name):
    """The message with another last character in the first field of that name."""
    head, _, rest = raw.partition(b"\r\n\r\n")
    found = re.search(rb"(?im)^" + name.encode() + rb":[^\r\n]*(?:\r\n[ \t][^\r\n]*)*", head)
    at = found.end() - 1
    return head[:at] + bytes([head[at] ^ 1]) + head[at + 1:] + b"\r\n\r\n" + rest


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("signed", [True, False], ids=["signed", "hash"])
def test_a_flipped_bit_is_found(provider, tmp_path, algorithm, signed):
    provider.seal(algorithm)
    word = f"kippen-{algorithm.replace('/', '-')}-{signed}"
    made = draft(word, Reply_To=AMT, X_de_mail_private_id="4711", X_de_mail_private="yes",
                 X_de_mail_authoritative="yes" if signed else "no")
    assert provider.send_draft(AMT, ERIKA, made) == "accepted"
    raw = provider.mails(ERIKA, word.encode())[0]
    changed = [with_flipped_bit(raw, name) for name in HASHED]
    changed.append(raw[:-3] + bytes([raw[-3] ^ 1]) + raw[-2:])
    good, *bad = judge(provider, tmp_path, [raw, *changed])
    assert good["valid"] and good["a"] == (algorithm if signed else algorithm.partition("/")[0])
    overlooked = [name for name, verdict in zip([*HASHED, "body"], bad) if not any(
        reason.startswith(("integrity.", "signature.")) for reason in verdict["reasons"])]
    assert overlooked == []


def test_bcc_copies_stand_alone(provider):
    provider.send(AMT, [ERIKA], "Blindkopie", "a\n", bcc=[KEEPS, FAR], dispatch=True)
    seen = provider.mails(ERIKA, b"Blindkopie")[0]
    first, second = provider.mails(KEEPS, b"Blindkopie")[0], provider.mails(FAR, b"Blindkopie")[0]
    assert KEEPS.encode() not in seen and FAR.encode() not in seen and FAR.encode() not in first
    assert len({field(raw, "X-de-mail-message-id") for raw in (seen, first, second)}) == 3
    assert len({field(raw, "X-de-mail-integrity") for raw in (seen, first, second)}) == 3
    assert len(of_type(provider, AMT, "Blindkopie", "confirmation of dispatch")) == 3
    assert len(provider.mails(AMT, b"Blindkopie", folder="sent")) == 3


def test_confirmation_of_retrieve_comes_once_and_with_the_login(provider):
    provider.send(AMT, [ERIKA], "Abholen", "a\n", retrieve=True)
    kind = "confirmation of retrieve"
    provider.log_in(ERIKA, "normal")
    assert of_type(provider, AMT, "Abholen", kind) == []
    provider.log_in(ERIKA)
    provider.log_in(ERIKA)
    for address in (AMT, ERIKA):
        (confirmation,) = of_type(provider, address, "Abholen", kind)
        assert field(confirmation, "From") == "Abholbestaetigung@de-mail.example"
        assert field(confirmation, "X-de-mail-private") == "yes"
        assert field(confirmation, "Cc") == ERIKA


def test_what_awaits_a_login_survives_a_restart(provider):
    provider.send(AMT, [ERIKA], "Neustart", "a\n", retrieve=True)
    provider.send(AMT, [FAR], "Neustart", "a\n", retrieve=True)
    provider.log_in(ERIKA)
    provider.stop()
    provider.start()
    provider.log_in(ERIKA)
    provider.log_in(FAR)
    assert len(of_type(provider, AMT, "Neustart", "confirmation of retrieve")) == 2


def test_confirmations_go_to_reply_to(provider):
    made = draft("Antwort", Reply_To="kanzlei@amt.de-mail.de", X_de_mail_confirmation_of_dispatch="yes")
    assert provider.send_draft(AMT, ERIKA, made) == "accepted"
    (confirmation,) = of_type(provider, "kanzlei@amt.de-mail.de", "Antwort", "confirmation of dispatch")
    assert field(confirmation, "To") == field(confirmation, "Envelope-to") == "kanzlei@amt.de-mail.de"


def test_other_providers_learn_of_bad_recipients_later(provider):
    made = draft("Spät", to=FAR_UNKNOWN, X_de_mail_private_id="4712")
    assert provider.send_draft(AMT, FAR_UNKNOWN, made) == "accepted"
    (notification,) = [raw for raw in provider.mails(AMT) if field(raw, "X-de-mail-private-id") == "4712"]
    assert field(notification, "From") == "Meldung@zweit-demail.example"
    assert field(notification, "X-de-mail-notification-type") == "unknown-recipient"
    text = email.message_from_bytes(notification).get_payload(0).get_payload(decode=True).decode()
    sent = provider.mails(AMT, b"4712", folder="sent")[0]
    assert FAR_UNKNOWN in text and field(sent, "Message-ID") in text
    own = provider.send_draft(AMT, "niemand@muster.de-mail.de", draft("Gleich"))
    assert own.startswith("unknown-recipient")


def test_private_to_a_recipient_without_level_high_is_notified_and_not_received(provider):
    provider.send(AMT, [OTTO], "Niveau", "a\n", private=True, receipt=True)
    (notification,) = of_type(provider, AMT, "Niveau", "notification")
    assert field(notification, "X-de-mail-notification-type") == "other"
    assert provider.mails(OTTO, b"Niveau") == []
    assert of_type(provider, AMT, "Niveau", "confirmation of receipt") == []


def test_forwarding_adds_no_confirmations(provider):
    provider.send(AMT, [FORWARDS], "Weiterleitung", "a\n", dispatch=True, receipt=True)
    (kept,), (forwarded,) = provider.mails(FORWARDS, b"Subject: Weiterleitung"), provider.mails(
        ERIKA, b"Subject: Weiterleitung")
    assert field(kept, "Resent-To") is None and field(forwarded, "Resent-To") == ERIKA
    assert field(forwarded, "Resent-From") == FORWARDS
    assert field(forwarded, "X-de-mail-actual-recipient") == f"to={ERIKA}"
    assert field(forwarded, "X-de-mail-chosen-recipient") == f"to={FORWARDS}"
    assert field(forwarded, "Envelope-to") == ERIKA and body(forwarded) == body(kept)
    for kind in ("dispatch", "receipt"):
        assert len(of_type(provider, AMT, "Weiterleitung", f"confirmation of {kind}")) == 1


def test_forwarding_stops_at_a_loop(provider):
    provider.send(AMT, [LOOPS], "Schleife", "a\n")
    assert [len(provider.mails(address, b"Schleife")) for address in (LOOPS, ROUND)] == [1, 1]


@pytest.mark.parametrize("sender, options", [(KEEPS, {"private": True}), (FORWARDS, {"retrieve": True})])
def test_what_is_not_forwarded_is_announced(provider, sender, options):
    word = f"nur für {sender}"
    provider.send(AMT, [sender], word, "a\n", **options)
    assert len(of_type(provider, sender, word, "normal")) == 1
    assert of_type(provider, ERIKA, word, "normal") == []
    (announcement,) = of_type(provider, ERIKA, word, "notification")
    assert field(announcement, "X-de-mail-notification-type") == "other"


def test_redirection_changes_the_actual_recipient_only(provider):
    provider.send(AMT, [MOVED], "Nachsendung", "a\n", receipt=True)
    (moved,) = provider.mails(ERIKA, b"Subject: Nachsendung")
    assert provider.mails(MOVED, b"Nachsendung") == []
    assert field(moved, "X-de-mail-actual-recipient") == f"to={ERIKA}" and field(moved, "Resent-To") is None
    assert field(moved, "X-de-mail-chosen-recipient") == f"to={MOVED}"
    (receipt,) = of_type(provider, AMT, "Nachsendung", "confirmation of receipt")
    assert field(receipt, "Cc") == MOVED


def test_what_fails_after_a_redirection_is_told_of_the_address_that_was_used(provider):
    provider.fault("undeliverable", address=ERIKA)
    provider.send(AMT, [MOVED], "Verloren", "a\n")
    (notification,) = of_type(provider, AMT, "Verloren", "notification")
    text = email.message_from_bytes(notification).get_payload(0).get_payload(decode=True).decode()
    assert MOVED in text and ERIKA not in text


def test_who_writes_to_himself_gets_one_confirmation(provider):
    provider.send(AMT, [AMT], "Selbst", "a\n", receipt=True)
    assert len(of_type(provider, AMT, "Selbst", "confirmation of receipt")) == 1


def test_a_pseudonym_hides_the_name(provider):
    provider.send(PSEUDONYM, [AMT], "Deckname", "a\n")
    raw = provider.mails(AMT, b"Deckname")[0]
    assert field(raw, "X-de-mail-account-holder") == "Nachtigall" and b"Mustermann" not in raw


def test_level_normal_has_a_daily_limit_and_fewer_options(provider):
    assert provider.send_draft(LIMITED, OTTO, draft("Eins", sender=LIMITED)) == "accepted"
    assert provider.send_draft(LIMITED, OTTO, draft("Zwei", sender=LIMITED)).startswith("daily-limit")
    made = draft("Drei", sender=OTTO, X_de_mail_private="yes")
    assert provider.send_draft(OTTO, ERIKA, made).startswith("option-needs-high")


def test_nobody_else_uses_system_addresses(provider):
    for system in ("Meldung@de-mail.example", "versandbestaetigung@zweit-demail.example"):
        assert provider.send_draft(AMT, system, draft("An alle", to=system)).startswith("unknown-recipient")
        with pytest.raises(AssertionError, match="sender-not-yours"):
            provider.send_draft(system, ERIKA, draft("Von oben", sender=system))


def nested(part):
    return (b"Content-Type: message/rfc822\r\n\r\nSubject: innen\r\nMIME-Version: 1.0\r\n"
            b"Content-Type: multipart/mixed; boundary=zwei\r\n\r\n--zwei\r\n" + part + b"\r\n--zwei--\r\n")


@pytest.mark.parametrize("part", [
    b"Content-Type: text/plain\r\n\r\n" + EICAR,
    b"Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    + base64.encodebytes(b"x" * 70_001 + EICAR).replace(b"\n", b"\r\n"),
    b"Content-Type: text/plain\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    + quopri.encodestring(EICAR.replace(b"A", b"\0")).replace(b"=00", b"=41").replace(b"\n", b"\r\n"),
    nested(b"Content-Type: application/zip\r\nContent-Transfer-Encoding: base64\r\n\r\n" + base64.b64encode(EICAR)),
], ids=["plain", "base64", "quoted-printable", "nested"])
def test_malware_is_refused(provider, part):
    made = (f"From: {AMT}\r\nTo: {ERIKA}\r\nSubject: Virus\r\nMIME-Version: 1.0\r\n"
            "Content-Type: multipart/mixed; boundary=eins\r\n\r\n--eins\r\n").encode() + part + b"\r\n--eins--\r\n"
    assert provider.send_draft(AMT, ERIKA, made).startswith("malware")
    assert provider.mails(ERIKA, b"Subject: Virus") == []


def test_malware_outside_of_parts_and_between_blocks_is_refused(provider):
    head = (f"From: {AMT}\r\nTo: {ERIKA}\r\nSubject: Virus\r\nMIME-Version: 1.0\r\n"
            "Content-Type: multipart/mixed; boundary=eins\r\n\r\n").encode()
    filler = (65536 - len(EICAR) // 2 - len(head)) * b"x"
    made = head + filler + EICAR + b"\r\n--eins\r\n\r\nHallo\r\n--eins--\r\n"
    assert provider.send_draft(AMT, ERIKA, made).startswith("malware")


@pytest.mark.parametrize("made, code", [
    (draft("Rueck", Reply_To="jemand@example.org"), "invalid-format"),
    (draft("Waisen", text="eins\nzwei"), "invalid-format"),
    (draft("Ja", X_de_mail_private="ja"), "invalid-format"),
    (draft("Zerrissen", Reply_To="niemand <"), "invalid-format"),
    (draft("Empfaenger", X_de_mail_chosen_recipient=f"to={ERIKA};"), "invalid-format"),
    (draft("Zweimal", X_de_mail_chosen_recipient=f"to={ERIKA}; to={ERIKA}"), "invalid-format"),
    (draft("Post", X_de_mail_chosen_recipient=f"to={ERIKA}, jemand@example.org"), "recipient-not-demail"),
    (draft("Deckname", sender=PSEUDONYM, X_de_mail_authoritative="yes"), "authoritative-with-pseudonym"),
], ids=["reply-to", "bare line feed", "option", "broken reply-to", "chosen recipient", "element twice", "e-mail",
        "pseudonym"])
def test_drafts_that_are_refused(provider, made, code):
    sender = PSEUDONYM if b"pn_" in made else AMT
    assert provider.send_draft(sender, ERIKA, made).startswith(code)


def test_draft_is_made_fit_for_transport(provider, tmp_path):
    made = (b"From: \"M\xc3\xbcller\" <" + AMT.encode() + b">\r\nTo: " + ERIKA.encode() + b"\r\nDate: gestern\r\n"
            b"Subject: \xc3\x84rger " + b"x" * 1200 + b"\r\nEnvelope-to: a@b\r\nResent-To: a@b\r\nMessage-ID: 4711\r\n"
            b"X-de-mail-account-holder: Kaiserin\r\n\r\nHallo\r\n")
    assert provider.send_draft(AMT, ERIKA, made) == "accepted"
    raw = [m for m in provider.mails(ERIKA) if b"x" * 50 in m and b"normal" in m][-1]
    (verdict,) = judge(provider, tmp_path, [raw])
    assert verdict["valid"] and verdict["warnings"] == []
    assert field(raw, "Envelope-to") == ERIKA and field(raw, "Resent-To") is None
    assert max(map(len, raw.split(b"\r\n"))) < 998


def test_what_it_makes_verifies_without_a_warning(provider, tmp_path):
    for number, algorithm in enumerate(ALGORITHMS):
        provider.seal(algorithm)
        send_all_kinds(provider, f"lauf{number}")
    messages = everything(provider)
    verdicts = judge(provider, tmp_path, messages)
    wrong = [(v["reasons"], v["warnings"], field(raw, "Subject")) for raw, v in zip(messages, verdicts)
             if not v["valid"] or v["warnings"]]
    assert wrong == []
    assert {v["message_type"] for v in verdicts} == {
        "normal", "confirmation of dispatch", "confirmation of receipt", "confirmation of retrieve",
        "malware-acknowledge", "malware-notification", "notification", "identification"}
    assert {v["a"] for v in verdicts} == {*ALGORITHMS, "sha256", "sha384", "sha512"}
    notified = {field(raw, "X-de-mail-notification-type") for raw in messages} - {None}
    assert notified == {"unknown-recipient", "closed-account", "invalid-format", "other"}
