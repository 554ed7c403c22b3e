"""Several messages in one SMTP session: one that we let pass at the end of its header opens no door for the next."""

import pytest

from harness import smtp
from harness.sandbox import field
from harness.wait import wait_until

MAX, ERIKA, INTERNET = "max@gemeinde.example", "erika@muster.de-mail.de", "jemand@example.org"
LATE = "chefin@gemeinde.example"  # refused by Postfix when all of the message is there


@pytest.fixture
def late(world):
    """Postfix refuses messages of LATE at the end of data; whether it does: Sendmail has nothing of the kind."""
    if world.mta.name != "postfix":
        yield False
        return
    world.mta.configure(f"smtpd_end_of_data_restrictions=check_sender_access inline:{{{{{LATE} = REJECT late}}}}")
    yield True
    world.mta.configure("smtpd_end_of_data_restrictions=")


def test_messages_in_turn(world, token, late):
    """After each ordinary one comes one that must not pass as it is."""
    def send(number, recipients, sender=MAX, **fields):
        return smtp.transact(session, sender, recipients,
                             smtp.message(sender, recipients, f"{token} {number}", **fields))

    with smtp.connect(world.mta.ports["submission"]) as session:
        assert send(1, [INTERNET]).code == 250
        assert (send(2, [ERIKA, INTERNET]).code, send(3, [INTERNET]).code) == (550, 250)
        assert send(4, [ERIKA]).code == 250
        assert send(5, [INTERNET], X_de_mail_version="1.8").code == 250
        assert send(6, [INTERNET], sender=LATE).code == (554 if late else 250)
        session.rset()  # after such a refusal Postfix's transaction goes on
        assert send(7, [ERIKA, INTERNET]).code == 550
        assert send(8, [INTERNET]).code == 250
        session.rset()
        assert send(9, [ERIKA, INTERNET]).code == 550
    world.sandbox.wait(ERIKA, f"{token} 4".encode())
    world.mta.wait_empty()
    went = {int(field(t.data, "Subject").split()[-1]): t.data for t in world.sink.messages(token.encode())}
    assert set(went) == {1, 3, 5, 8} | ({6} if not late else set())
    assert field(went[5], "X-de-mail-version") is None
    assert len(world.sandbox.mails(ERIKA, token.encode())) == 1


def test_client_that_nobody_trusts(world, token):
    with smtp.connect(world.mta.ports["open"], smtp.OUTSIDE) as session:
        for recipient, code in ((INTERNET, 250), (ERIKA, 550), (INTERNET, 250), (ERIKA, 550)):
            message = smtp.message(MAX, recipient, token)
            assert smtp.transact(session, MAX, [recipient], message).code == code
    world.mta.wait_empty()
    assert not world.sandbox.mails(ERIKA, token.encode())
    assert len(world.sink.messages(token.encode())) == 2


def test_every_line_has_the_queue_id(own_world, token):
    """That of its message, whatever came before it in the session, for what is decided at the end of the header too."""
    milter = own_world.gateway.milter
    assert milter.stop() == 0
    milter.command.append("-v")
    own_world.gateway.start_milter()
    before = len(milter.lines())

    def send(recipient, **fields):
        return smtp.transact(session, MAX, [recipient], smtp.message(MAX, recipient, token, **fields)).data[1]

    with smtp.connect(own_world.mta.ports["submission"]) as session:
        replies = {"ordinary": [send(INTERNET)], "refused": [send("divert@x.demail.invalid")]}
        replies["ordinary"].append(send(INTERNET))
        session.docmd("MAIL", f"FROM:<{MAX}>")
        session.docmd("RCPT", f"TO:<{INTERNET}>")
        session.rset()
        replies["cleaned"] = [send(INTERNET, X_de_mail_version="1.8")]
        replies["diverted"] = [send(ERIKA)]
        replies["ordinary"].append(send(INTERNET))
    own_world.mta.sendmail(MAX, [INTERNET], smtp.message(MAX, INTERNET, token))
    wait_until(lambda: len(_queue_ids(milter, before, "ordinary")) == 4, "the message of sendmail(1)")
    said = {event: _queue_ids(milter, before, event) for event in replies}
    for event, answers in replies.items():
        if event != "refused":
            assert all(queue_id in answer for queue_id, answer in zip(said[event], answers)), (said, replies)
    every = [queue_id for ids in said.values() for queue_id in ids]
    assert len(every) == len(set(every)) == 7, said
    assert all(queue_id and own_world.mta.lines(f"{queue_id}: ") for queue_id in every), said
    own_world.sandbox.wait(ERIKA, token.encode())
    own_world.mta.wait_empty()


def _queue_ids(daemon, before, event):
    return [line.partition("qid=")[2].split()[0] for line in daemon.lines()[before:] if f"event={event} qid=" in line]
