"""What a user or an MTA is told: every text of a refusal with its code is in the manual page, and no other."""

import re

from c_source import strings
from mdoc import items, section
from project import ROOT, facts, page, sources, tokens

REPLY = re.compile(r"([2-5]\d\d [245]\.\d+\.\d+)(?: (.*))?", re.S)


def api_codes():
    """The codes of a refused or deferred recipient, as provider-api.yaml has them."""
    text = (ROOT / "doc/provider-api.yaml").read_text()
    (block,) = re.findall(r"    RefusalCode:\n(?:.*\n)*?      enum:\n((?:        - .*\n)+)", text)
    return re.findall(r"- ([a-z-]+)", block)


def normal(text):
    return re.sub(r"\s+", " ", text).strip()


def test_refusals_of_the_milter():
    told = []
    for item in items(section(page("demail-milter.8"), "REFUSALS")):
        rule, *reply = item.head().words()
        texts = [normal(" ".join(text.words())) for text in item.bodies()[0].find("It", "block")]
        told.append((rule, normal(" ".join(reply)), *texts))
    real = [(r["rule"], r["reply"], normal(r["en"]), normal(r["de"])) for r in facts()["refusals"]]
    assert sorted(told) == sorted(real)


def poller_items():
    """The items of the poller's answers."""
    return items(section(page("demail-poller.8"), "Replies", "Ss"))


def texts_of(item):
    """The texts in its list, by language."""
    return [normal(" ".join(text.words())) for text in item.bodies()[0].find("It", "block")]


def test_replies_of_the_poller():
    """Each in both languages."""
    told = [tuple(f"{normal(' '.join(item.head().words()))} {text}" for text in texts_of(item))
            for item in poller_items() if "x.x" not in normal(" ".join(item.head().words())) and texts_of(item)]
    assert sorted(told) == sorted((reply["en"], reply["de"]) for reply in facts()["replies"])


def test_results_of_the_provider():
    """What an MTA is told of one recipient."""
    told = {normal(" ".join(item.head().words())): texts_of(item) or [normal(" ".join(item.bodies()[0].words()))]
            for item in poller_items()}
    accepted, *results = facts(*api_codes())["results"]
    assert told["250 2.0.0"][0].endswith(REPLY.fullmatch(accepted["en"])[2])
    for result in results:
        for language, place in (("en", 0), ("de", 1)):
            code, text = REPLY.fullmatch(result[language]).groups()
            pattern = re.escape(told[f"{code[0]}5{'0' if code[0] == '5' else '1'} {code[4]}.x.x"][place])
            pattern = pattern.replace("MEANING", "[^(]+").replace("CODE", re.escape(result["code"]))
            assert re.fullmatch(pattern, text), text


def of_the_protocol():
    """(code, text) of the answers to a client that does not speak LMTP as it should."""
    found = set()
    for text in strings(tokens(ROOT / "poller/lmtp.c")) + strings(tokens(ROOT / "poller/lmtp_server.c")):
        match = REPLY.fullmatch(text.strip())
        if match and match[2] and not match[1].startswith("2"):
            found.add((match[1], normal(match[2])))
    return found


def test_replies_of_the_protocol():
    told = [(code, normal(" ".join(item.bodies()[0].words()))) for item in poller_items() if not texts_of(item)
            for code in re.findall(r"\d\d\d \d\.\d+\.\d+", " ".join(item.head().words()))]
    assert len(of_the_protocol()) > 10
    assert [(code, text) for code, text in of_the_protocol()
            if not any(c == code and re.search(rf"\b{re.escape(text)}(?!\w)", t) for c, t in told)] == []


def test_codes_of_the_provider():
    """Each with the replies for a recipient who is refused and for one who is deferred."""
    told, real = {}, {}
    for row in items(section(page("demail-provider.7"), "REFUSAL CODES")):
        code, *replies = [normal(" ".join(body.words())) for body in row.bodies()]
        told[code] = replies[:2]
    for result in facts(*api_codes(), "elsewhere")["results"][1:]:
        real.setdefault(result["code"], []).append(REPLY.fullmatch(result["en"])[1])
    assert told.pop("Code") == ["Refused", "Deferred"]
    real["any other"] = real.pop("elsewhere")
    assert told == real


def test_codes_that_the_driver_knows_are_those_of_the_api():
    known = set(strings(tokens(ROOT / "provider/rest_json.c"))) & set(api_codes())
    temporary = {"mailbox-full", "daily-limit"}
    assert known == set(api_codes()) - temporary
