"""What is submitted to the provider, whole: every field but those of De-Mail, and the body."""

import pytest

from harness import smtp
from harness.draft import as_submitted
from harness.sandbox import field

MAX, ERIKA, OTTO = "max@gemeinde.example", "erika@muster.de-mail.de", "otto@normal.de-mail.de"
BODY = b"K\xc3\xb6rper\n.\n..\n  Ende \n\n"

# Sent, and submitted. Every message begins with a Message-ID and a Date, which stay as they are.
CASES = {
    "plain": (
        b"From: max@gemeinde.example\nTo: erika@muster.de-mail.de\nSubject: Thema\n",
        b"From: max@gemeinde.de-mail.de\nTo: erika@muster.de-mail.de\nSubject: Thema\n"),
    "the order of fields": (
        b"X-A: 1\nTo: erika@muster.de-mail.de\nSubject: Thema\nX-B: 2\nFrom: max@gemeinde.example\nX-A: 3\n",
        b"X-A: 1\nTo: erika@muster.de-mail.de\nSubject: Thema\nX-B: 2\nFrom: max@gemeinde.de-mail.de\nX-A: 3\n"),
    "what goes": (
        b"From: max@gemeinde.example\nSender: erna@gemeinde.example\nReturn-Path: <max@gemeinde.example>\n"
        b"Received: from a by b; Mon, 1 Jan 2024 00:00:00 +0000\nUser-Agent: Trial/1.0\nX-Mailer: Trial\n"
        b"X-Originating-IP: 192.0.2.1\nTo: erika@muster.de-mail.de\nX-Demail-Status: verified=pass\nSubject: Thema\n",
        b"From: max@gemeinde.de-mail.de\nTo: erika@muster.de-mail.de\nSubject: Thema\n"),
    "display names in encoded words": (
        b"From: =?utf-8?q?M=C3=BCller=2C_Max?= <max@gemeinde.example>\n"
        b"To: =?iso-8859-1?q?Erika_M=FCller?= <erika@muster.de-mail.de>\nSubject: Thema\n",
        b"From: =?UTF-8?b?TcO8bGxlciw=?= Max <max@gemeinde.de-mail.de>\n"
        b"To: =?iso-8859-1?q?Erika_M=FCller?= <erika@muster.de-mail.de>\nSubject: Thema\n"),
    "display names in raw UTF-8": (
        b"From: \"M\xc3\xbcller, Max\" <max@gemeinde.example>\nTo: Erika M\xc3\xbcller <erika@muster.de-mail.de>\n"
        b"Subject: F\xc3\xbcr Sie\n",
        b"From: =?UTF-8?b?TcO8bGxlciw=?= Max <max@gemeinde.de-mail.de>\n"
        b"To: Erika M\xc3\xbcller <erika@muster.de-mail.de>\nSubject: F\xc3\xbcr Sie\n"),
    "display names in raw ISO-8859-1": (
        b"From: M\xfcller Max <max@gemeinde.example>\nTo: Erika M\xfcller <erika@muster.de-mail.de>\n"
        b"Subject: F\xfcr Sie\n",
        b"From: =?UTF-8?b?TcO8bGxlcg==?= Max <max@gemeinde.de-mail.de>\nTo: Erika M\xfcller <erika@muster.de-mail.de>\n"
        b"Subject: F\xfcr Sie\n"),
    "Reply-To of our own": (
        b"From: max@gemeinde.example\nReply-To: Chefin <chefin@gemeinde.example>, max@gemeinde.example\n"
        b"To: erika@muster.de-mail.de\nSubject: Thema\n",
        b"From: max@gemeinde.de-mail.de\nReply-To: Chefin <leitung@gemeinde.de-mail.de>, max@gemeinde.de-mail.de\n"
        b"To: erika@muster.de-mail.de\nSubject: Thema\n"),
    "Reply-To of our own in raw ISO-8859-1": (
        b"From: max@gemeinde.example\nReply-To: M\xfcller <chefin@gemeinde.example>\n"
        b"To: erika@muster.de-mail.de\nSubject: Thema\n",
        b"From: max@gemeinde.de-mail.de\nReply-To: =?UTF-8?b?TcO8bGxlcg==?= <leitung@gemeinde.de-mail.de>\n"
        b"To: erika@muster.de-mail.de\nSubject: Thema\n"),
    "Reply-To elsewhere": (
        b"From: max@gemeinde.example\nReply-To: max@example.org, max@gemeinde.example\n"
        b"To: erika@muster.de-mail.de\nSubject: Thema\n",
        b"From: max@gemeinde.de-mail.de\nTo: erika@muster.de-mail.de\nSubject: Thema\n"),
    "several To fields": (
        b"From: max@gemeinde.example\nTo: erika@muster.de-mail.de\nTo: Otto <otto@normal.de-mail.de>\n"
        b"Subject: Thema\n",
        b"From: max@gemeinde.de-mail.de\nTo: erika@muster.de-mail.de\nTo: Otto <otto@normal.de-mail.de>\n"
        b"Subject: Thema\n"),
    "folded in odd ways": (
        b"From:\n max@gemeinde.example\nTo:\n\terika@muster.de-mail.de\n (eine\n Sache)\nSubject:  Thema \n  mehr\n"
        b"X-Odd:no blank\nX-Empty:\nX-Tab:\tab\n",
        b"From: max@gemeinde.de-mail.de\nTo:\n\terika@muster.de-mail.de\n (eine\n Sache)\nSubject:  Thema \n  mehr\n"
        b"X-Odd:no blank\nX-Empty:\nX-Tab:\tab\n"),
    "a tag in front": (
        b"From: max@gemeinde.example\nTo: erika@muster.de-mail.de\nSubject: [P]   Thema\n  mehr\n",
        b"From: max@gemeinde.de-mail.de\nTo: erika@muster.de-mail.de\nSubject: Thema  mehr\n"),
    "raw 8-bit subject behind a tag": (
        b"From: max@gemeinde.example\nTo: erika@muster.de-mail.de\nSubject: [pers\xf6nlich] F\xfcr Sie\n",
        b"From: max@gemeinde.de-mail.de\nTo: erika@muster.de-mail.de\nSubject: =?UTF-8?B?RsO8cg==?= Sie\n"),
    "a long subject behind a tag": (
        b"From: max@gemeinde.example\nTo: erika@muster.de-mail.de\nSubject: [P] " + b"Wort " * 40 + b"Ende\n",
        b"From: max@gemeinde.de-mail.de\nTo: erika@muster.de-mail.de\n"
        b"Subject: " + b"Wort " * 13 + b"Wort\n " + b"Wort " * 14 + b"Wort\n " + b"Wort " * 11 + b"Ende\n"),
    "a field of 990 bytes": (
        b"From: max@gemeinde.example\nTo: erika@muster.de-mail.de\nSubject: Thema\nX-Long: " + b"x" * 982 + b"\n",
        b"From: max@gemeinde.de-mail.de\nTo: erika@muster.de-mail.de\nSubject: Thema\nX-Long: " + b"x" * 982 + b"\n"),
    "8-bit fields that are not rewritten": (
        b"From: max@gemeinde.example\nTo: erika@muster.de-mail.de\nSubject: Thema\nComments: \xfc\xc3\xbc\n",
        b"From: max@gemeinde.de-mail.de\nTo: erika@muster.de-mail.de\nSubject: Thema\nComments: \xfc\xc3\xbc\n"),
    "1000 fields": (
        b"From: max@gemeinde.example\nTo: erika@muster.de-mail.de\nSubject: Thema\n" +
        b"".join(b"X-Field-%d: value %d\n" % (i, i) for i in range(1000)),
        b"From: max@gemeinde.de-mail.de\nTo: erika@muster.de-mail.de\nSubject: Thema\n" +
        b"".join(b"X-Field-%d: value %d\n" % (i, i) for i in range(1000))),
}


