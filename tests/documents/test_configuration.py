"""demail.conf(5) and the example file against the keys that the programs know."""

import configparser
import re

from mdoc import items, section
from project import ROOT, facts, page

KEYS = {(key["group"], key["key"]): key for key in facts()["keys"]}
GROUPS = {"gateway": "Group gateway", "milter": "Group milter", "poller": "Group poller",
          "provider": "Group provider NAME", "tenant": "Group tenant NAME"}


def heads(node, within=None):
    """The texts of an item's head, each with the macro next around it that is no mere bracket."""
    for child in node.children:
        if child.macro is None:
            yield within, child.text
        else:
            yield from heads(child, within if child.macro == "Pq" else child.macro)


def documented():
    """(group, key): the default as the page gives it, and the whole of the item."""
    found = {}
    for group, title in GROUPS.items():
        for item in items(section(page("demail.conf.5"), title, "Ss")):
            key = None
            for macro, text in heads(item.head()):
                if macro == "Cm":
                    key = (group, text)
                    assert key not in found, f"{key} stands twice"
                    found[key] = ("", item)
                elif text != ",":
                    found[key] = ((found[key][0] + " " + text).strip(), item)
    return found


def test_every_key_is_documented_and_nothing_else():
    assert set(documented()) == set(KEYS)


def test_defaults():
    told = {key: default for key, (default, _) in documented().items()}
    assert told == {name: "required" if key["default"] is None else key["default"] for name, key in KEYS.items()}


def test_every_key_says_what_it_does():
    silent = [key for key, (_, item) in documented().items() if len(item.bodies()[0].words()) < 1]
    assert silent == []


def example():
    """The example with what is commented out, as (group, key, value, whether it is in force)."""
    group = None
    for line in (ROOT / "contrib/examples/demail.conf").read_text().splitlines():
        head = re.match(r"#?\[(\w+)", line)
        entry = re.match(r"(#?) ?([a-z_]+) *= ?(.*)$", line)
        if head:
            group = head[1]
        elif entry:
            yield group, entry[2], entry[3].strip(), not entry[1]


def test_example_has_known_keys_and_all_that_are_required():
    entries = list(example())
    unknown = [(group, key) for group, key, _, _ in entries if (group, key) not in KEYS]
    given = {(group, key) for group, key, _, in_force in entries if in_force}
    required = {name for name, key in KEYS.items() if key["default"] is None}
    assert unknown == []
    assert required - given == set()


def test_what_the_example_leaves_out_shows_the_default():
    differing = [(group, key, value) for group, key, value, in_force in example()
                 if not in_force and value != (KEYS[group, key]["default"] or value)]
    assert differing == []


def test_tables_of_the_configuration_are_those_of_their_page():
    told = {word for item in items(section(page("demail-tables.5"), "Tables", "Ss")) for word in item.head().words()}
    assert told == {key["key"] for key in KEYS.values() if key["table"]}


def test_example_is_one_that_python_reads_too():
    parser = configparser.ConfigParser(interpolation=None, delimiters=("=",))
    parser.read(ROOT / "contrib/examples/demail.conf")
    assert set(parser.sections()) >= {"gateway", "milter", "poller"}
