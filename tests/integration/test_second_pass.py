"""A content filter between Postfix and Postfix: what the milter has decided passes it a second time, untouched."""

import threading

import pytest

from harness import smtp
from harness.draft import as_submitted
from harness.ports import free_port
from harness.sink import Sink
from harness.wait import wait_until

MAX, INTERNET = "max@gemeinde.example", "jemand@example.org"
ERIKA, OTTO = "erika@muster.de-mail.de", "otto@normal.de-mail.de"


class Filter(Sink):
    """Hands everything back over a port of the MTA that calls the milter; `mark` is put before the header."""

    def __init__(self, port, back, mark=b""):
        self.back, self.mark = back, mark
        self.answers = []
        super().__init__(port)

    def add(self, taken):
        super().add(taken)
        threading.Thread(target=self._hand_back, args=(taken,)).start()

    def _hand_back(self, taken):
        self.answers.append(smtp.send(self.back, taken.sender, taken.recipients, self.mark + taken.data))


@pytest.fixture
def filtered(own_world):
    """A world whose submission port has a content filter."""
    back = Filter(free_port(), own_world.mta.ports["open"], b"X-Filtered: yes\r\n")
    own_world.mta.filter_content("submission", back.port)
    own_world.filter = back
    yield own_world
    back.stop()


@pytest.mark.only("postfix", "Sendmail has no content filter; its second pass is in test_stamp")
def test_demail_behind_a_content_filter(filtered, token):
    message = smtp.message(MAX, ERIKA, f"[P] {token}", Message_ID=f"<{token}@gemeinde.example>",
                           Date="Mon, 1 Jan 2024 00:00:00 +0000")
    assert smtp.send(filtered.mta.ports["submission"], MAX, [ERIKA, OTTO], message).code == 250
    fields, _ = as_submitted(filtered.sandbox.wait_draft(ERIKA, token.encode()))
    assert fields == [b"X-Filtered: yes", b"From: max@gemeinde.de-mail.de", b"To: " + ERIKA.encode(),
                      f"Subject: {token}".encode(), f"Message-ID: <{token}@gemeinde.example>".encode(),
                      b"Date: Mon, 1 Jan 2024 00:00:00 +0000"]
    filtered.mta.wait_empty()
    assert {r for t in filtered.filter.messages() for r in t.recipients} == {f"{r}.demail.invalid"
                                                                             for r in (ERIKA, OTTO)}
    assert [filtered.sandbox.submissions(r) for r in (ERIKA, OTTO)] == [1, 1]
    assert [a.code for a in filtered.filter.answers] == [250] * len(filtered.filter.answers)
    assert any("event=passed-again" in line for line in filtered.gateway.milter.lines())


@pytest.mark.only("postfix", "Sendmail has no content filter; its second pass is in test_stamp")
def test_ordinary_mail_behind_a_content_filter(filtered, token):
    assert filtered.send(MAX, INTERNET, token).code == 250
    taken = wait_until(lambda: filtered.sink.messages(token.encode()), "the e-mail to leave")
    assert [t.recipients for t in taken] == [(INTERNET,)]
