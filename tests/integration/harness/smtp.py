"""What a mail client types, and what the server answers."""

import smtplib
from dataclasses import dataclass, field


# A client that no trusted_clients and no mynetworks names.
OUTSIDE = "127.0.0.9"


@dataclass
class Answers:
    """The replies of one transaction: (code, text) each; None for what was not sent."""
    mail: tuple = None
    rcpt: dict = field(default_factory=dict)
    data: tuple = None

    @property
    def code(self):
        """Of the message as a whole: at the end of data, or of the command that ended it before."""
        return self.verdict[0]

    @property
    def text(self):
        return self.verdict[1]

    @property
    def verdict(self):
        if self.data:
            return self.data
        refused = [reply for reply in self.rcpt.values() if reply[0] >= 400]
        return refused[0] if refused else self.mail

    @property
    def enhanced(self):
        """The enhanced status code, e.g. "5.7.1"."""
        return self.text.split()[0]


def send(port, sender, recipients, message, client="127.0.0.1", login=None, utf8=False):
    """One message in one session. `message`: bytes, any line ends. Recipients go out as given, unquoted. `utf8`:
    addresses as UTF-8, announced where the server offers that. `client`: the
    loopback address to connect from. `login`: a user and a password for AUTH."""
    with connect(port, client) as session:
        if login:
            session.login(*login)
        if utf8:
            session.command_encoding = "utf-8"
        return transact(session, sender, recipients, message,
                        " SMTPUTF8 BODY=8BITMIME" if utf8 and session.has_extn("smtputf8") else "")


def connect(port, client="127.0.0.1"):
    """A session that has said EHLO."""
    session = smtplib.SMTP("127.0.0.1", port, timeout=120, local_hostname="client.gemeinde.example",
                           source_address=(client, 0))
    session.ehlo()
    return session


def transact(session, sender, recipients, message, parameters=""):
    """One message in a session that is there."""
    answers = Answers()
    answers.mail = _reply(session.docmd("MAIL", f"FROM:<{sender}>{parameters}"))
    if answers.mail[0] >= 400:
        return answers
    for recipient in recipients:
        answers.rcpt[recipient] = _reply(session.docmd("RCPT", f"TO:<{recipient}>"))
    if any(reply[0] < 400 for reply in answers.rcpt.values()):
        try:
            answers.data = _reply(session.data(crlf(message)))
        except smtplib.SMTPDataError as error:
            answers.data = _reply((error.smtp_code, error.smtp_error))
    return answers


def crlf(message):
    """With the line ends of SMTP."""
    return message.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def message(sender, to, subject="Test", body="Guten Tag\n", **fields):
    """A small message; `fields` with _ for -: X_de_mail_sender="…"."""
    head = {"From": sender, "To": to if isinstance(to, str) else ", ".join(to), "Subject": subject}
    head.update({name.replace("_", "-"): value for name, value in fields.items()})
    lines = [f"{name}: {value}\n" for name, value in head.items() if value is not None]
    return ("".join(lines) + "\n" + body).encode()


def _reply(reply):
    code, text = reply
    return code, text.decode("utf-8", "replace") if isinstance(text, bytes) else text
