"""provider-api.yaml against the provider that has the interface, and against the driver that uses it."""

import http.client
import json
import ssl
import threading
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from harness.openapi import Document, Exchange
from harness.pki import Pki
from harness.ports import free_port
from harness.process import stop_all
from harness.recorder import Recorder, exchanges
from harness.sandbox import Sandbox
from harness.wait import wait_until
from harness.world import account

AMT, ERIKA, SHUT = "amt@amt.de-mail.de", "erika@muster.de-mail.de", "zu@amt.de-mail.de"
MAX, GATEWAY = "max@gemeinde.example", "poststelle@gemeinde.de-mail.de"
ACCOUNTS = [{**account(AMT, "Amt", domains=["amt.de-mail.de"]), "recipients": 3}, account(ERIKA, "Erika Mustermann"),
            account(SHUT, "Geschlossen")]
DRAFT = f"From: {AMT}\r\nTo: {ERIKA}\r\nSubject: Probe\r\n\r\nHallo\r\n"


def document():
    return Document(Path(__file__).resolve().parents[2] / "doc" / "provider-api.yaml")


class Client:
    """Calls a provider as a gateway might, and notes what is not as the document declares."""

    def __init__(self, sandbox, api):
        self._sandbox, self._api = sandbox, api
        self.mistakes = []
        self.token = None

    def call(self, method, path, body=None, good=True, certificate=True, session=True, **headers):
        """`good`: the request is as it should be. `body`: bytes or JSON."""
        context = ssl.create_default_context(cafile=str(self._sandbox.pki.cert("ca")))
        if certificate:
            context.load_cert_chain(self._sandbox.pki.cert("client"), self._sandbox.pki.key("client"))
        sent = {name.replace("_", "-").lower(): value for name, value in headers.items()}
        if session and self.token:
            sent.setdefault("authorization", f"Bearer {self.token}")
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            sent["content-type"] = "application/json"
        port = urlsplit(self._sandbox.url).port
        connection = http.client.HTTPSConnection("127.0.0.1", port, context=context, timeout=60)
        try:
            connection.request(method, f"/v1{path}", body, sent)
            answer = connection.getresponse()
            said = Exchange(method, f"/v1{path}", sent, body, answer.status,
                            {name.lower(): value for name, value in answer.getheaders()}, answer.read())
        finally:
            connection.close()
        self.mistakes += self._api.check(said, good)
        return said

    def log_in(self, name=AMT, password="geheim"):
        said = self.call("POST", "/session", {"account": name, "password": password}, session=False)
        if said.status == 201:
            self.token = json.loads(said.answer)["token"]
        return said.status

    def submit(self, key, *recipients, good=True, **headers):
        envelope = json.dumps({"sender": AMT, "recipients": recipients, "private_id": "4711"})
        parts = [("envelope", "application/json", envelope), ("message", "message/rfc822", DRAFT)]
        body = "".join(f"--grenze\r\nContent-Disposition: form-data; name=\"{name}\"\r\nContent-Type: {kind}\r\n\r\n"
                       f"{content}\r\n" for name, kind, content in parts) + "--grenze--\r\n"
        return self.call("POST", "/messages", body.encode(), good, **{
            "Content_Type": "multipart/form-data; boundary=grenze",
            **({"Idempotency_Key": key} if key else {}), **headers})


@pytest.fixture
def provider(tmp_path):
    pki = Pki(tmp_path / "pki")
    pki.server()
    pki.client()
    sandbox = Sandbox(tmp_path / "sandbox", pki, ACCOUNTS, free_port())
    sandbox.start()
    yield sandbox
    wrong = stop_all([sandbox])
    assert not wrong, wrong


def make_all_calls(client, sandbox):
    """Each operation as it goes well."""
    assert client.log_in() == 201
    sandbox.fault("deny", address="voll@amt.de-mail.de", code="mailbox-full", retryable=True)
    answer = json.loads(client.submit("eins", ERIKA, "niemand@muster.de-mail.de", "voll@amt.de-mail.de").answer)
    assert [result["status"] for result in answer["recipients"]] == ["accepted", "refused", "deferred"]
    assert client.call("GET", "/account").status == 200
    assert client.call("GET", "/messages?key=eins").status == 200
    for address in (AMT, "kasse@amt.de-mail.de"):
        sandbox.send(ERIKA, [address], "Antrag", "Guten Tag\n")
    page = json.loads(client.call("GET", "/messages?folder=inbox&state=new&limit=1&wait=0").answer)
    assert client.call("GET", f"/messages?limit=1&cursor={page['cursor']}").status == 200
    assert client.call("GET", "/messages?folder=sent&state=all").status == 200
    at = f"/messages/{page['messages'][0]['id']}"
    assert client.call("GET", at).status == 200
    assert client.call("GET", f"{at}/raw").status == 200
    assert client.call("GET", f"{at}/raw", Range="bytes=2-9").status == 206
    assert client.call("GET", f"{at}/raw", Range="bytes=999999999-").status == 416
    assert [client.call("POST", f"{at}/ack").status for _ in range(2)] == [204, 204]
    assert client.call("GET", at).status == 200
    assert client.call("GET", f"/directory?address={ERIKA}").status == 200


