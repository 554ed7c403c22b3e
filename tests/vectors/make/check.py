"""Whether our own reading of the standard computes what a manifest says, and what the valid messages themselves say."""

import json
import re

import canon


def check(folder):
    """One text for each disagreement."""
    for message in json.loads((folder / "manifest.json").read_text())["messages"]:
        octets = (folder / message["file"]).read_bytes()
        measured = canon.measure(octets)
        for key in ("a", "form", "digest", "signature_algorithm", "body_hash", "header_hash"):
            if key in message and message[key] != measured.get(key):
                yield f"{message['file']}: {key} is {measured.get(key)!r}, the manifest has {message[key]!r}"
        if message["valid"]:
            tags = canon.tag_list(canon.first(canon.split(octets)[0], "X-de-mail-integrity"))
            if squeezed(tags["bh"]) != measured["body_hash"]:
                yield f"{message['file']}: bh= is not the hash of the body"
            if measured["form"] == "hash" and squeezed(tags["b"]) != measured["header_hash"]:
                yield f"{message['file']}: b= is not the hash of the header"


def squeezed(text):
    return re.sub(r"\s", "", text)
