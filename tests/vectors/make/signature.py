"""XML signatures: enveloped, by whatever algorithms a case asks for, right or wrong."""

import base64
import hashlib
import re
from dataclasses import dataclass

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from lxml import etree

DS = "http://www.w3.org/2000/09/xmldsig#"
MORE = "http://www.w3.org/2001/04/xmldsig-more#"
ENVELOPED = DS + "enveloped-signature"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
INCLUSIVE = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
INCLUSIVE11 = "http://www.w3.org/2006/12/xml-c14n11"
DIGESTS = {
    "sha1": DS + "sha1", "sha256": "http://www.w3.org/2001/04/xmlenc#sha256", "sha384": MORE + "sha384",
    "sha512": "http://www.w3.org/2001/04/xmlenc#sha512"
}
PSS = "http://www.w3.org/2007/05/xmldsig-more#{}-rsa-MGF1"
HASHES = {"sha1": hashes.SHA1, "sha256": hashes.SHA256, "sha384": hashes.SHA384, "sha512": hashes.SHA512}


@dataclass
class XmlSeal:
    credential: object
    digest: str = "sha256"
    method_digest: str = None
    pss: bool = False
    c14n: str = EXCLUSIVE
    transforms: tuple = None
    uri: str = ""
    references: int = 1
    key_info: str = None  # instead of the certificate
    inside: str = ""  # put behind KeyInfo


def canonical(xml, algorithm):
    return etree.tostring(etree.fromstring(xml), method="c14n", exclusive=algorithm.startswith(EXCLUSIVE),
                          with_comments=algorithm.endswith("WithComments"))


def signed_info(how, digest):
    transforms = (ENVELOPED, how.c14n) if how.transforms is None else how.transforms
    reference = (f'<ds:Reference URI="{how.uri}"><ds:Transforms>' +
                 "".join(f'<ds:Transform Algorithm="{each}"></ds:Transform>' for each in transforms) +
                 f'</ds:Transforms><ds:DigestMethod Algorithm="{DIGESTS[how.digest]}"></ds:DigestMethod>'
                 f"<ds:DigestValue>{digest}</ds:DigestValue></ds:Reference>")
    return (f'<ds:CanonicalizationMethod Algorithm="{how.c14n}"></ds:CanonicalizationMethod>'
            f'<ds:SignatureMethod Algorithm="{method(how)}"></ds:SignatureMethod>' + reference * how.references)


def method(how):
    digest = how.method_digest or how.digest
    if how.pss:
        return PSS.format(digest)
    kind = "rsa" if isinstance(how.credential.key, rsa.RSAPrivateKey) else "ecdsa"
    return (DS if (kind, digest) == ("rsa", "sha1") else MORE) + f"{kind}-{digest}"


def sign(how, octets):
    key, digest = how.credential.key, HASHES[how.method_digest or how.digest]()
    if isinstance(key, rsa.RSAPrivateKey):
        scheme = padding.PSS(padding.MGF1(digest), digest.digest_size) if how.pss else padding.PKCS1v15()
        return key.sign(octets, scheme, digest)
    size = (key.key_size + 7) // 8
    return b"".join(part.to_bytes(size, "big") for part in decode_dss_signature(key.sign(octets, ec.ECDSA(digest))))


def namespaces(root):
    """The namespace declarations of the root's start tag, as C14N would inherit them."""
    found = dict(re.findall(r'xmlns(:\w+)?="([^"]*)"', root))
    found[":ds"] = DS
    return "".join(f' xmlns{prefix}="{uri}"' for prefix, uri in sorted(found.items()))


def sign_xml(template, how):
    """`template` (text) has @SIGNATURE@ where the signature comes; what is signed is the document without it."""
    bare = template.replace("@SIGNATURE@", "")
    transforms = (ENVELOPED, how.c14n) if how.transforms is None else how.transforms
    algorithm = transforms[-1] if "c14n" in transforms[-1] else INCLUSIVE
    octets = canonical(bare.encode(), algorithm)
    digest = base64.b64encode(hashlib.new(how.digest, octets).digest()).decode()
    info = signed_info(how, digest)
    root = re.search(r"<[A-Za-z][^>]*>", template)[0]
    inherited = f' xmlns:ds="{DS}"' if how.c14n.startswith(EXCLUSIVE) else namespaces(root)
    value = base64.b64encode(sign(how, f"<ds:SignedInfo{inherited}>{info}</ds:SignedInfo>".encode())).decode()
    key_info = how.key_info
    if key_info is None:
        certificate = base64.b64encode(how.credential.certificate).decode()
        key_info = f"<ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data>"
    if key_info:
        key_info = f"<ds:KeyInfo>{key_info}</ds:KeyInfo>"
    return template.replace(
        "@SIGNATURE@", f'<ds:Signature xmlns:ds="{DS}"><ds:SignedInfo>{info}</ds:SignedInfo>'
        f"<ds:SignatureValue>{value}</ds:SignatureValue>{key_info}{how.inside}</ds:Signature>")
