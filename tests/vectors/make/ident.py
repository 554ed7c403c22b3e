"""Identification messages (ID IO 2.1.1 and 2.6)."""

from dataclasses import dataclass, field

from signature import INCLUSIVE, XmlSeal, sign_xml
from statement import ERIKA, Parts, system

SHOP = "identservice@shop.beta-demail.example"
ISSUER = "Ident-Bestaetigung@alpha-demail.example"
EMAIL = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
CARD = ('<Identcard xmlns="http://www.de-mail.de/xml/2010/01/ident"><NaturalPerson>'
        '<surname validationTime="2025-01-01T00:00:00Z">Mustermann</surname>'
        '<givenname validationTime="2025-01-01T00:00:00Z">Erika</givenname></NaturalPerson></Identcard>')


@dataclass
class Identification:
    """Cases change attributes before make(); `template` changes the XML before it is signed, `signed` after that."""

    seal: XmlSeal
    sender: str = ISSUER
    to: str = SHOP
    cc: str = ERIKA
    private: str = "yes"
    subject: str = "Ident-Bestätigung"
    template: object = None
    signed: object = None
    parts: Parts = field(default_factory=Parts)

    def xml(self):
        text = (
            "<?xml version='1.0' encoding='UTF-8'?>\n"
            '<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"'
            ' ID="_4f3c2a1b9d8e7f60" IssueInstant="2026-02-02T09:24:30Z" Version="2.0">'
            f'<saml:Issuer Format="{EMAIL}">{self.sender}</saml:Issuer>@SIGNATURE@'
            f'<saml:Subject><saml:NameID Format="{EMAIL}">{ERIKA}</saml:NameID></saml:Subject>'
            "<saml:Conditions><saml:AudienceRestriction>"
            f"<saml:Audience>{SHOP}</saml:Audience></saml:AudienceRestriction></saml:Conditions>"
            '<saml:AuthnStatement AuthnInstant="2026-02-02T09:20:00Z"><saml:AuthnContext><saml:AuthnContextClassRef>'
            "urn:oasis:names:tc:SAML:2.0:ac:classes:SmartcardPKI</saml:AuthnContextClassRef></saml:AuthnContext>"
            '</saml:AuthnStatement><saml:AttributeStatement><saml:Attribute Name="Card"><saml:AttributeValue'
            ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
            ' xmlns:de-mail="http://www.de-mail.de/xml/2010/01/ident" xsi:type="de-mail:Identcard">'
            f"{CARD}</saml:AttributeValue></saml:Attribute></saml:AttributeStatement></saml:Assertion>")
        if self.template:
            text = self.template(text)
        text = sign_xml(text, self.seal) if self.seal else text.replace("@SIGNATURE@", "")
        if self.signed:
            text = self.signed(text)
        return text.encode()

    def make(self):
        mail, boundary = system("identification", self.sender, self.to, self.cc, self.private, self.subject,
                                "alpha-demail.example")
        mail.body = self.parts.body(boundary, self.xml())
        return mail


def whole(credential, **changes):
    """The signature that ID IO 2.6 asks for: the reference names the assertion, C14N is inclusive."""
    return XmlSeal(credential, **{"c14n": INCLUSIVE, "uri": "#_4f3c2a1b9d8e7f60", **changes})
