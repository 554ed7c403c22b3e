"""The message as a provider got it: what the provider adds taken away."""

import re

_ADDED = re.compile(rb"(?i)(?:x-de-mail-[^:\r\n]*|envelope-to):")


def as_submitted(raw):
    """Header fields in their order, as bytes with their folding, and the body; without X-de-mail-* and Envelope-to."""
    head, _, body = raw.partition(b"\r\n\r\n")
    fields = re.split(rb"\r\n(?![ \t])", head)
    return [f for f in fields if not _ADDED.match(f)], body
