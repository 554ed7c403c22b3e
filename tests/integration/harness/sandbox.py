"""demail-sandbox: the provider, and the other side's accounts."""

import base64
import http.client
import json
import re
import ssl
from pathlib import Path
from urllib.parse import urlencode

from .process import Daemon, program
from .wait import wait_until


class Sandbox(Daemon):
    """`accounts`, `other_providers`: as in the accounts file. Needs a Pki with server and client certificates."""

    def __init__(self, home, pki, accounts, port, build=None, other_providers=()):
        self.home = Path(home)
        self.port = port
        self.pki = pki
        accounts_file = self.home / "accounts.json"
        self.home.mkdir(parents=True, exist_ok=True)
        (self.home / "state").mkdir(exist_ok=True)
        accounts_file.write_text(json.dumps({"accounts": accounts,
                                             "other_providers": list(other_providers)}, indent=1))
        super().__init__("demail-sandbox", [
            program("demail-sandbox", build), "--listen", f"127.0.0.1:{port}", "--state", self.home / "state",
            "--accounts", accounts_file, "--cert", pki.cert("server"), "--key", pki.key("server"),
            "--client-ca", pki.cert("ca"), "-f"], self.home / "sandbox.log")

    @property
    def seal_ca(self):
        """The CA of the provider's seal, and its revocation list: there once it has started."""
        return self.home / "state" / "seal-ca.pem"

    @property
    def seal_crl(self):
        return self.home / "state" / "seal.crl.pem"

    @property
    def url(self):
        return f"https://127.0.0.1:{self.port}"

    def start(self, ready=None):
        before = len(self.lines())
        super().start(ready or (lambda: any("listening on" in line for line in self.lines()[before:])))

    def _call(self, method, path, body=None, **query):
        return self._request(method, f"/sandbox/{path}" + ("?" + urlencode(query) if query else ""), body)

    def _request(self, method, target, body=None):
        context = ssl.create_default_context(cafile=str(self.pki.cert("ca")))
        context.load_cert_chain(self.pki.cert("client"), self.pki.key("client"))
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, context=context, timeout=60)
        try:
            payload = None if body is None else json.dumps(body)
            connection.request(method, target, payload, {"Content-Type": "application/json"} if payload else {})
            answer = connection.getresponse()
            data = answer.read()
        finally:
            connection.close()
        if answer.status >= 300:
            raise AssertionError(f"sandbox: {method} {target}: {answer.status} {data[:500]!r}")
        return data

    def send(self, sender, to, subject, text, bcc=(), private_id="", **options):
        """A citizen sends a De-Mail. `options`: private=True …"""
        answer = json.loads(self._call("POST", "send", {"from": sender, "to": to, "bcc": list(bcc), "subject": subject,
                                                        "text": text, "private_id": private_id, "options": options}))
        refused = [result for result in answer["recipients"] if result["status"] != "accepted"]
        if refused:
            raise AssertionError(f"the provider refused what {sender} sent: {refused}")

    def send_draft(self, sender, to, draft):
        """A citizen sends a message of his own making to one address; "accepted", or why not."""
        answer = json.loads(self._call("POST", "send", {"from": sender, "to": [to],
                                                        "message": base64.b64encode(draft).decode()}))
        result = answer["recipients"][0]
        return result["status"] if result["status"] == "accepted" else f"{result['code']}: {result['detail']}"

    def entries(self, address, folder="inbox"):
        answer = json.loads(self._call("GET", "mailbox", address=address, folder=folder))
        return answer["messages"] if isinstance(answer, dict) else answer

    def raw(self, entry):
        return self._call("GET", f"raw/{entry['id']}")

    def draft(self, entry):
        """The draft that the De-Mail was made of, as it was submitted."""
        return self._call("GET", f"draft/{entry['id']}")

    def mails(self, address, containing=b"", folder="inbox"):
        """The De-Mails in a mailbox, as bytes."""
        return [raw for raw in map(self.raw, self.entries(address, folder)) if containing in raw]

    def wait(self, address, containing, timeout=30.0):
        return wait_until(lambda: self.mails(address, containing),
                          f"a De-Mail to {address} with {containing!r}", timeout)[0]

    def wait_draft(self, address, containing, timeout=30.0):
        """The draft of the De-Mail that wait() would find."""
        return wait_until(lambda: [self.draft(entry) for entry in self.entries(address)
                                   if containing in self.raw(entry)],
                          f"a De-Mail to {address} with {containing!r}", timeout)[0]

    def log_in(self, address, level="high"):
        """Its owner logs in, at the provider's web site."""
        self._call("POST", "login", {"address": address, "auth_level": level})

    def seal(self, algorithm):
        """What new De-Mails are sealed with, as in a=: sha384/ec-dsa …"""
        self._call("POST", "seal", {"algorithm": algorithm})

    def identify(self, address, recipient):
        """The owner of the address has his identity confirmed to the recipient."""
        self._call("POST", "identify", {"address": address, "recipient": recipient})

    def session(self, account, password="geheim"):
        """Logs in as a program does; the session's token."""
        return json.loads(self._request("POST", "/v1/session", {"account": account, "password": password}))["token"]

    def fault(self, kind, **details):
        self._call("POST", "fault", {"kind": kind, **details})

    def clear_faults(self):
        self._call("DELETE", "fault")

    def stats(self):
        return json.loads(self._call("GET", "stats"))

    def submissions(self, address):
        """How often something was accepted for the address."""
        return self.stats()["submissions"].get(address, 0)

    def repeated(self):
        """How often a recipient was submitted again although its result was final: in all, in every life."""
        return self.stats()["repeated"]


def field(raw, name):
    """The unfolded value of a header field, None if there is none; AssertionError if there are several."""
    head = raw.partition(b"\r\n\r\n")[0].decode("utf-8", "replace") + "\r\n"
    found = re.findall(rf"(?ims)^{re.escape(name)}:[ \t]*(.*?)\r\n(?![ \t])", head)
    if len(found) > 1:
        raise AssertionError(f"{name} stands {len(found)} times in the header")
    return re.sub(r"\r\n[ \t]+", " ", found[0]) if found else None


def body(raw):
    return raw.partition(b"\r\n\r\n")[2]
