"""demailctl messages, show, retry and drop on a journal that the test has made: filters, tables, JSON."""

import json

import pytest

from harness.ledger import Ledger, received, sent
from harness.process import run
from harness.terminal import on_terminal, width, without_colour

MAX, ERIKA, OTTO = "max@gemeinde.example", "erika@muster.de-mail.de", "otto@normal.de-mail.de"
WIDE = "日本語日本語日本語日本語日本語@gemeinde.example"
T = 1793880000  # 2026-11-05T12:00:00Z

ENTRIES = [
    sent(1, T - 86400, (ERIKA, "accepted", "dispatched", "received"), (OTTO, "refused"), options="receipt"),
    sent(2, T, (ERIKA, "unknown"), tenant="stadt", email="Rathaus@stadt.example"),
    sent(3, T + 1, (OTTO, "unknown"), email="poststelle@gemeinde.example"),
    sent(4, T + 2, (OTTO, "accepted"), email=WIDE),
    received(1, T + 3),
    received(2, T + 4, tenant="stadt", type="notification", sender="system@normal.de-mail.de\033[31m"),
]


def gid(number):
    return f"{number:032x}"


@pytest.fixture(scope="module")
def ledger():
    made = Ledger(ENTRIES)
    yield made
    made.close()


@pytest.mark.parametrize("arguments, ids", [
    ([], [1, 2, 3, 4, "m-1", "m-2"]),
    (["--direction", "sent"], [1, 2, 3, 4]), (["--direction", "received"], ["m-1", "m-2"]),
    (["--tenant", "stadt"], [2, "m-2"]),
    (["--state", "unknown"], [2, 3]), (["--state", "refused"], [1]), (["--state", "acknowledged"], ["m-1", "m-2"]),
    (["--sender", "rathaus@STADT.example"], [2]), (["--sender", "*@gemeinde.example"], [1, 3, 4]),
    (["--sender", "erika@*"], ["m-1"]), (["--sender", "rathaus"], []),
    (["--recipient", OTTO.upper()], [1, 3, 4]), (["--recipient", "????@normal.de-mail.de", "--state", "refused"], [1]),
    (["--recipient", ERIKA, "--state", "refused"], []),
    (["--since", "2026-11-05"], [2, 3, 4, "m-1", "m-2"]), (["--until", "2026-11-04"], [1]),
    (["--since", "2026-11-05T12:00:01Z", "--until", "2026-11-05T12:00:03Z"], [3, 4]), (["--until", "2026-10"], []),
    (["--limit", "2"], ["m-1", "m-2"]), (["--limit", "1", "--direction", "sent"], [4]),
    (["--limit", "99", "--tenant", "stadt"], [2, "m-2"])])
def test_filters(ledger, arguments, ids):
    found = ledger.objects("messages", "--json", *arguments, TZ="UTC")
    assert [e.get("gateway_id", e.get("provider_id")) for e in found] == [i if isinstance(i, str) else gid(i)
                                                                          for i in ids]
    lines = ledger.run("messages", *arguments, TZ="UTC").splitlines()
    assert list(dict.fromkeys(line.split("\t")[3] for line in lines)) == [i if isinstance(i, str) else gid(i)
                                                                          for i in ids]


@pytest.mark.parametrize("arguments, complaint", [
    (["--state", "recieved"], 'did you mean "received"'), (["--direction", "send"], 'did you mean "sent"'),
    (["--limit", "-1"], "from 1 to"), (["--until", "tomorrow"], "--until tomorrow: write a month"),
    (["--until", "2026-13-01"], "--until 2026-13-01")])
def test_wrong_arguments(ledger, arguments, complaint):
    done = run(*ledger.command("messages", *arguments))
    assert done.returncode == 64 and complaint in done.stderr and len(done.stderr.splitlines()) == 1


def test_piped_lines_are_whole_and_plain(ledger):
    lines = [line.split("\t") for line in ledger.run("messages").splitlines()]
    assert lines[0] == ["2026-11-04T12:00:00Z", "sent", "received", gid(1), "gemeinde", MAX, ERIKA, "receipt"]
    assert lines[1] == ["2026-11-04T12:00:00Z", "sent", "refused", gid(1), "gemeinde", MAX, OTTO, "receipt"]
    assert lines[-1] == ["2026-11-05T12:00:04Z", "received", "acknowledged", "m-2", "stadt",
                         "system@normal.de-mail.de [31m", "-", "notification, verified=pass"]
    assert {len(line) for line in lines} == {8}


@pytest.mark.parametrize("columns", [200, 130, 100, 80, 60])
def test_a_terminal_has_titles_and_no_line_is_wider(ledger, columns):
    lines = on_terminal(columns, ledger.command("messages")).splitlines()
    plain = [without_colour(line) for line in lines]
    assert len(lines) == 1 + 7 and "STATE" in plain[0] and all(gid(1) in line for line in plain[1:3])
    widths = {width(line) for line in lines}
    assert len(widths) == 1 and widths.pop() <= columns
    assert ("DETAIL" in plain[0]) == (columns >= 130)
    assert ("…" in "".join(plain)) == (columns < 200)
    assert "\033[31m" in lines[2] and "\033[32m" in lines[1] and "\033" not in plain[-1]


def test_no_colour_where_it_is_not_wanted(ledger):
    assert "\033" not in on_terminal(100, ledger.command("messages"), NO_COLOR="1")
    assert "\033[" in on_terminal(100, ledger.command("messages"), NO_COLOR="")
    assert "\033" not in ledger.run("messages") + ledger.run("show", gid(1))
    assert "\033[31mrefused\033[0m" in on_terminal(100, ledger.command("show", gid(1)))


def test_nothing_is_printed_of_nothing(ledger):
    assert on_terminal(80, ledger.command("messages", "--since", "2100-01")) == ""


def test_shown_in_the_order_of_time(ledger):
    entry, = ledger.objects("show", "--json", gid(1))
    erika, otto = entry["recipients"]
    assert [step["event"] for step in erika["history"]] == ["accepted", "dispatched", "received"]
    assert sorted(step["time"] for step in erika["history"]) == [step["time"] for step in erika["history"]]
    assert [step["event"] for step in otto["history"]] == ["refused"]
    text = ledger.run("show", gid(1))
    assert text.index("accepted") < text.index("dispatched") < text.index("2026-11-04T12:00:02Z  received")


def test_decisions_as_json():
    ledger = Ledger(ENTRIES)
    try:
        decide(ledger)
    finally:
        ledger.close()


def decide(ledger):
    assert json.loads(ledger.run("retry", "--json", gid(2))) == {"gateway_id": gid(2), "decision": "retry",
                                                                 "recipients": 1}
    assert json.loads(ledger.run("--json", "drop", gid(3))) == {"gateway_id": gid(3), "decision": "drop",
                                                                "recipients": 1}
    assert ledger.run("drop", "--json", gid(3), code=1) == ""
    states = {e["gateway_id"]: e["recipients"][0]["state"] for e in ledger.objects("messages", "--json",
                                                                                   "--direction", "sent")}
    assert (states[gid(2)], states[gid(3)]) == ("deferred", "refused")
