"""Metrics tell what happened, and warnings come in time: once, and until they are over."""

import datetime
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

from harness.process import program, run
from harness.wait import wait_until
from prometheus_client.openmetrics.parser import text_string_to_metric_families

ROOT = Path(__file__).resolve().parents[2]
MONITORING = ROOT / "contrib" / "monitoring"
MAX, ERIKA = "max@gemeinde.example", "erika@muster.de-mail.de"
ROUND = 60.0  # seconds in which both daemons have written their metrics


def text_of(world):
    done = world.gateway.demailctl("-c", world.gateway.conf, "metrics")
    assert done.returncode == 0, done.stderr
    return done.stdout


def families(text):
    """By name; the parser refuses what is not OpenMetrics."""
    return {family.name: family for family in text_string_to_metric_families(text)}


def value(world, name, **labels):
    """Of the one sample with this name and all these labels; None if there is none."""
    samples = [sample for family in families(text_of(world)).values() for sample in family.samples
               if sample.name == name and labels.items() <= sample.labels.items()]
    assert len(samples) <= 1, samples
    return samples[0].value if samples else None


def wait_value(world, expected, name, **labels):
    wait_until(lambda: value(world, name, **labels) == expected, f"{name} {labels} to be {expected}", ROUND)


def warnings_in_status(world):
    done = world.gateway.demailctl("-c", world.gateway.conf, "status", "--json")
    assert done.returncode == 0, done.stderr
    return [(line["warning"], line["subject"]) for line in map(json.loads, done.stdout.splitlines())
            if "warning" in line]


def logged(world, event, kind):
    return sum(f"event={event} kind={kind} " in line for line in world.gateway.poller.lines())


def test_numbers(own_world, token):
    world = own_world
    wait_value(world, 0, "demail_sent_total", tenant="gemeinde", result="refused")
    for kind in ("normal", "confirmation", "notification", "identification", "unknown"):
        # There from the start: increase() does not see the first of a series that was not.
        assert value(world, "demail_received_total", tenant="gemeinde", type=kind, verified="fail") == 0, kind
    assert world.send(MAX, "nobody@example.org", token).code == 250
    assert world.send("gesperrt@gemeinde.example", ERIKA, token).code == 550
    world.sandbox.log_in(ERIKA)
    assert world.send(MAX, ERIKA, f"[VB, EB] {token}").code == 250
    assert world.send(MAX, "niemand@muster.de-mail.de", token).code == 250
    world.sandbox.send(ERIKA, ["max@gemeinde.de-mail.de"], token, "Guten Tag\r\n")
    world.mta.wait_empty()

    gemeinde = {"tenant": "gemeinde"}
    wait_value(world, 1, "demail_sent_total", result="accepted", **gemeinde)
    wait_value(world, 1, "demail_sent_total", result="refused", **gemeinde)
    wait_value(world, 1, "demail_received_total", type="normal", verified="pass", **gemeinde)
    wait_value(world, 2, "demail_received_total", type="confirmation", verified="pass", **gemeinde)
    wait_value(world, 1, "demail_confirmations_total", type="dispatched", **gemeinde)
    wait_value(world, 1, "demail_confirmations_total", type="received", **gemeinde)
    wait_value(world, 2, "demail_submission_duration_seconds_count", **gemeinde)
    assert value(world, "demail_sent_total", tenant="stadt", result="accepted") == 0
    assert value(world, "demail_sent_total", result="deferred", **gemeinde) == 0
    assert value(world, "demail_poll_duration_seconds_count", **gemeinde) > 0
    wait_value(world, 2, "demail_milter_decisions_total", result="diverted")
    assert value(world, "demail_milter_decisions_total", rule="not-listed") == 1
    assert value(world, "demail_milter_decisions_total", result="ordinary") >= 1
    assert value(world, "demail_provider_up", **gemeinde) == 1
    assert value(world, "demail_open_recipients", state="unknown") == 0
    assert 0 < value(world, "demail_certificate_remaining_seconds", provider="sandbox") <= 365 * 86400
    assert warnings_in_status(world) == []


