"""The signed list of providers, and the server that it is fetched from."""

import hashlib
import http.server
import ssl
import subprocess
import threading
from datetime import datetime, timedelta, timezone

_LIST = """\
<TrustServiceStatusList xmlns="http://uri.etsi.org/02231/v2#">
 <SchemeInformation>
  <TSLSequenceNumber>{sequence}</TSLSequenceNumber>
  <ListIssueDateTime>{issued}</ListIssueDateTime>
  <NextUpdate><dateTime>{next_update}</dateTime></NextUpdate>
 </SchemeInformation>
 <TrustServiceProviderList><TrustServiceProvider><TSPServices>
{services} </TSPServices></TrustServiceProvider></TrustServiceProviderList>
 <Signature xmlns="http://www.w3.org/2000/09/xmldsig#" Id="signature">
  <SignedInfo>
   <CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>
   <SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"/>
   <Reference URI="">
    <Transforms>
     <Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/>
     <Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>
    </Transforms>
    <DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/>
    <DigestValue/>
   </Reference>{reference}
  </SignedInfo>
  <SignatureValue/>
  <KeyInfo><X509Data/></KeyInfo>{object}
 </Signature>
</TrustServiceStatusList>
"""

_XADES_REFERENCE = """
   <Reference Type="http://uri.etsi.org/01903#SignedProperties" URI="#properties">
    <Transforms><Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/></Transforms>
    <DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/>
    <DigestValue/>
   </Reference>"""

_XADES_OBJECT = """
  <Object><xades:QualifyingProperties xmlns:xades="http://uri.etsi.org/01903/v1.3.2#" Target="#signature">
   <xades:SignedProperties Id="properties"><xades:SignedSignatureProperties>
    <xades:SigningTime>2026-01-01T00:00:00Z</xades:SigningTime>
   </xades:SignedSignatureProperties></xades:SignedProperties>
  </xades:QualifyingProperties></Object>"""

_SERVICE = """\
  <TSPService><ServiceInformation>
   <ServiceName><Name xml:lang="de">{name}</Name></ServiceName>
   <ServiceStatus>http://uri.etsi.org/TrstSvc/TrustedList/Svcstatus/{status}</ServiceStatus>
   <StatusStartingTime>2024-01-01T00:00:00Z</StatusStartingTime>
  </ServiceInformation></TSPService>
"""


def make_list(pki, signer, sequence, domains, valid=timedelta(days=90), xades=False):
    """A list signed by the key of that name, as bytes. `domains`: name -> status; `valid`: until when, from now;
    `xades`: signed as ETSI TS 102 231 annex B has it, with properties of the signature."""
    now = datetime.now(timezone.utc)
    text = _LIST.format(sequence=sequence, issued=now.strftime("%Y-%m-%dT%H:%M:%SZ"),
                        next_update=(now + valid).strftime("%Y-%m-%dT%H:%M:%SZ"),
                        reference=_XADES_REFERENCE if xades else "", object=_XADES_OBJECT if xades else "",
                        services="".join(_SERVICE.format(name=name, status=status) for name, status in domains.items()))
    source = pki.folder / "list.xml"
    source.write_text(text)
    keys = f"{pki.key(signer)},{pki.cert(signer)}"
    return subprocess.run(["xmlsec1", "--sign", "--privkey-pem", keys, source], check=True, capture_output=True).stdout


class ListServer:
    """HTTPS on `port`, with the server certificate of `pki`. Gives `content`, or 503 while that is None."""

    def __init__(self, pki, port):
        self.url = f"https://127.0.0.1:{port}/tsl.xml"
        self.content = None
        self.answers = []  # status codes
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pki.cert("server"), pki.key("server"))
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", port), self._handler())
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def _handler(self):
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                body = outer.content
                etag = f'"{hashlib.sha256(body or b"").hexdigest()}"'
                status = 503 if body is None else 304 if self.headers["If-None-Match"] == etag else 200
                outer.answers.append(status)
                self.send_response(status)
                self.send_header("ETag", etag)
                self.send_header("Content-Length", str(len(body) if status == 200 else 0))
                self.end_headers()
                if status == 200:
                    self.wfile.write(body)

            def log_message(self, format, *arguments):
                pass

        return Handler

    def stop(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
