"""demailctl report: what a billing office needs, from the journal."""

import csv
import io
import json
import subprocess
from datetime import datetime, timezone

import pytest

from harness import smtp
from harness.ledger import Ledger, received, sent
from harness.process import run

ERIKA, OTTO = "erika@muster.de-mail.de", "otto@normal.de-mail.de"
COUNTS = ["sent", "accepted", "refused", "undeliverable", "open", "private", "authoritative", "dispatch", "receipt",
          "retrieve", "received", "statements"]


def at(text):
    return int(datetime.fromisoformat(text).replace(tzinfo=timezone.utc).timestamp())


ENTRIES = [
    sent(1, at("2026-10-31T22:59:59"), (ERIKA, "accepted", "dispatched", "received"), (OTTO, "accepted",
         "undeliverable"), unit="Bürgeramt, Süd", options="dispatch,receipt"),
    sent(2, at("2026-10-31T23:00:00"), (ERIKA, "accepted"), (OTTO, "refused"), unit="=cmd|' /C calc'!A0;-1",
         options="private,retrieve"),
    sent(3, at("2026-11-05T12:00:00"), (ERIKA, "refused"), unit="Bürgeramt, Süd", options="receipt"),
    sent(4, at("2026-11-05T13:00:00"), (ERIKA, "unknown"), (OTTO, "deferred")),
    sent(5, at("2026-11-06T13:00:00"), (ERIKA, "accepted"), tenant="stadt", unit='Kasse "1"', options="authoritative"),
    received(1, at("2026-11-05T12:00:00")),
    received(2, at("2026-11-05T12:00:01"), type="notification", sender="system@muster.de-mail.de"),
]
BERLIN = {"TZ": "Europe/Berlin"}


@pytest.fixture(scope="module")
def ledger():
    made = Ledger(ENTRIES)
    yield made
    made.close()


def raw(ledger, *arguments):
    return subprocess.run(ledger.command(*arguments), capture_output=True, check=True).stdout


def row(keys, **counts):
    return {**keys, **dict.fromkeys(COUNTS, 0), **counts}


def of(tenant, unit, month):
    return {"tenant": tenant, "unit": unit, "month": month}


def test_counted_by_tenant_unit_and_month(ledger):
    assert ledger.objects("report", "--json", **BERLIN) == [
        row(of("gemeinde", "", "2026-11"), open=2, received=1, statements=1),
        row(of("gemeinde", "=cmd|' /C calc'!A0;-1", "2026-11"), sent=1, accepted=1, refused=1, private=1, retrieve=1),
        row(of("gemeinde", "Bürgeramt, Süd", "2026-10"), sent=1, accepted=2, undeliverable=1, dispatch=1, receipt=1),
        row(of("gemeinde", "Bürgeramt, Süd", "2026-11"), refused=1),
        row(of("stadt", 'Kasse "1"', "2026-11"), sent=1, accepted=1, authoritative=1),
    ]


def test_months_are_those_of_local_time(ledger):
    months = {r["month"]: r["sent"] for r in ledger.objects("report", "--json", "--by", "month", TZ="UTC")}
    assert months == {"2026-10": 2, "2026-11": 1}
    months = {r["month"]: r["sent"] for r in ledger.objects("report", "--json", "--by", "month", **BERLIN)}
    assert months == {"2026-10": 1, "2026-11": 2}


def test_a_de_mail_counts_once_in_each_group(ledger):
    total, = ledger.objects("report", "--json", "--by", "none", **BERLIN)
    assert total == row({}, sent=3, accepted=4, refused=2, undeliverable=1, open=2, private=1, authoritative=1,
                        dispatch=1, receipt=1, retrieve=1, received=1, statements=1)
    for by in ("tenant", "unit", "month", "month,unit,tenant"):
        rows = ledger.objects("report", "--json", "--by", by, **BERLIN)
        assert {c: sum(r[c] for r in rows) for c in COUNTS} == total, by
    options = {r["option"]: r for r in ledger.objects("report", "--json", "--by", "option", **BERLIN)}
    assert {o: (r["sent"], r["accepted"]) for o, r in options.items()} == {
        "authoritative": (1, 1), "dispatch": (1, 2), "none": (0, 0), "private": (1, 1), "receipt": (1, 2),
        "retrieve": (1, 1)}
    assert (options["none"]["open"], options["none"]["received"], options["receipt"]["refused"]) == (2, 1, 1)