def test_outage_and_programs_that_do_not_run(own_world, token):
    world = own_world
    world.allow("event=provider-down", "event=submission-failed")
    wait_value(world, 1, "demail_provider_up", tenant="gemeinde")
    assert world.sandbox.stop() == 0
    assert world.send(MAX, ERIKA, token).code == 250
    wait_value(world, 0, "demail_provider_up", tenant="gemeinde")
    assert value(world, "demail_up", program="demail-poller") == 1
    assert value(world, "demail_up", program="demail-milter") == 1

    assert world.gateway.poller.stop() == 0
    world.gateway.milter.kill()
    assert value(world, "demail_up", program="demail-poller") == 0
    assert value(world, "demail_up", program="demail-milter") == 0
    assert value(world, "demail_provider_up", tenant="gemeinde") == 0
    assert value(world, "demail_sent_total", tenant="gemeinde", result="accepted") is None
    world.sandbox.start()
    world.gateway.start()
    wait_value(world, 1, "demail_provider_up", tenant="gemeinde")
    wait_until(lambda: world.mta.flush() or not world.mta.queue(), "the queue to empty", 90)
    wait_value(world, 1, "demail_sent_total", tenant="gemeinde", result="accepted")


def another_round(world):
    """The poller reads its configuration anew, and looks at everything again."""
    file = world.gateway.home / "state" / "poller.prom"
    before = file.stat().st_ino, file.stat().st_mtime_ns
    world.gateway.poller.reload("event=reloaded")
    wait_until(lambda: (file.stat().st_ino, file.stat().st_mtime_ns) != before, "another round", ROUND)


def set_account(world, number, **keys):
    """Changes an account of the provider and has the poller log in anew."""
    file = world.sandbox.home / "accounts.json"
    accounts = json.loads(file.read_text())
    accounts["accounts"][number].update(keys)
    assert world.sandbox.stop() == 0
    file.write_text(json.dumps(accounts))
    world.sandbox.start()
    world.gateway.poller.reload("event=reloaded")


def test_quota_and_password(own_world, token):
    world = own_world
    world.allow("event=provider-down", "event=warning", "event=poll-failed", "event=receive-failed")
    world.sandbox.send(ERIKA, ["max@gemeinde.de-mail.de"], token, "Guten Tag\r\n")
    world.mailboxes.wait(MAX, token.encode())
    world.gateway.poller.reload("event=reloaded")
    used = wait_until(lambda: value(world, "demail_quota_used_bytes", tenant="gemeinde"), "the use of the mailbox",
                      ROUND)
    soon = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=5)
    set_account(world, 0, quota=int(used * 1.05), password_expires=soon.strftime("%Y-%m-%dT%H:%M:%SZ"))
    for kind in ("quota", "password"):
        wait_until(lambda: (kind, "gemeinde") in warnings_in_status(world), f"the warning {kind}", ROUND)
        wait_value(world, 1, "demail_warning", kind=kind, subject="gemeinde")
        another_round(world)
        assert logged(world, "warning", kind) == 1
    assert 4 * 86400 < value(world, "demail_password_remaining_seconds", tenant="gemeinde") <= 5 * 86400

    set_account(world, 0, quota=10_000_000_000, password_expires="2099-01-01T00:00:00Z")
    wait_until(lambda: warnings_in_status(world) == [], "the warnings to end", ROUND)
    for kind in ("quota", "password"):
        wait_value(world, None, "demail_warning", kind=kind)
        assert logged(world, "warning", kind) == logged(world, "warning-over", kind) == 1


def test_certificate_and_table(own_world):
    world = own_world
    world.allow("event=warning", "event=certificate-expires", "event=table-stale")
    gateway = world.gateway
    good = (gateway.home / "token.pem").read_bytes()
    shutil.copy(world.pki.client("short", days=5, key="client")[0], gateway.home / "token.pem")
    (gateway.home / "senders").touch()
    gateway.poller.reload("event=reloaded")
    expected = [("client-certificate", "sandbox"), ("table", str(gateway.home / "senders"))]
    wait_until(lambda: warnings_in_status(world) == expected, "both warnings", ROUND)
    wait_value(world, 1, "demail_warning", kind="client-certificate", subject="sandbox")
    wait_value(world, 1, "demail_table_stale", table=str(gateway.home / "senders"))

    (gateway.home / "token.pem").write_bytes(good)
    gateway.write_table("senders", (gateway.home / "senders").read_text())
    gateway.poller.reload("event=reloaded")
    assert warnings_in_status(world) == []
    for kind in ("client-certificate", "table"):
        wait_until(lambda: logged(world, "warning-over", kind) == 1, f"the end of {kind}", ROUND)
        assert logged(world, "warning", kind) == 1


