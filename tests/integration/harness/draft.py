"""The message as it was submitted: what the gateway adds taken away."""

import re

_ADDED = re.compile(rb"(?i)x-de-mail-[^:\r\n]*:")


def as_submitted(draft):
    """Header fields in their order, as bytes with their folding, and the body; without X-de-mail-*."""
    head, _, body = draft.partition(b"\r\n\r\n")
    fields = re.split(rb"\r\n(?![ \t])", head)
    return [f for f in fields if not _ADDED.match(f)], body
