"""Keys, certificates and revocation lists of the set. Keys are new in every run; names, numbers and times are fixed."""

import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

QC_STATEMENTS = ObjectIdentifier("1.3.6.1.5.5.7.1.3")
QC_COMPLIANCE = bytes.fromhex("300806060400 8e4601 01".replace(" ", ""))
QC_TYPE = bytes.fromhex("3013 0606 0400 8e46 0106 3009 0607 0400 8e46 0106 02".replace(" ", ""))
USAGES = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
          "key_cert_sign", "crl_sign", "encipher_only", "decipher_only")
RSA_OID = bytes.fromhex("300d06092a864886f70d0101010500")
PSS_OID = bytes.fromhex("300b06092a864886f70d01010a")
PSS_SHA512 = bytes.fromhex(  # RSASSA-PSS-params: SHA-512, MGF1 with SHA-512, salt of 64 octets
    "304106092a864886f70d01010a3034a00f300d06096086480165030402030500"
    "a11c301a06092a864886f70d010108300d06096086480165030402030500a203020140")


def day(text):
    return datetime.datetime.fromisoformat(text)


def der(tag, content):
    length = len(content)
    if length < 0x80:
        return bytes([tag, length]) + content
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(octets)]) + octets + content


def content(octets):
    """What is inside the outermost DER element."""
    return octets[2:] if octets[1] < 0x80 else octets[2 + (octets[1] & 0x7F):]


class Credential:
    """A key, and the certificate (DER) that goes with it."""
    def __init__(self, key, certificate):
        self.key = key
        self.certificate = certificate


def name(common, organisation="DMDA Alpha GmbH (TEST)"):
    return x509.Name([
        x509.NameAttribute(NameOID.COUNTRY_NAME, "DE"),
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation),
        x509.NameAttribute(NameOID.COMMON_NAME, common)
    ])


def usage(names):
    return x509.KeyUsage(**{flag: flag in names for flag in USAGES})


class Authority:
    def __init__(self, common, key, issuer=None, serial=1):
        self.name = name(common, "Vertrauensdiensteanbieter (TEST)")
        self.key = key
        signer = issuer or self
        self.certificate = (x509.CertificateBuilder().subject_name(self.name).issuer_name(signer.name).public_key(
            key.public_key()).serial_number(serial).not_valid_before(day("2020-01-01")).not_valid_after(
                day("2040-01-01")).add_extension(x509.BasicConstraints(True, None), critical=True).add_extension(
                    usage(("key_cert_sign", "crl_sign")), critical=True).add_extension(
                        x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False).add_extension(
                            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.key.public_key()),
                            critical=False).sign(signer.key, hashes.SHA256()))

    def issue(self, serial, key, common="Alpha De-Mail Siegel", begins="2020-01-01", ends="2040-01-01",
              usages=("content_commitment", ), qualified=QC_COMPLIANCE + QC_TYPE, spki=None, spoil=False, more=(),
              subject=None):
        """A seal certificate. `usages` None: no such extension; `qualified` None: no QcStatements; `spki` replaces the
        algorithm of an RSA key; `spoil` changes the signature."""
        builder = (x509.CertificateBuilder().subject_name(subject or name(common)).issuer_name(
            self.name).public_key(key.public_key()).serial_number(serial).not_valid_before(day(begins)).not_valid_after(
                day(ends)).add_extension(x509.BasicConstraints(False, None), critical=True).add_extension(
                    x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False).add_extension(
                        x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False))
        if usages is not None:
            builder = builder.add_extension(usage(usages), critical=True)
        if qualified is not None:
            builder = builder.add_extension(x509.UnrecognizedExtension(QC_STATEMENTS, der(0x30, qualified)), False)
        for extension, critical in more:
            builder = builder.add_extension(extension, critical)
        certificate = builder.sign(self.key, hashes.SHA256())
        octets = certificate.public_bytes(Encoding.DER)
        if spki:
            octets = self._respelled(certificate, spki)
        if spoil:
            octets = octets[:-1] + bytes([octets[-1] ^ 1])
        return Credential(key, octets)

    def _respelled(self, certificate, algorithm):
        """The certificate with another algorithm at its RSA key, signed anew."""
        old = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        new = der(0x30, algorithm + content(old).removeprefix(RSA_OID))
        body = der(0x30, content(certificate.tbs_certificate_bytes).replace(old, new))
        signed = self.key.sign(body, *signing(self.key))
        octets = certificate.public_bytes(Encoding.DER)
        trailer = content(octets)[len(certificate.tbs_certificate_bytes):]
        identifier = trailer[:2 + trailer[1]]
        return der(0x30, body + identifier + der(0x03, b"\0" + signed))

    def revocation_list(self, revoked=(), ends="2040-01-01", key=None):
        builder = (x509.CertificateRevocationListBuilder().issuer_name(self.name).last_update(
            day("2026-01-01")).next_update(day(ends)))
        for serial in revoked:
            builder = builder.add_revoked_certificate(
                x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(day("2025-12-01")).build())
        return builder.sign(key or self.key, hashes.SHA256())


def signing(key):
    if isinstance(key, rsa.RSAPrivateKey):
        return padding.PKCS1v15(), hashes.SHA256()
    return (ec.ECDSA(hashes.SHA256()), )


