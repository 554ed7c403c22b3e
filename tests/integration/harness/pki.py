"""Keys and certificates for a provider and its clients, made by openssl(1)."""

import datetime
import shutil
import subprocess
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization


class Pki:
    """A CA in `folder`, and what it signs. Files NAME.pem (certificate) and NAME.key (mode 0600)."""

    def __init__(self, folder, name="ca"):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.name = name
        self._key(name)
        self._openssl("req", "-x509", "-new", "-key", self.key(name), "-days", "365", "-subj", f"/CN=Trial {name}",
                      "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign",
                      "-out", self.cert(name))

    def cert(self, name):
        return self.folder / f"{name}.pem"

    def key(self, name):
        return self.folder / f"{name}.key"

    def server(self, name="server", names="IP:127.0.0.1,DNS:localhost", expired=False):
        """A server's certificate for these names; `expired`: it was good for one day, until yesterday."""
        return self._issue(name, f"extendedKeyUsage=serverAuth\nsubjectAltName={names}\n", days=-1 if expired else 365)

    def client(self, name="client", expired=False, days=365, key=None):
        """A client certificate; `expired`: it was good for one day, until yesterday; `key`: the name of the one whose
        key it shares."""
        return self._issue(name, "extendedKeyUsage=clientAuth\n", days=-1 if expired else days, key=key)

    def crl(self, *names):
        """The path of a list that revokes these certificates."""
        now = datetime.datetime.now(datetime.timezone.utc)
        issuer = x509.load_pem_x509_certificate(self.cert(self.name).read_bytes())
        crl = x509.CertificateRevocationListBuilder().issuer_name(issuer.subject)
        crl = crl.last_update(now - datetime.timedelta(days=1)).next_update(now + datetime.timedelta(days=30))
        for name in names:
            serial = x509.load_pem_x509_certificate(self.cert(name).read_bytes()).serial_number
            crl = crl.add_revoked_certificate(x509.RevokedCertificateBuilder().serial_number(serial)
                                              .revocation_date(now - datetime.timedelta(hours=1)).build())
        key = serialization.load_pem_private_key(self.key(self.name).read_bytes(), None)
        path = self.folder / f"{'-'.join(names)}.crl.pem"
        path.write_bytes(crl.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
        return path

    def signer(self, name):
        """A certificate for signing documents."""
        return self._issue(name, "keyUsage=critical,nonRepudiation\n", days=365)

    def _issue(self, name, extensions, days, key=None):
        if key:
            shutil.copy(self.key(key), self.key(name))
        else:
            self._key(name)
        request = self.folder / f"{name}.csr"
        extfile = self.folder / f"{name}.ext"
        extfile.write_text("basicConstraints=critical,CA:FALSE\n" + extensions)
        self._openssl("req", "-new", "-key", self.key(name), "-subj", f"/CN={name}", "-out", request)
        self._openssl("x509", "-req", "-in", request, "-CA", self.cert(self.name), "-CAkey", self.key(self.name),
                      "-CAcreateserial", "-days", str(days), "-extfile", extfile, "-out", self.cert(name))
        return self.cert(name), self.key(name)

    def _key(self, name):
        self._openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", self.key(name))
        self.key(name).chmod(0o600)

    @staticmethod
    def _openssl(*args):
        subprocess.run(["openssl", *map(str, args)], check=True, capture_output=True)
