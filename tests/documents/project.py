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


def _symbols(*files):
    """What each of the files defines for others, in their order."""
    done = subprocess.run(["nm", "--print-file-name", "--defined-only", "--extern-only", "--format=posix", *files],
                          capture_output=True, text=True, check=True)
    found = {str(file): set() for file in files}
    for name, symbol in re.findall(r"(?m)^(.*?): (\S+) [A-TV-Z] ", done.stdout):
        found[name].add(symbol)
    return list(found.values())


@functools.cache
def _compiled():
    """Each source with what its object defines."""
    files = sources(*FOLDERS)
    objects = [compiled for source in files
               for compiled in (BUILD / source.parent.name).glob(f"CMakeFiles/*.dir/{source.name}.o")]
    assert len(objects) == len(files)
    return list(zip(files, _symbols(*objects)))


@functools.cache
def program_sources(name):
    """The sources that are part of a program: the linker takes of a library what something calls."""
    (ours,) = _symbols(program(name))

    def is_part(source, defined):
        if source.name == "main.c":
            return source.parent.name == PROGRAMS[name]
        return bool(defined) and defined <= ours

    return [source for source, defined in _compiled() if is_part(source, defined)]
