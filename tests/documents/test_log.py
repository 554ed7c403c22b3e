"""Every event that a program logs stands with its fields in DIAGNOSTICS of its manual page, and no other."""

import c_source
import pytest
from mdoc import items, section
from project import FOLDERS, PROGRAMS, page, program_sources, sources, tokens


DAEMONS = {"demail-milter", "demail-poller"}


def logged(name, folder=None):
    """The events of a program, or of its sources in one folder, each with the fields that it may have."""
    found = {}
    for source in program_sources(name):
        if folder not in (None, source.parent.name):
            continue
        for event, fields in c_source.log_calls(source.read_text()):
            found.setdefault(event, set()).update(fields)
    return found


def entries(name):
    """The items of DIAGNOSTICS: the words of the head, and the item."""
    return [(" ".join(item.head().words()).split(), item) for item in items(section(page(f"{name}.8"), "DIAGNOSTICS"))]


def documented(name):
    found = {}
    for words, _ in entries(name):
        if words[0].startswith("event="):
            event = words[0].removeprefix("event=")
            assert event not in found, f"{event} stands twice"
            found[event] = words[1:]
    return found


@pytest.mark.parametrize("name", sorted(DAEMONS))
def test_events(name):
    real, told = logged(name), documented(name)
    assert sorted(real) == sorted(told)
    assert {event: sorted(fields) for event, fields in real.items()} == {
        event: sorted(fields) for event, fields in told.items()}


@pytest.mark.parametrize("name", sorted(set(PROGRAMS) - DAEMONS))
def test_events_of_the_others(name):
    """What they share with the daemons has more events than they can come to."""
    real, told = logged(name), documented(name)
    own = logged(name, PROGRAMS[name])
    assert set(own) <= set(told) <= set(real)
    assert {event: sorted(real[event]) for event in told} == {event: sorted(told[event]) for event in told}


@pytest.mark.parametrize("name", PROGRAMS)
def test_every_event_and_field_is_explained(name):
    silent = [words[0] for words, item in entries(name) if not item.bodies()[0].words()]
    assert silent == []
    used = {field for fields in documented(name).values() for field in fields}
    explained = [field for words, _ in entries(name) if not words[0].startswith("event=") for field in words
                 if field != ","]
    assert sorted(explained) == sorted(used)


def test_every_call_can_be_read():
    """Nothing gets into the log by another way than dm_log()."""
    for source in sources(*FOLDERS):
        found = tokens(source)
        written_out = sum(1 for _ in c_source.calls(found, "dm_log"))
        named = sum(1 for token in found if token == ("name", "dm_log"))
        assert written_out == named, source
        if source.name != "log.c":
            others = [text for kind, text in found if kind == "name"
                      and text in ("dm_log_fields", "dm_log_format", "DmLogField", "syslog", "vsyslog")]
            assert others == [], source
        list(c_source.log_calls(source.read_text()))


@pytest.mark.parametrize("text, read", [
    ('dm_log(DM_LOG_INFO, "a-b", DM_S("x", f(1, ",")), DM_N("y", 2));', [("a-b", ["x", "y"])]),
    ('dm_log(bad ? DM_LOG_ERROR : DM_LOG_INFO, c(1) ? "a" : "b");', [("a", []), ("b", [])]),
    ('/* dm_log(1, "no") */ "dm_log(1, \\"no\\")"; dm_log(L, "split" "-name");', [("split-name", [])]),
    ('x = \'"\'; dm_log(L, "q", DM_S("\\x41", "//"));', [("q", ["A"])]),
])
def test_reading_of_calls(text, read):
    assert list(c_source.log_calls(text)) == read


@pytest.mark.parametrize("text", [
    'dm_log(L, event);', 'dm_log(L, EVENT "x");', 'dm_log(L, "e", fields);', 'dm_log(L, "e", DM_S(key, "v"));',
    'dm_log(L, "e", DM_S("a" B, "v"));', 'dm_log(L, a ? b : "c");', 'dm_log(L, "e", DM_X("k", 1));', 'dm_log(L, "e"',
    'dm_log(L, "e", DM_S("k"));',
])
def test_what_can_not_be_read_is_an_error(text):
    with pytest.raises(ValueError):
        list(c_source.log_calls(text))