def make_all_mistakes(client, sandbox):
    """What the provider finds wrong with a call by itself."""
    assert client.call("POST", "/session", b"kein JSON", False, session=False).status == 400
    assert [client.log_in(SHUT, "falsch") for _ in range(4)] == [401, 401, 401, 403]
    assert client.submit("", ERIKA, good=False).status == 400
    assert client.submit("zwei", *[f"a{i}@amt.de-mail.de" for i in range(4)]).status == 413
    assert client.call("POST", "/messages", {}, False, Idempotency_Key="drei").status == 415
    assert client.call("GET", "/messages?folder=trash", good=False).status == 400
    assert client.call("GET", "/messages?key=nie").status == 404
    for method, path in (("GET", ""), ("GET", "/raw"), ("POST", "/ack")):
        assert client.call(method, f"/messages/nichts{path}").status == 404
    assert client.call("GET", "/directory", good=False).status == 400
    assert client.call("GET", "/directory?address=niemand@muster.de-mail.de").status == 404


def submit_at_once(client, sandbox):
    """The same key twice at the same time."""
    sandbox.fault("delay", seconds=2)
    first = threading.Thread(target=client.submit, args=("gleich", ERIKA))
    first.start()
    wait_until(lambda: b"in-progress" in client.call("GET", "/messages?key=gleich").answer, "the first to be running")
    assert client.submit("gleich", ERIKA).status == 409
    first.join()


def ordered_problem(sandbox, status, code, retryable=False, **call):
    problem = {"type": f"urn:demail:problem:{code}", "status": status, "detail": "bestellt", "retryable": retryable}
    sandbox.fault("answer", status=status, headers={"Content-Type": "application/problem+json"},
                  body=json.dumps(problem), **call)


def order_answers_of_others(client, sandbox):
    """What the sandbox never says by itself, and another provider may."""
    ordered_problem(sandbox, 422, "service-ended", method="POST", path="/v1/messages")
    assert client.submit("fuenf", ERIKA).status == 422
    for status in (410, 501):
        ordered_problem(sandbox, status, "key-forgotten", query="key")
        assert client.call("GET", "/messages?key=eins").status == status


def refuse_every_call(client, sandbox, api):
    """What any call may get: no certificate, no session, a pause, a failure."""
    for path, method, operation in api.operations():
        def call(client=client, path=path, method=method, operation=operation, **how):
            if operation["operationId"] == "submit":
                return client.submit("sechs", ERIKA, **how)
            query = {"directory": f"?address={ERIKA}"}.get(operation["operationId"], "")
            body = {"account": AMT, "password": "geheim"} if operation["operationId"] == "login" else None
            return client.call(method.upper(), path.replace("{id}", "1") + query, body, session=body is None, **how)
        assert call(certificate=False).status == 403
        if "security" not in operation:
            assert call(Authorization="Bearer gestern").status == 401
        for status in (429, 500, 503):
            sandbox.fault("status", method=method.upper(), path="/v1/", status=status,
                          retry_after=0 if status == 500 else 7)
            assert call().status == status


def test_the_sandbox_does_what_the_document_declares(provider):
    api = document()
    client = Client(provider, api)
    make_all_calls(client, provider)
    make_all_mistakes(client, provider)
    submit_at_once(client, provider)
    order_answers_of_others(client, provider)
    refuse_every_call(client, provider, api)
    assert client.call("DELETE", "/session").status == 204
    assert client.mistakes == []
    assert api.declared() - api.seen == set(), "declared, but never seen"


def test_other_paths_and_methods(provider):
    client = Client(provider, document())
    for method, path, status, code in (("GET", "/mails", 404, "not-found"),
                                       ("PUT", "/account", 405, "method-not-allowed")):
        said = client.call(method, path, good=False)
        assert said.status == status and json.loads(said.answer)["type"] == f"urn:demail:problem:{code}"
    assert len(client.mistakes) == 2, "the document has them"


def record(world):
    """Lets the poller reach its provider through a recorder."""
    recorder = Recorder(world.pki, world.sandbox.port)
    world.gateway.config["provider sandbox"].update(url=recorder.url, poll_interval="1s")
    world.gateway.write_config()
    world.gateway.poller.reload("event=reloaded")
    return recorder


