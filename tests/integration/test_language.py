"""What a user reads is German where the configuration says so."""

import pytest

from harness import smtp

MAX, ERIKA = "max@gemeinde.example", "erika@muster.de-mail.de"
NOBODY = "niemand@muster.de-mail.de"


@pytest.fixture
def german(own_world):
    own_world.gateway.config["gateway"]["language"] = "de"
    own_world.gateway.write_config()
    own_world.gateway.milter.reload("event=reloaded")
    own_world.gateway.poller.reload("event=reloaded")
    return own_world


def test_refusal_of_the_milter(german, token):
    answers = smtp.send(german.mta.ports["submission"], MAX, [ERIKA, "otto@example.net"],
                        smtp.message(MAX, [ERIKA], token))
    assert (answers.code, answers.enhanced) == (550, "5.7.1")
    assert "De-Mail-Empfaenger" in str(answers) and "bitte zwei Nachrichten senden" in str(answers)


def test_bounce_of_what_the_provider_refused(german, token):
    german.allow("event=recipient-refused")
    assert german.send(MAX, NOBODY, token).code == 250
    bounce = german.mailboxes.wait(MAX, NOBODY.encode())
    text = " ".join(bounce.text().split())
    assert "der De-Mail-Anbieter hat die De-Mail abgelehnt: der Empfaenger ist unbekannt (unknown-recipient)" in text
    status = " ".join(str(part) for part in bounce.header.walk()
                      if part.get_content_type() == "message/delivery-status")
    assert "Status: 5.1.1" in status


def test_report_of_what_could_not_be_delivered(german, token):
    german.sandbox.fault("undeliverable", address=ERIKA, code="unknown-recipient", times=1)
    assert german.send(MAX, ERIKA, token).code == 250
    report = german.mailboxes.wait(MAX, token.encode())
    assert "konnte nicht zugestellt werden" in report.text() and "der Empfänger ist unbekannt" in report.text()


def test_what_went_past_the_milter(german, token):
    german.allow("event=barrier-refused", "event=stamp-refused")
    german.mta.sendmail(MAX, ["verteiler@gemeinde.example"], smtp.message(MAX, "verteiler@gemeinde.example", token))
    bounce = german.mailboxes.wait(MAX, token.encode())
    assert "kam nicht durch das De-Mail-Gateway" in " ".join(bounce.text().split())
