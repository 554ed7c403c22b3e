"""Environment variables, and the members of what demailctl prints as JSON."""

import re

import pytest
from c_source import calls, strings
from mdoc import section
from project import ROOT, page, program_sources, tokens

# What the commands print that list, show, judge and explain messages.
JSON_SOURCES = ["entry_view.c", "explain.c", "findings_json.c"]


def read_variables(name):
    """The environment variables that a program's sources ask for; one that is not written out fails."""
    found = set()
    for source in program_sources(name):
        for _, call in calls(tokens(source), "g_getenv", "getenv", "secure_getenv"):
            assert [kind for kind, _ in call[0]] == ["string"], source
            found |= set(strings(call[0]))
    return found


@pytest.mark.parametrize("name", ["demail-milter", "demail-poller", "demail-sandbox"])
def test_environment(name):
    told = {node.plain() for node in section(page(f"{name}.8"), "ENVIRONMENT").find("Ev")}
    assert told == read_variables(name)


def members(source):
    """The names in each object that is packed, or added to one."""
    found = set()
    for _, call in calls(tokens(source), "json_pack"):
        (form,) = strings(call[0])
        types = re.findall(r"s:([a-zA-Z])[?*]?", form)
        assert re.fullmatch(r"\{(s:[a-zA-Z][?*]?(, )?)*\}", form) and len(call) == 1 + 2 * len(types), (source, form)
        for key in call[1::2]:
            assert [kind for kind, _ in key] == ["string"], source
            found |= set(strings(key))
    for _, call in calls(tokens(source), "json_object_set_new"):
        assert [kind for kind, _ in call[1]] == ["string"], source
        found |= set(strings(call[1]))
    return found


@pytest.mark.parametrize("name", JSON_SOURCES)
def test_members_of_json(name):
    told = {word for node in section(page("demailctl.8"), "DESCRIPTION").find("Cm") for word in node.words()}
    found = members(ROOT / "ctl" / name)
    assert len(found) >= 5
    assert found - told == set()