@pytest.mark.only("postfix", "the driver is the same behind every MTA")
def test_the_driver_asks_for_what_the_document_declares(own_world, token):
    own_world.allow("event=submission-failed")
    recorder = record(own_world)
    assert own_world.send(MAX, ERIKA, f"[P, EB] {token}").code == 250
    own_world.sandbox.wait(ERIKA, token.encode())
    own_world.mta.wait_empty()
    own_world.sandbox.send(ERIKA, ["max@gemeinde.de-mail.de"], token, "Guten Tag\n")
    wait_until(lambda: all(entry["state"] == "retrieved" for entry in own_world.sandbox.entries(GATEWAY)),
               "the gateway to have taken over everything")
    own_world.sandbox.fault("deny", address=ERIKA, code="mailbox-full", retryable=True)
    own_world.sandbox.fault("lose-answer")
    own_world.sandbox.fault("expire-sessions")
    assert own_world.send(MAX, ERIKA, f"{token} noch einmal").code == 250
    own_world.mta.wait_empty(timeout=90)
    assert own_world.gateway.poller.stop() == 0
    recorder.stop()

    api = document()
    said = recorder.exchanges()
    assert [line for exchange in said for line in api.check(exchange)] == []
    assert {operation for operation, _ in api.seen} == {"login", "logout", "account", "submit", "messages", "raw",
                                                        "ack"}
    assert any(exchange.status == 401 for exchange in said), "no session expired"
    assert any("key=" in exchange.target for exchange in said), "nobody asked for a key"
    assert any(exchange.method == "POST" and exchange.target == "/v1/messages" and exchange.body for exchange in said)


@pytest.mark.only("postfix", "the driver is the same behind every MTA")
def test_a_small_message_has_a_length_and_a_large_one_comes_as_it_arrives(own_world, token):
    recorder = record(own_world)
    for name, octets in (("small", 20_000), ("large", 400_000)):
        assert own_world.send(MAX, ERIKA, f"{token} {name}", body="Guten Tag.\n" * (octets // 11)).code == 250
    for name in ("small", "large"):
        own_world.sandbox.wait(ERIKA, f"{token} {name}".encode())
    own_world.mta.wait_empty()
    assert own_world.gateway.poller.stop() == 0
    recorder.stop()

    sent = {len(said.body) > 100_000: said.headers for said in recorder.exchanges()
            if said.target == "/v1/messages" and said.method == "POST"}
    assert "content-length" in sent[False] and "transfer-encoding" not in sent[False], sent
    assert sent[True].get("transfer-encoding") == "chunked", sent


def exchange(method="GET", target="/v1/account", status=200, answer=b"", body=b"", headers=None, **answer_headers):
    return Exchange(method, target, {"authorization": "Bearer x", **(headers or {})}, body, status,
                    {"content-type": "application/json", **answer_headers}, answer)


SESSION = {"token": "t", "auth_level": "high", "expires_in": 60}


@pytest.mark.parametrize("said, word", [
    (exchange(target="/v1/mails"), "no such operation"),
    (exchange(status=418), "undeclared status"),
    (exchange(answer=b"{}"), "'quota' is a required property"),
    (exchange(target="/v1/messages?ordner=inbox", answer=b'{"messages": [], "cursor": null}'), "undeclared parameter"),
    (exchange(target="/v1/messages?limit=0", answer=b'{"messages": [], "cursor": null}'), "less than the minimum"),
    (exchange(target="/v1/messages", answer=b'{"messages": [], "cursor": null, "rest": 1}'), "not valid under any"),
    (exchange("POST", "/v1/session", 201, json.dumps(SESSION).encode(), b'{"account": "a", "password": "b", "pin": 1}',
              {"content-type": "application/json"}), "'pin' was unexpected"),
    (exchange("POST", "/v1/session", 201, json.dumps({**SESSION, "auth_level": "low"}).encode()), "'low' is not one"),
    (exchange("DELETE", "/v1/session", 204, b"x"), "a body where none is declared"),
    (exchange("DELETE", "/v1/session", 204, x_powered_by="us"), "undeclared header"),
    (exchange("GET", "/v1/messages/1/raw", 200, b"x", **{"content-type": "message/rfc822"}), "repr-digest is missing"),
    (exchange("GET", "/v1/account", 500, json.dumps({"type": "urn:demail:problem:oops", "status": 500, "detail": "",
                                                     "retryable": True}).encode(),
              **{"content-type": "application/problem+json"}), "'urn:demail:problem:oops' is not one of"),
])
def test_what_is_not_declared_is_found(said, word):
    assert any(word in line for line in document().check(said)), document().check(said)


def test_reading_of_a_connection():
    """Chunks, an answer before the body, and one that breaks off."""
    asked = (b"POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n"
             b"POST /b HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi"
             b"POST /c HTTP/1.1\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n"
             b"GET /d HTTP/1.1\r\n\r\n")
    answered = (b"HTTP/1.1 204 No\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"
                b"HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Len")
    found = [(e.target, e.body, e.status, e.answer) for e in exchanges(asked, answered)]
    assert found[:3] == [("/a", b"abcde", 204, b""), ("/b", b"hi", 200, b"x"), ("/c", None, 401, b"")]