def test_file_for_the_node_exporter(world, tmp_path):
    file = tmp_path / "demail.prom"
    done = world.gateway.demailctl("-c", world.gateway.conf, "metrics", "--output", file)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert file.stat().st_mode & 0o777 == 0o644
    assert families(file.read_text())["demail_up"].type == "gauge"
    if shutil.which("promtool"):  # which reads it as the node exporter does, and 3 is but its taste
        checked = subprocess.run(["promtool", "check", "metrics"], stdin=file.open(), capture_output=True, text=True)
        assert checked.returncode in (0, 3), checked.stderr
    done = world.gateway.demailctl("-c", world.gateway.conf, "metrics", "--output", tmp_path / "nowhere" / "file")
    assert done.returncode == 73 and "nowhere/file" in done.stderr
    assert list(tmp_path.iterdir()) == [file]


def test_rights_of_the_unit_are_enough(world, tmp_path):
    """The folder is another's, and what is read the poller's."""
    unit = (MONITORING / "demail-metrics.service").read_text()
    rights = re.search(r"(?m)^CapabilityBoundingSet=(.+)$", unit)[1].lower().split()
    folder = tmp_path / "node-exporter"
    folder.mkdir()
    os.chown(folder, 65534, 65534)
    for given, code in ((rights, 0), (rights[1:], 73)):
        bounds = ",".join(["-all", *(f"+{right.removeprefix('cap_')}" for right in given)])
        done = run("setpriv", f"--bounding-set={bounds}", "--no-new-privs", program("demailctl"), "-c",
                   world.gateway.conf, "metrics", "--output", folder / "demail.prom")
        assert done.returncode == code, done
    assert "demail_up" in (folder / "demail.prom").read_text()


def names_in(text):
    return {re.sub(r"_(total|bucket|count|sum)$", "", name) for name in re.findall(r"\bdemail_[a-z_]+", text)}


def test_everything_is_named_everywhere(world):
    """Dashboard, alert rules and manual know the metrics that there are, and no others."""
    text = wait_until(lambda: "demail_sent_total" in text_of(world) and "demail_milter" in text_of(world)
                      and text_of(world), "the metrics of both daemons", ROUND)
    there = set(re.findall(r"^# TYPE (\S+)", text, re.M))
    assert there == set(families(text))
    page = (ROOT / "doc" / "demailctl.8").read_text().replace("\\&", "")
    manual = names_in(page.split(".Sh METRICS\n")[1].split("\n.Sh ")[0])
    dashboard = json.loads((MONITORING / "dashboard.json").read_text())
    queries = " ".join(target["expr"] for panel in dashboard["panels"] for target in panel["targets"])
    rules = " ".join(re.findall(r"^\s+expr: (.*)$", (MONITORING / "demail.rules.yml").read_text(), re.M))
    assert manual == there
    assert names_in(queries) == there
    assert names_in(rules) and names_in(rules) <= there


def test_an_alert_watches_the_age_of_the_file():
    """A timer that stopped leaves a file in which everything is well."""
    file = re.search(r"--output (\S+)", (MONITORING / "demail-metrics.service").read_text())[1]
    pattern = re.search(r'node_textfile_mtime_seconds\{file=~"(.*?)"\}', (MONITORING / "demail.rules.yml").read_text())[1]
    assert re.fullmatch(pattern, file)


def test_promtool_takes_the_rules():
    """Prometheus' own word, where Debian's package is installed."""
    rules = MONITORING / "demail.rules.yml"
    alerts = re.findall(r"- alert: (.*)", rules.read_text())
    assert len(set(alerts)) == len(alerts) > 0 and all(re.match(r"Demail[A-Z]\w+$", alert) for alert in alerts)
    if shutil.which("promtool"):
        subprocess.run(["promtool", "check", "rules", rules], check=True, capture_output=True)
