"""The project's sources and programs, as the tests of its documents see them."""

import functools
import json
import os
import re
import subprocess
from pathlib import Path

import c_source
import mdoc

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ["DEMAIL_BUILD"])
PROGRAMS = {"demail-milter": "milter", "demail-poller": "poller", "demailctl": "ctl", "demail-sandbox": "sandbox"}
FOLDERS = ("common", "standard", "provider", "milter", "poller", "ctl", "sandbox")
PAGES = sorted(ROOT.glob("doc/*.[578]"))


@functools.cache
def page(name):
    """The manual page doc/NAME."""
    return mdoc.read(ROOT / "doc" / name)


@functools.cache
def facts(*codes):
    done = subprocess.run([BUILD / "tests/documents/document-facts", *codes], capture_output=True, check=True)
    return json.loads(done.stdout)


def program(name):
    return BUILD / PROGRAMS[name] / name


def run(name, *arguments):
    """What a program prints when it is asked for help."""
    done = subprocess.run([program(name), *arguments], capture_output=True, text=True, timeout=30, check=False,
                          env={**os.environ, "LC_ALL": "C.UTF-8"})
    assert done.returncode == 0, (name, arguments, done.stderr)
    return done.stdout


def sources(*folders, ending="*.c"):
    return sorted(file for folder in folders for file in (ROOT / folder).glob(ending))


@functools.cache
def tokens(source):
    return c_source.tokens(source.read_text())


@functools.cache
def _symbols(file):
    done = subprocess.run(["nm", "--defined-only", "--extern-only", "--format=posix", file], capture_output=True,
                          text=True, check=True)
    return {line.split()[0] for line in done.stdout.splitlines() if re.match(r"\S+ [A-TV-Z] ", line)}


@functools.cache
def program_sources(name):
    """The sources that are part of a program: the linker takes of a library what something calls."""
    ours = _symbols(program(name))
    own = PROGRAMS[name]
    found = []
    for source in sources(*FOLDERS):
        (compiled,) = (BUILD / source.parent.name).glob(f"CMakeFiles/*.dir/{source.name}.o")
        defined = _symbols(compiled) - {"main"}
        if (defined and defined <= ours) if source.name != "main.c" else source.parent.name == own:
            found.append(source)
    return found
