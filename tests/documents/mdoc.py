"""A manual page as a tree, as mandoc(1) reads it."""

import re
import subprocess

_LINE = re.compile(r"^( *)(.*?) \((text|elem|block|head|body|tail|comment)\)")

# mandoc prints its sign for a hyphen at which a line may break.
_HYPHEN = "\x1e"


class Node:
    """A macro with its content, or a text (macro is None)."""

    def __init__(self, macro, kind, text=""):
        self.macro, self.kind, self.text = macro, kind, text
        self.children = []

    def find(self, macro, kind=None):
        """All nodes of this macro below, in order; not within one that is found."""
        for child in self.children:
            if child.macro == macro and (kind is None or child.kind == kind):
                yield child
            else:
                yield from child.find(macro, kind)

    def words(self):
        """All texts below."""
        return [self.text] if self.macro is None else [text for child in self.children for text in child.words()]

    def plain(self):
        """All text below, one blank between words; a text that is punctuation follows without."""
        joined = ""
        for word in self.words():
            joined += word if not joined or re.match(r"[.,:;)?!]+$", word) else " " + word
        return re.sub(r"\s+", " ", joined)

    def head(self):
        """The head of a block, or None."""
        return next((child for child in self.children if child.kind == "head"), None)

    def bodies(self):
        return [child for child in self.children if child.kind == "body"]


def _clean(text):
    for escape, character in ((r"\-", "-"), (r"\&", ""), (r"\(dq", '"'), (r"\e", "\\"), (r"\(ha", "^"),
                              (r"\(:o", "ö"), (r"\(:a", "ä"), (r"\(en", "-")):
        text = text.replace(escape, character)
    return text.replace(_HYPHEN, "-")


def read(path):
    """The root of the page's tree."""
    done = subprocess.run(["mandoc", "-T", "tree", str(path)], capture_output=True, text=True, check=True)
    root = Node("page", "block")
    open_nodes = [(-1, root)]
    for line in done.stdout.split("\n"):  # splitlines() takes _HYPHEN for an end of line
        match = _LINE.match(line)
        if not match:
            continue
        indent, what, kind = len(match[1]), match[2], match[3]
        while open_nodes[-1][0] >= indent:
            open_nodes.pop()
        node = Node(None, kind, _clean(what)) if kind in ("text", "comment") else Node(what, kind)
        open_nodes[-1][1].children.append(node)
        open_nodes.append((indent, node))
    return root


def section(page, title, macro="Sh"):
    """The body of a section (Sh) or subsection (Ss); AssertionError if there is none."""
    for block in page.find("Sh", "block"):
        if macro == "Sh" and block.head().plain() == title:
            return block.bodies()[0]
        for inner in block.find("Ss", "block"):
            if macro == "Ss" and inner.head().plain() == title:
                return inner.bodies()[0]
    raise AssertionError(f"no {macro} {title}")


def items(node):
    """The items (It) of the lists in a section, not those of lists within an item."""
    return list(node.find("It", "block"))


def item_name(item):
    return item.head().plain()
