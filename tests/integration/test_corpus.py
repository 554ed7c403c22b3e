"""Real messages through the whole path, out and in."""

from harness import corpus, smtp
from harness.sandbox import body
from harness.wait import wait_until

MAX, ERIKA = "max@gemeinde.example", "erika@muster.de-mail.de"
AT_LEAST = 50


def by_token(messages, raw=lambda m: m):
    """The messages by the word in their field X-Corpus."""
    found = {}
    for message in messages:
        head = raw(message).replace(b"\r\n", b"\n").partition(b"\n\n")[0]
        tokens = [line[10:].strip() for line in head.split(b"\n") if line.startswith(b"X-Corpus: ")]
        if tokens:
            found.setdefault(tokens[0].decode(), []).append(message)
    return found


def test_real_messages_arrive_at_the_provider_byte_for_byte(own_world, token, record_property):
    files = corpus.files()
    sent = {f"{token}{i}": file for i, file in enumerate(files)}
    own_world.gateway.config["gateway"]["mixed_addressing"] = "allow"
    own_world.gateway.write_config()
    own_world.gateway.milter.reload("event=reloaded")
    for word, file in sent.items():
        message = corpus.addressed(file, MAX, ERIKA, word)
        answers = smtp.send(own_world.mta.ports["submission"], MAX, [ERIKA, "copy@example.org"], message)
        assert answers.code == 250, (file.name, answers)
    own_world.mta.wait_empty(timeout=120)
    left = by_token(own_world.sink.messages(), lambda taken: taken.data)
    arrived = by_token(own_world.sandbox.mails(ERIKA))
    wrong = [file.name for word, file in sent.items()
             if [body(raw) for raw in arrived.get(word, [])] != [taken.body for taken in left.get(word, [])]]
    record_property("real messages out, body as it left the MTA", f"{len(sent) - len(wrong)} of {len(sent)}")
    assert wrong == []
    assert len(sent) >= AT_LEAST and len(left) == len(sent)


def test_real_messages_arrive_in_the_mailbox(own_world, token, record_property):
    address = "max@gemeinde.de-mail.de"
    sent = {}
    for i, file in enumerate(corpus.files()):
        word = f"{token}{i}"
        answer = own_world.sandbox.send_draft(ERIKA, address, smtp.crlf(corpus.addressed(file, ERIKA, address, word)))
        if answer == "accepted":
            sent[word] = file
        else:  # two of Python's messages have broken headers, which is what they are for
            assert answer.startswith("invalid-format: ") and answer.endswith("is no field"), (file.name, answer)
    wait_until(lambda: len(own_world.mailboxes.mails(MAX)) >= len(sent), "all messages in the mailbox", 180)
    own_world.mta.wait_empty()
    at_provider = by_token(own_world.sandbox.mails(address))
    arrived = by_token(own_world.mailboxes.mails(MAX), lambda mail: mail.raw)
    wrong = [file.name for word, file in sent.items()
             if [mail.body for mail in arrived.get(word, [])] != [body(raw) for raw in at_provider.get(word, [])]]
    record_property("real messages in, body as the provider has it", f"{len(sent) - len(wrong)} of {len(sent)}")
    assert wrong == []
    assert len(sent) >= AT_LEAST and len(at_provider) == len(sent)
