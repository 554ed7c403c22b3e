"""Options and commands: what --help lists stands in the manual page, and the other way round."""

import re

import pytest
from mdoc import items, section
from project import PROGRAMS, ROOT, page, run

DAEMONS = sorted(set(PROGRAMS) - {"demailctl"})


def listed(text):
    """The options of a help text, each as the set of its names."""
    found = re.findall(r"(?m)^  (?:(-\w), )?(--[\w-]+)(?:=\S+)?\s", text)
    return {frozenset(filter(None, names)) for names in found}


def names(node):
    """The options that are named in a part of a page; short ones may stand together."""
    found = []
    for flag in node.find("Fl"):
        word = flag.plain()
        found += [f"-{word}"] if word.startswith("-") else [f"-{letter}" for letter in word]
    return found


def option_items(node):
    """The options that a list explains, each as the set of its names."""
    heads = [frozenset(names(item.head())) for item in items(node)]
    return [head for head in heads if head]


@pytest.mark.parametrize("name", DAEMONS)
def test_options_of_a_daemon(name):
    options = listed(run(name, "--help"))
    explained = option_items(section(page(f"{name}.8"), "DESCRIPTION"))
    assert len(options) >= 5
    assert set(explained) == options and len(explained) == len(set(explained))
    synopsis = set(names(section(page(f"{name}.8"), "SYNOPSIS")))
    assert [option for option in options if not option & synopsis] == []
    assert synopsis - set().union(*options) == set()


def commands():
    return re.findall(r"(?m)^  ([a-z][a-z-]*) +\S", run("demailctl", "--help").partition("Commands:")[2])


def command_items():
    """The item of each command in demailctl(8)."""
    found = {}
    for item in items(section(page("demailctl.8"), "DESCRIPTION")):
        first = next(iter(item.head().children), None)
        if first is not None and first.macro == "Cm":
            found[first.plain()] = item
    return found


def synopses():
    """What the SYNOPSIS names for each command, and for none (None)."""
    found = {}
    for block in section(page("demailctl.8"), "SYNOPSIS").find("Nm", "block"):
        name = next((child.plain() for child in block.bodies()[0].children if child.macro == "Cm"), None)
        found.setdefault(name, set()).update(names(block))
    return found


def test_commands_of_demailctl():
    assert len(commands()) >= 10
    assert sorted(command_items()) == sorted(commands())
    assert sorted(filter(None, synopses())) == sorted(commands())


def general():
    return listed(run("demailctl", "--help"))


def test_general_options_of_demailctl():
    explained = option_items(section(page("demailctl.8"), "DESCRIPTION"))
    assert set(explained) == general() and len(explained) == len(set(explained))
    everywhere = set().union(*synopses().values())
    assert [option for option in general() if not option & everywhere] == []


@pytest.mark.parametrize("command", sorted(command_items()))
def test_options_of_a_command(command):
    options = listed(run("demailctl", command, "--help")) - general() - {frozenset({"-?", "--help"})}
    shared = set().union(*general())
    synopsis, explained = synopses()[command], set(names(command_items()[command].bodies()[0]))
    assert [option for option in options if not option & synopsis] == []
    assert [option for option in options if not option <= explained] == []
    assert (synopsis | explained) - shared - set().union(*options) == set()


def invocations(text):
    """The command lines of the project's programs in a text: name and what follows on the line."""
    return re.findall(rf"(?<![\w/.-])({'|'.join(PROGRAMS)})\b(?!\.\w|\()((?: [^\s;|&`)]+)*)", text)


def known_options(name, words):
    """The options that a command line may have, with those of the command in it."""
    options = listed(run(name, "--help"))
    for command in set(words) & set(commands() if name == "demailctl" else ()):
        options |= listed(run(name, command, "--help"))
    return set().union(*options)


@pytest.mark.parametrize("name", ["README", "NEWS", "SECURITY.md", "contrib/examples/demail.conf",
                                  "contrib/postfix/demail_domains", "contrib/postfix/main.cf"])
def test_command_lines_elsewhere(name):
    """In README every word behind demailctl is a command; elsewhere it may be a sentence."""
    wrong = []
    for program, rest in invocations((ROOT / name).read_text().replace("\\\n", " ")):
        words = rest.replace("|", " ").split()
        if name == "README" and program == "demailctl" and words and not words[0].startswith("-"):
            wrong += [f"{program} {words[0]}"] * (words[0] not in commands())
        options = [word.partition("=")[0] for word in words if re.fullmatch(r"--?[A-Za-z][\w-]*(=.*)?", word)]
        wrong += [f"{program}{rest}" for option in options if option not in known_options(program, words)]
    assert wrong == []


def test_readme_names_what_is_there():
    text = (ROOT / "README").read_text()
    paths = re.findall(r"(?<![\w/.-])((?:contrib|tests|common|doc)/[\w./-]*\w)", text)
    assert len(paths) >= 8
    assert [path for path in paths if not (ROOT / path).exists()] == []
    pages = {f"{file.stem}({file.suffix[1:]})" for file in ROOT.glob("doc/*.[578]")}
    assert set(re.findall(r"[\w.-]+\([578]\)", text)) == pages
