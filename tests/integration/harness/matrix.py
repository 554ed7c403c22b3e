"""The matrix: reads the table, sends its rows, and says which of them did not turn out as written.

Above the rows stand the names that they use. A row has seven columns:

  from     envelope sender, and From unless `fields` says otherwise; <> is the null sender
  login    of SMTP AUTH
  client   local, outside (of trusted_clients), werk, or sendmail for sendmail(1) -t
  to       envelope recipients, and To unless `fields` says otherwise; sendmail(1) finds them in the fields
  fields   separated by " & "; names in From, To, Cc and Bcc are replaced; "To:" alone leaves that field out
  subject  "Thema" if empty
  outcome  e-mail [to NAMES]                    as sent, without X-de-mail-*
           De-Mail as NAME OPTIONS [at PROVIDER] [to NAMES] [id WORD] [subject "TEXT"] [and e-mail to NAMES]
           CODE STATUS RULE                     the reply and the rule in the milter's log; nothing arrives anywhere
           bounce STATUS RULE                   the same for sendmail(1): the sender gets a bounce

Without NAMES every recipient of the envelope gets it. In `fields` and `subject`, \\n is a line end, \\t a tab and
\\xNN a byte. A line "[TITLE: KEY=VALUE ...]" begins a section; the keys are of the group [gateway]."""

import os
import re
import subprocess
from collections import Counter, namedtuple
from dataclasses import dataclass
from email import message_from_bytes
from email.header import decode_header
from email.utils import parseaddr
from pathlib import Path

from . import smtp
from .explain import explain
from .sandbox import field
from .tenants import WERK
from .wait import wait_until

CLIENTS = {"local": "127.0.0.1", "outside": smtp.OUTSIDE, "werk": WERK, "sendmail": "127.0.0.1"}
OPTION_FIELDS = {
    "private": "X-de-mail-private", "authoritative": "X-de-mail-authoritative",
    "dispatch": "X-de-mail-confirmation-of-dispatch", "receipt": "X-de-mail-confirmation-of-receipt",
    "retrieve": "X-de-mail-confirmation-of-retrieve",
}
VERDICTS = {"diverted": "demail", "ordinary": "ordinary", "cleaned": "ordinary", "rerouted": "ordinary",
            "refused": "refused", "tempfailed": "tempfailed", "passed-again": "again"}

Copy = namedtuple("Copy", "provider recipient raw")


@dataclass
class Row:
    line: int
    sender: str
    login: str
    client: str
    recipients: list
    fields: list  # of (name, value)
    subject: str
    outcome: str
    names: dict
    answers: smtp.Answers = None
    events: list = None  # of the milter, about this row

    @property
    def token(self):
        return f"row-{self.line}-x"

    @property
    def header(self):
        """The fields as sent, (name, value) each."""
        given = {name.lower() for name, _ in self.fields}
        first = [("From", self.sender or self.names["max"]), ("To", ", ".join(self.recipients)),
                 ("Subject", self.subject)]
        return [f for f in first if f[0].lower() not in given] + [f for f in self.fields if f[1]]

    @property
    def message(self):
        lines = [f"{name}: {value}\n" for name, value in self.header]
        return "".join([*lines, f"X-Row: {self.token}\n\n", "Guten Tag\n"]).encode("utf-8", "surrogateescape")

    @property
    def kind(self):
        return self.outcome.split()[0]


