"""Fills an account at the sandbox with many De-Mails in no time: the state folder gets copies of those that are there,
each with a header field of its own."""

import json
import uuid

# Bodies that an mbox and a digest must survive; the seal does not, so these De-Mails are not valid.
BODIES = [b"From here on\r\n>From there\r\n>>From nowhere\r\n", b"no end of line", b"bare\nline\nends\n", b"",
          b"mixed\r\nends\nFrom me\n", b"a\rCR\r\r\n\r", b"\xe4\xf6\xfc \xff\r\n\r\n\r\n", b"From "]
BODY_EVERY = 97  # messages
BATCH = 500


def fill(sandbox, account, count, valid=False):
    """`sandbox` must be stopped. The account's messages are copied in turn until there are `count`; all of its ids by
    folder, in order. `valid`: the copies differ in nothing but the provider's id, and so their seals hold."""
    if sandbox.running():
        raise AssertionError("the sandbox runs")
    state = sandbox.home / "state"
    events = [json.loads(line) for line in (state / "events.log").read_text().splitlines()]
    every = [message for event in events for message in event.get("messages", [])]
    templates = [message for message in every if message["account"] == account]
    sequence = max(message["seq"] for message in every)
    copies = []
    with open(state / "data" / "copies", "ab") as data:
        for number in range(count - len(templates)):
            sequence += 1
            template = templates[number % len(templates)]
            copy = _entry(template, number, sequence)
            copies.append(copy if valid else _altered(copy, state / "data", data, number))
    with open(state / "events.log", "a", encoding="utf-8") as log:
        for begin in range(0, len(copies), BATCH):
            log.write(json.dumps({"event": "commit", "time": copies[begin]["received"], "results": [], "repeated": 0,
                                  "messages": copies[begin:begin + BATCH], "confirmed": []}) + "\n")
    return {folder: [message["id"] for message in templates + copies if message["folder"] == folder]
            for folder in ("inbox", "sent")}


def retrieve(sandbox, ids):
    """`sandbox` must be stopped. These De-Mails are no longer new."""
    if sandbox.running():
        raise AssertionError("the sandbox runs")
    with open(sandbox.home / "state" / "events.log", "a", encoding="utf-8") as log:
        log.writelines(json.dumps({"event": "ack", "id": number}) + "\n" for number in ids)


def _entry(template, number, sequence):
    copy = {**template, "seq": sequence, "id": uuid.uuid4().hex, "received": template["received"] + number}
    copy.pop("retrieve_for", None)
    return copy


def _altered(copy, folder, data, number):
    copy["header"] = _append(data, b"X-Trial-Number: %d\r\n" % number + _slice(folder, copy["header"]))
    if number % BODY_EVERY == 0:
        copy["body"] = _append(data, BODIES[number // BODY_EVERY % len(BODIES)])
    return copy


def _slice(folder, part):
    with open(folder / part["file"], "rb") as file:
        file.seek(part["offset"])
        return file.read(part["length"])


def _append(data, octets):
    offset = data.tell()
    data.write(octets)
    return {"file": "copies", "offset": offset, "length": len(octets)}
