"""Files that the manual pages name are installed, or made by somebody."""

import os
import re
import subprocess

import pytest
from c_source import strings
from mdoc import items, section
from project import BUILD, FOLDERS, PAGES, ROOT, page, sources, tokens


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """All that an installation brings."""
    folder = tmp_path_factory.mktemp("root")
    for part in ("doc", "contrib"):
        subprocess.run(["cmake", "--install", BUILD / part, "--prefix", "/usr"], check=True, capture_output=True,
                       env={**os.environ, "DESTDIR": str(folder)})
    return {"/" + str(path.relative_to(folder)) for path in folder.rglob("*")}


def named(name):
    """The paths in FILES of a page."""
    try:
        body = section(page(name), "FILES")
    except AssertionError:
        return []
    found = []
    for source in [item.head() for item in items(body)] or [body]:
        base = ""
        for path in source.find("Pa"):
            text = path.plain()
            base = text.rpartition("/")[0] if "/" in text else base
            found.append(text if "/" in text else f"{base}/{text}")
    return found


def file_names():
    """What the sources and the README have in strings and words: names, and endings that are put behind them."""
    found = set(re.findall(r"[\w./-]*\w", (ROOT / "README").read_text()))
    for source in (*sources(*FOLDERS), *sources(*FOLDERS, ending="*.h")):
        found |= {text.rpartition("/")[2] or text.strip("/") for text in strings(tokens(source))}
    return found


def is_made(path, known):
    name = path.rstrip("/").rpartition("/")[2]
    stem, dot, ending = name.partition(".")
    return name in known or (dot and stem in known and f".{ending}" in known)


# LMDB puts this behind the name of its file.
_LOCK = "-lock"


@pytest.mark.parametrize("name", [file.name for file in PAGES])
def test_files(name, installed):
    known = file_names()
    assert [path for path in named(name)
            if path not in installed and not is_made(path.removesuffix(_LOCK), known)] == []


def test_a_file_that_nobody_makes_is_found():
    assert not is_made("/var/lib/demail/journal.mdb", file_names())
    assert is_made("/var/lib/demail/journal.lmdb", file_names())