def read_table(path):
    """The sections of the table: title -> (settings, rows)."""
    names, sections, rows = {}, {}, None
    for number, line in enumerate(Path(path).read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        if line.startswith("["):
            title, _, words = line.strip("[]").partition(":")
            rows = []
            sections[title] = dict(word.split("=", 1) for word in words.split()), rows
        elif "|" in line:
            rows.append(_row(number, [cell.strip() for cell in line.split("|")], names))
        else:
            name, address = line.split()
            names[name] = address
    return sections


def _row(number, cells, names):
    sender, login, client, to, fields, subject, outcome = cells
    pairs = [pair.partition(":")[::2] for pair in fields.split(" & ") if pair]
    return Row(number, "" if sender == "<>" else names.get(sender, sender), login, client,
               [names.get(word, word) for word in to.split()],
               [(name, _value(name, value.removeprefix(" "), names)) for name, value in pairs],
               _bytes(subject) or "Thema", outcome, names)


def _bytes(text):
    """With its escapes; a byte that is no ASCII becomes a surrogate."""
    text = text.replace("\\n", "\n").replace("\\t", "\t")
    return re.sub(r"\\x([0-9a-f]{2})", lambda m: bytes.fromhex(m[1]).decode("utf-8", "surrogateescape"), text)


def _value(name, value, names):
    if name.lower() in ("from", "to", "cc", "bcc"):
        value = re.sub(r"(?<![\w@.+\"-])[a-z]+\*?(?![\w@.+\"*-])", lambda m: names.get(m[0], m[0]), value)
    return _bytes(value)


def run(world, rows):
    """Sends all rows; what is wrong, as lines."""
    wrong = {}
    for row in rows:
        _try(wrong, row, _send, world, row)
    world.mta.wait_empty()
    seen = _Seen(world)
    for row in rows:
        if row.line not in wrong:
            _try(wrong, row, _judge, seen, row)
            _try(wrong, row, _judge_explanation, world, row)
    return [f"line {line}: {text}" for line, text in wrong.items()]


def _try(wrong, row, step, *arguments):
    try:
        step(*arguments)
    except AssertionError as error:
        wrong[row.line] = f"{row.outcome}: {error}"


def _send(world, row):
    before = len(world.gateway.milter.lines())
    if row.client == "sendmail":
        _submit(world, row)
    else:
        login = (f"{row.login}@gemeinde.example", "wunderland") if row.login else None
        port = "submission" if login or row.client == "local" else "open"
        row.answers = smtp.send(world.mta.ports[port], row.sender, row.recipients, row.message,
                                client=CLIENTS[row.client], login=login)
        if not row.answers.data:
            raise AssertionError(f"refused without the milter: {row.answers}")
    row.events = wait_until(lambda: _events(world.gateway.milter.lines()[before:]), "the milter to decide")
    if row.kind == "bounce":
        # Before the next row, because Sendmail shows the bounce to the milter too.
        world.mailboxes.wait(row.sender, row.token.encode())


def _submit(world, row):
    """By sendmail(1); Sendmail's tells of a refusal by its exit status, Postfix's does not."""
    try:
        world.mta.sendmail(row.sender, ["-t"], row.message)
    except subprocess.CalledProcessError as error:
        _expect("outcome of sendmail(1)", (error.returncode, row.kind), (os.EX_UNAVAILABLE, "bounce"))


def _events(lines):
    """Those about messages, as dictionaries."""
    found = [{**dict(re.findall(r'(\w+)=("[^"]*"|\S+)', line))} for line in lines]
    return [event for event in found if event.get("event") in VERDICTS]


class _Seen:
    """All that has arrived anywhere."""

    def __init__(self, world):
        self.world = world
        self.copies = []
        for name, (provider, holders) in world.providers.items():
            for holder in holders:
                self.copies += [Copy(name, field(raw, "Envelope-to"), raw) for raw in provider.mails(holder)]

    def demails(self, row):
        return [copy for copy in self.copies if row.token.encode() in copy.raw]

    def emails(self, row):
        """Recipient and message of every e-mail, in mailboxes and on the Internet."""
        token = row.token.encode()
        found = [(recipient, taken.data) for taken in self.world.sink.messages(token) for recipient in taken.recipients]
        for box in sorted(self.world.mailboxes.folder.glob("*/*")):
            address = f"{box.name}@{box.parent.name}"
            found += [(address, mail.raw) for mail in self.world.mailboxes.mails(address, token)]
        return found


def _expect(what, got, wanted):
    if got != wanted:
        raise AssertionError(f"{what}: {got!r} instead of {wanted!r}")


def _judge(seen, row):
    kind = row.kind
    if kind == "De-Mail":
        _judge_demail(seen, row)
    elif kind == "e-mail":
        _judge_email(seen, row)
    else:
        _judge_refusal(seen, row)


def _judge_demail(seen, row):
    pattern = (r'De-Mail as (?P<sender>\S+) (?P<options>\S+)(?: at (?P<provider>\S+))?(?: to (?P<to>[^"]+?))?'
               r'(?: id (?P<id>\S+))?(?: subject "(?P<subject>.*)")?(?: and e-mail to (?P<others>.+))?')
    outcome = re.fullmatch(pattern, row.outcome).groupdict()
    _expect("event", row.events[0]["event"], "diverted")
    if row.answers:
        _expect("reply", row.answers.code, 250)
    copies = seen.demails(row)
    provider = outcome["provider"] or "sandbox"
    _expect("recipients", Counter((c.provider, c.recipient) for c in copies),
            Counter((provider, r) for r in _addresses(row, outcome["to"])))
    wanted = {name: "yes" if option in outcome["options"].split(",") else "no"
              for option, name in OPTION_FIELDS.items()}
    for copy in copies:
        _expect("X-de-mail-sender", field(copy.raw, "X-de-mail-sender"), row.names[outcome["sender"]])
        _expect("From", parseaddr(field(copy.raw, "From"))[1], row.names[outcome["sender"]])
        _expect("options", {name: field(copy.raw, name) for name in wanted}, wanted)
        _expect("subject", decoded(field(copy.raw, "Subject")), _bytes(outcome["subject"] or "Thema"))
        if outcome["id"]:
            _expect("private id", field(copy.raw, "X-de-mail-private-id"), outcome["id"])
    _expect("e-mails", sorted(r for r, _ in seen.emails(row)),
            sorted(_addresses(row, outcome["others"]) if outcome["others"] else []))
    for _, data in seen.emails(row):
        _expect("From of the e-mail", message_from_bytes(data)["From"], dict(row.header)["From"])


def _addresses(row, words):
    return [row.names.get(word, word) for word in words.split()] if words else row.recipients


def _judge_email(seen, row):
    _expect("verdict", VERDICTS[row.events[0]["event"]], "ordinary")
    if row.answers:
        _expect("reply", row.answers.code, 250)
    _expect("De-Mails", seen.demails(row), [])
    emails = seen.emails(row)
    _expect("e-mails", sorted(recipient for recipient, _ in emails),
            sorted(_addresses(row, row.outcome.partition(" to ")[2])))
    for _, data in emails:
        mail = message_from_bytes(data)
        _expect("From", mail["From"], dict(row.header)["From"])
        _expect("subject", decoded(str(mail["Subject"])), decoded(row.subject))
        _expect("reserved fields", [n for n in mail.keys() if re.match("x-de-?mail-", n, re.I)], [])


def _judge_refusal(seen, row):
    code, status, rule = row.outcome.split()
    event = row.events[0]
    _expect("event", (event["event"], event.get("status"), event.get("rule")),
            ("tempfailed" if code.startswith("4") else "refused", status, rule))
    _expect("De-Mails", seen.demails(row), [])
    if code == "bounce":
        bounces = [message_from_bytes(data) for recipient, data in seen.emails(row) if recipient == row.sender]
        _expect("e-mails", len(seen.emails(row)), len(bounces))
        _expect("bounces", [b.get_content_type() for b in bounces], ["multipart/report"])
        if status not in bounces[0].as_string():
            raise AssertionError(f"no {status} in the bounce")
    else:
        _expect("reply", (row.answers.code, row.answers.enhanced), (int(code), status))
        _expect("e-mails", [recipient for recipient, _ in seen.emails(row)], [])


def _judge_explanation(world, row):
    """demailctl explain says the same."""
    verdict = explain(world, row.header, row.sender, f"{row.login}@gemeinde.example" if row.login else None,
                      CLIENTS[row.client], row.recipients)
    event = row.events[0]
    _expect("verdict of explain", verdict["verdict"], VERDICTS[event["event"]])
    _expect("rule of explain", (verdict.get("rule"), verdict.get("status")), (event.get("rule"), event.get("status")))
    if row.answers and row.answers.code >= 400:
        _expect("text of explain", f"{verdict['code']} {verdict['status']} {verdict['text']}",
                f"{row.answers.code} {' '.join(row.answers.text.split())}")


def decoded(subject):
    """A Subject as a reader sees it; raw bytes are UTF-8, else ISO-8859-1."""
    words = []
    for text, charset in decode_header(re.sub(r"\r?\n([ \t])", r"\1", subject)):
        raw = text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")
        try:
            words.append(raw.decode(charset or "utf-8"))
        except UnicodeDecodeError:
            words.append(raw.decode("iso-8859-1"))
    return "".join(words)