class Pki:
    """Everything that messages of the set are sealed with. Attributes are Credentials."""
    def __init__(self):
        k = self.rsa_key = rsa.generate_private_key(65537, 3072)
        e = self.ec_key = ec.generate_private_key(ec.SECP256R1())
        root = self.root = Authority("TEST QTSP Root CA", ec.generate_private_key(ec.SECP384R1()))
        # A trust anchor that is no root: its issuer is given to nobody.
        above = Authority("TEST CA above", ec.generate_private_key(ec.SECP256R1()), serial=2)
        self.issuing = Authority("TEST Issuing CA", ec.generate_private_key(ec.SECP256R1()), above, serial=3)
        # An anchor whose revocation list has run out, and one whose list is by somebody else.
        self.stale = Authority("TEST CA stale list", ec.generate_private_key(ec.SECP256R1()), serial=4)
        self.forged = Authority("TEST CA forged list", ec.generate_private_key(ec.SECP256R1()), serial=5)
        foreign = Authority("TEST QTSP Root CA", ec.generate_private_key(ec.SECP384R1()))
        below = Authority("TEST Sub CA", ec.generate_private_key(ec.SECP256R1()), root, serial=6)
        notbelow = Authority("TEST Other CA", ec.generate_private_key(ec.SECP256R1()), above, serial=7)

        self.rsa = root.issue(0x1001, k, "Alpha De-Mail Siegel RSA")
        self.ec = root.issue(0x1002, e, "Alpha De-Mail Siegel EC")
        self.ec384 = root.issue(0x1003, ec.generate_private_key(ec.SECP384R1()), "Alpha De-Mail Siegel EC 384")
        self.ec521 = root.issue(0x1004, ec.generate_private_key(ec.SECP521R1()), "Alpha De-Mail Siegel EC 521")
        self.brainpool = root.issue(0x1005, ec.generate_private_key(ec.BrainpoolP256R1()), "Alpha Siegel Brainpool")
        self.pss = root.issue(0x1006, k, "Alpha De-Mail Siegel PSS", spki=PSS_OID)
        self.pss512 = root.issue(0x1007, k, "Alpha De-Mail Siegel PSS-512", spki=PSS_SHA512)
        self.rsa2048 = root.issue(0x1008, rsa.generate_private_key(65537, 2048), "Alpha De-Mail Siegel 2048")
        self.rsa1024 = root.issue(0x1009, rsa.generate_private_key(65537, 1024), "Alpha De-Mail Siegel 1024")
        self.beta = root.issue(0x2002, ec.generate_private_key(ec.SECP256R1()), "Beta De-Mail Siegel EC")

        self.expired = root.issue(0x3001, e, ends="2026-02-20")
        self.future = root.issue(0x3002, e, begins="2026-04-01")
        self.late = root.issue(0x3003, e, begins="2026-02-20")  # after Date, before the time of judging
        self.revoked = root.issue(0x3004, e)
        self.expired_revoked = root.issue(0x3005, e, ends="2026-02-20")
        self.untrusted = foreign.issue(0x1002, e, "Alpha De-Mail Siegel EC")
        self.sub = below.issue(0x3006, e)
        self.elsewhere = notbelow.issue(0x3007, e)
        alone = Authority("TEST self-signed", e)
        self.alone = alone.issue(0x3008, e, subject=alone.name)
        self.anchored = self.issuing.issue(0x3009, e)
        self.unlisted = self.stale.issue(0x300A, e)
        self.forged_list = self.forged.issue(0x300B, e)
        self.spoiled = root.issue(0x300C, e, spoil=True)

        self.signing_only = root.issue(0x3011, e, usages=("digital_signature", ))
        self.both_usages = root.issue(0x3012, e, usages=("digital_signature", "content_commitment"))
        self.encipherment = root.issue(0x3013, k, usages=("key_encipherment", ))
        self.agreement = root.issue(0x3014, e, usages=("key_agreement", ))
        self.ca_usage = root.issue(0x3015, e, usages=("key_cert_sign", "crl_sign"))
        self.no_usage = root.issue(0x3016, e, usages=None)
        self.server = root.issue(0x3017, e, usages=("digital_signature", ),
                                 more=[(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False)])
        self.unqualified = root.issue(0x3018, e, qualified=None)
        self.not_compliant = root.issue(0x3019, e, qualified=QC_TYPE)
        self.critical = root.issue(
            0x301A, e, more=[(x509.UnrecognizedExtension(ObjectIdentifier("1.3.6.1.4.1.99999.1"), b"\5\0"), True)])
        self.expired_usage = root.issue(0x301B, e, ends="2026-02-20", usages=("key_agreement", ))
        self.stranger = Credential(ec.generate_private_key(ec.SECP256R1()), self.ec.certificate)

    def write(self, folder):
        """The anchors and lists as files below `folder`; what the manifest says of them."""
        folder = folder / "pki"
        folder.mkdir(exist_ok=True)
        anchors = {"root": self.root, "issuing": self.issuing, "stale": self.stale, "forged": self.forged}
        lists = {
            "root": self.root.revocation_list((0x3004, 0x3005)),
            "stale": self.stale.revocation_list(ends="2026-02-01"),
            "forged": self.forged.revocation_list((0x300B, ), key=self.issuing.key),
        }
        for base, authority in anchors.items():
            (folder / f"{base}.pem").write_bytes(authority.certificate.public_bytes(Encoding.PEM))
        for base, revoked in lists.items():
            (folder / f"{base}.crl.pem").write_bytes(revoked.public_bytes(Encoding.PEM))
        return {
            "trust_anchors": [f"pki/{base}.pem" for base in anchors], "crls": [f"pki/{base}.crl.pem" for base in lists]
        }
