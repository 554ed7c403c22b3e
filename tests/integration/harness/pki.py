"""Keys and certificates for a provider and its clients, made by openssl(1)."""

import subprocess
from pathlib import Path


class Pki:
    """A CA in `folder`, and what it signs. Files NAME.pem (certificate) and NAME.key (mode 0600)."""

    def __init__(self, folder, name="ca"):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.name = name
        self._key(name)
        self._openssl("req", "-x509", "-new", "-key", self.key(name), "-days", "365", "-subj", f"/CN=Trial {name}",
                      "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign",
                      "-out", self.cert(name))

    def cert(self, name):
        return self.folder / f"{name}.pem"

    def key(self, name):
        return self.folder / f"{name}.key"

    def server(self, name="server"):
        """A certificate for 127.0.0.1."""
        return self._issue(name, "extendedKeyUsage=serverAuth\nsubjectAltName=IP:127.0.0.1,DNS:localhost\n", days=365)

    def client(self, name="client", expired=False):
        """A client certificate; `expired`: it was good for one day, until yesterday."""
        return self._issue(name, "extendedKeyUsage=clientAuth\n", days=-1 if expired else 365)

    def signer(self, name):
        """A certificate for signing documents."""
        return self._issue(name, "keyUsage=critical,nonRepudiation\n", days=365)

    def _issue(self, name, extensions, days):
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