@pytest.mark.parametrize("arguments, total", [
    (["--from", "2026-11"], 2), (["--to", "2026-10"], 1), (["--from", "2026-10-31", "--to", "2026-10-31"], 1),
    (["--from", "2026-10-31T23:00:00Z"], 2), (["--to", "2026-10-31T22:59:59Z"], 0), (["--tenant", "stadt"], 1),
    (["--from", "2026-11", "--to", "2026-11-06"], 2), (["--from", "2026-11", "--to", "2026-11-05"], 1)])
def test_time_and_tenant(ledger, arguments, total):
    rows = ledger.objects("report", "--json", "--by", "none", *arguments, **BERLIN)
    assert sum(r["sent"] for r in rows) == total


def test_csv(ledger):
    text = ledger.run("report", "--csv", **BERLIN)
    assert ledger.run("report", "--csv", **BERLIN) == text
    lines = list(csv.DictReader(io.StringIO(text, newline="")))
    numbers = [{c: int(line[c]) for c in COUNTS} for line in lines]
    objects = ledger.objects("report", "--json", **BERLIN)
    assert numbers == [{c: o[c] for c in COUNTS} for o in objects]
    assert [line["unit"] for line in lines] == ["", "'=cmd|' /C calc'!A0;'-1", "Bürgeramt, Süd", "Bürgeramt, Süd",
                                                'Kasse "1"']


def test_csv_line_by_line(ledger):
    """RFC 4180, octet for octet."""
    with_ends = raw(ledger, "report", "--csv", "--tenant", "stadt")
    assert with_ends == ("tenant,unit,month,sent,accepted,refused,undeliverable,open,private,authoritative,dispatch,"
                         "receipt,retrieve,received,statements\r\n"
                         'stadt,"Kasse ""1""",2026-11,1,1,0,0,0,0,1,0,0,0,0,0\r\n').encode()
    assert raw(ledger, "report", "--csv", "--from", "2030-01").count(b"\r\n") == 1


def test_piped_text_is_one_line_for_each_group(ledger):
    lines = [line.split("\t") for line in ledger.run("report", "--by", "month,tenant", **BERLIN).splitlines()]
    assert [line[:4] for line in lines] == [["gemeinde", "2026-10", "1", "2"], ["gemeinde", "2026-11", "1", "1"],
                                            ["stadt", "2026-11", "1", "1"]]
    assert {len(line) for line in lines} == {2 + len(COUNTS)}


@pytest.mark.parametrize("arguments, complaint", [
    (["--by", "untit"], 'did you mean "unit"'), (["--by", ""], "name tenant, unit, month or option"),
    (["--from", "November"], "write a month such as 2026-11"), (["--csv", "--json"], "not both"),
    (["--from", "2026-11", "--to", "2026-10"], "exchange them"), (["x"], "takes no operand")])
def test_wrong_arguments(ledger, arguments, complaint):
    done = run(*ledger.command("report", *arguments))
    assert done.returncode == 64 and complaint in done.stderr and len(done.stderr.splitlines()) == 1


def test_a_tenant_that_is_misspelt(ledger):
    done = run(*ledger.command("report", "--tenant", "gemeinte"))
    assert done.returncode == 0 and done.stdout == "" and 'did you mean "gemeinde"' in done.stderr


def test_the_unit_of_the_table_comes_with_a_de_mail(world, token):
    """It stays what it was when the De-Mail was sent."""
    message = smtp.message("poststelle@gemeinde.example", ERIKA, f"Bescheid {token}",
                           Message_ID=f"<{token}@gemeinde.example>")
    assert smtp.send(world.mta.ports["submission"], "poststelle@gemeinde.example", [ERIKA], message).code == 250
    world.mta.wait_empty()
    done = world.gateway.demailctl("-c", world.gateway.conf, "show", "--json", f"<{token}@gemeinde.example>")
    assert json.loads(done.stdout)["unit"] == "Poststelle"
