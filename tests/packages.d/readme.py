"""The command lines of README, so that what is tested is what it says.

usage: readme.py FILE WORD  prints the block of commands behind the paragraph that begins with WORD."""

import sys
from pathlib import Path


def commands(text, word):
    """The indented lines behind the paragraph that begins with this word."""
    paragraphs = text.split("\n\n")
    found = [number for number, paragraph in enumerate(paragraphs) if paragraph.split(None, 1)[:1] == [word]]
    if len(found) != 1:
        raise ValueError(f"{len(found)} paragraphs begin with \"{word}\"")
    block = paragraphs[found[0] + 1].rstrip("\n").split("\n")
    if not all(line.startswith("  ") for line in block):
        raise ValueError(f"no commands behind the paragraph that begins with \"{word}\"")
    return [line[2:] for line in block]


if __name__ == "__main__":
    print("\n".join(commands(Path(sys.argv[1]).read_text(), sys.argv[2])))