# Sendmail folds address fields anew, as it does with every mail.
REFOLDED = (b"To:\n\terika@muster.de-mail.de\n (eine\n Sache)", b"To:  erika@muster.de-mail.de (eine\n Sache)")


@pytest.mark.parametrize("name", CASES)
def test_whole_message(world, mta, token, name):
    sent, submitted = CASES[name]
    if mta == "sendmail":
        submitted = submitted.replace(*REFOLDED)
    first = f"Message-ID: <{token}@gemeinde.example>\nDate: Mon, 1 Jan 2024 00:00:00 +0000\n".encode()
    recipients = [ERIKA, OTTO] if b"Otto" in sent else [ERIKA]
    message = first + sent + b"\n" + BODY
    answers = smtp.send(world.mta.ports["submission"], MAX, recipients, message)
    assert answers.code == 250, answers
    for recipient in recipients:
        fields, body = as_submitted(world.sandbox.wait_draft(recipient, token.encode()))
        got = b"\n".join(fields).replace(b"\r\n", b"\n") + b"\n"
        assert got == first + submitted
        assert body == smtp.crlf(BODY)


# Where its own client sends no From, Postfix writes one before the milter hears of the message, Sendmail behind it.
WITHOUT_FROM = {"postfix": (250, "max@gemeinde.de-mail.de"), "sendmail": (550, None)}


def test_message_without_from(world, mta, token):
    code, sender = WITHOUT_FROM[mta]
    answers = smtp.send(world.mta.ports["submission"], MAX, [ERIKA], smtp.message(None, ERIKA, token))
    assert answers.code == code, answers
    if sender:
        assert field(world.sandbox.wait(ERIKA, token.encode()), "X-de-mail-sender") == sender
    else:
        assert "exactly one From" in answers.text
