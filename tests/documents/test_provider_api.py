"""provider-api.yaml in itself, and its codes against those of the driver and the sandbox."""

import re

import pytest
import yaml
from c_source import calls, strings
from harness.openapi import Document
from jsonschema import Draft202012Validator
from project import ROOT, page, sources, tokens

FILE = ROOT / "doc/provider-api.yaml"
API = Document(FILE)
METHODS = {"get", "put", "post", "delete", "patch", "head", "options", "trace"}

# What the sandbox answers where a test orders an answer, and what only another provider has reason to say.
ORDERED, OF_OTHERS = {"ordered-fault"}, {"key-forgotten"}

TEXT, FLAG = {"type": "string", "minLength": 1}, {"type": "boolean"}


def named(value):
    return {"type": "object", "additionalProperties": value, "minProperties": 1}


def form(needed, /, **members):
    """An object with these members and no others; names that Python has a use for end with _."""
    return {"type": "object", "properties": {name.rstrip("_"): value for name, value in members.items()},
            "required": list(needed), "additionalProperties": False}


# The part of OpenAPI 3.1 that the document needs; what is not here is no word of it, or a slip.
SCHEMA = {"$ref": "https://json-schema.org/draft/2020-12/schema"}
REFERENCE = form(["$ref"], **{"$ref": {"type": "string", "pattern": "^#/components/"}})
HEADER = form(["schema"], description=TEXT, required=FLAG, schema=SCHEMA)
PARAMETER = form(["name", "in", "schema"], name=TEXT, in_={"enum": ["query", "header", "path"]}, required=FLAG,
                 description=TEXT, schema=SCHEMA)
CONTENT = named(form([], schema=SCHEMA, encoding=named(form(["contentType"], contentType=TEXT))))
RESPONSE = form(["description"], description=TEXT, headers=named({"anyOf": [REFERENCE, HEADER]}), content=CONTENT)
PARAMETERS = {"type": "array", "items": {"anyOf": [REFERENCE, PARAMETER]}}
OPERATION = form(["tags", "operationId", "summary", "responses"], tags={"type": "array", "items": TEXT, "minItems": 1},
                 operationId=TEXT, summary=TEXT, description=TEXT, security={"type": "array"}, parameters=PARAMETERS,
                 requestBody=form(["content"], required=FLAG, description=TEXT, content=CONTENT),
                 responses={"type": "object", "additionalProperties": False, "minProperties": 2,
                            "patternProperties": {"^[1-5][0-9][0-9]$": {"anyOf": [REFERENCE, RESPONSE]}}})
DOCUMENT = form(
    ["openapi", "info", "servers", "security", "tags", "paths", "components"],
    openapi={"const": "3.1.0"},
    info=form(["title", "version", "license", "description"], title=TEXT, version=TEXT, description=TEXT,
              license=form(["name"], name=TEXT, identifier=TEXT)),
    servers={"type": "array", "items": form(["url"], url=TEXT)},
    security={"type": "array"},
    tags={"type": "array", "items": form(["name"], name=TEXT, description=TEXT)},
    paths={"type": "object", "patternProperties": {
        "^/": form([], parameters=PARAMETERS, **{method: OPERATION for method in METHODS})}, "additionalProperties": False},
    components=form([], securitySchemes=named({"type": "object"}), parameters=named(PARAMETER), headers=named(HEADER),
                    responses=named(RESPONSE), schemas=named(SCHEMA)))


def nodes(node, path=""):
    """Every object of the document with the way to it."""
    if isinstance(node, dict):
        yield path, node
    for name, inner in (node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()):
        yield from nodes(inner, f"{path}/{name}")


def references():
    return [node["$ref"] for _, node in nodes(API.text) if isinstance(node.get("$ref"), str)]


def complaints(text):
    return [f"{error.json_path}: {error.message}" for error in Draft202012Validator(DOCUMENT).iter_errors(text)]


def test_form():
    assert complaints(API.text) == []


@pytest.mark.parametrize("old, new", [
    ("operationId: login", "operationID: login"), ("in: path", "in: body"),
    ('"204": { description: Ended }', '"204": {}'),
    ("type: string, enum: [inbox, sent]", "type: text, enum: [inbox, sent]"), ("  /account:", "  account:"),
    ('"#/components/responses/Pause"', '"#/responses/Pause"'),
])
def test_slips_are_found(old, new):
    assert old in FILE.read_text()
    assert complaints(yaml.safe_load(FILE.read_text().replace(old, new))) != []


def test_no_key_stands_twice():
    def pairs(node):
        if isinstance(node, yaml.MappingNode):
            names = [key.value for key, _ in node.value]
            assert len(names) == len(set(names)), (node.start_mark.line + 1, names)
        for child in getattr(node, "value", []) if not isinstance(node, yaml.ScalarNode) else ():
            for part in child if isinstance(child, tuple) else (child,):
                pairs(part)

    pairs(yaml.compose(FILE.read_text()))


def test_references_lead_somewhere_and_nothing_is_unused():
    for reference in references():
        API.resolve({"$ref": reference})
    components = {f"#/components/{kind}/{name}" for kind, members in API.text["components"].items()
                  for name in members if kind != "securitySchemes"}
    assert components - set(references()) == set()


def test_operations():
    operations = API.operations()
    names = [operation["operationId"] for _, _, operation in operations]
    assert len(names) == len(set(names)) >= 9
    tags = {tag["name"] for tag in API.text["tags"]}
    assert tags == {tag for _, _, operation in operations for tag in operation["tags"]}
    for path, _, operation in operations:
        given = API.text["paths"][path].get("parameters", []) + operation.get("parameters", [])
        given = [API.resolve(parameter) for parameter in given]
        assert {p["name"] for p in given if p["in"] == "path"} == set(re.findall(r"\{(\w+)\}", path))
        assert all(p.get("required") for p in given if p["in"] == "path")


def test_schemas_require_what_they_have():
    """A required member that has no schema is a slip of the pen."""
    for path, node in nodes(API.text["components"]["schemas"]):
        if isinstance(node.get("properties"), dict) and isinstance(node.get("required"), list) and "allOf" not in node:
            assert set(node["required"]) <= set(node["properties"]), path


def declared():
    told = set(re.findall(r"40[45]\s+`([a-z-]+)`", API.text["info"]["description"]))
    assert told == {"not-found", "method-not-allowed"}
    return API.problem_codes() | told


def refusals():
    return set(API.text["components"]["schemas"]["RefusalCode"]["enum"])


def literals(name, place):
    """The codes that calls of a function have as an argument; one that is not written out fails."""
    found = set()
    for source in sources("sandbox"):
        for _, call in calls(tokens(source), name):
            if call[0][0] != ("name", "guint") and call[0][:2] != [("name", "DmDenial"), ("sign", "*")]:
                found |= set(strings(call[place])) or {f"{source.name}: {call[place]}"}
    return found


def test_problem_codes():
    """The codes in the sandbox are those of the document."""
    said = literals("dm_reply_problem", 1) | literals("dm_reply_problem_with", 1)
    fault = set(strings(tokens(ROOT / "sandbox/api.c"))) & {"unavailable", "internal", *ORDERED}
    said = {code for code in said if re.fullmatch(r"[a-z-]+", code)} | fault
    assert said - ORDERED - declared() - refusals() == set()
    assert declared() - refusals() - said == OF_OTHERS


def test_codes_of_recipients():
    """Those that the sandbox gives a recipient are those of the document; the rest comes by order of a test only."""
    said = literals("dm_deny", 1) | literals("dm_defer", 1)
    said = {code for code in said if re.fullmatch(r"[a-z-]+", code)}
    assert said - refusals() == set()
    assert refusals() - said == {"service-ended"}


def test_codes_that_the_driver_goes_by():
    for source in sources("provider"):
        for code in strings(tokens(source)):
            if re.fullmatch(r"[a-z]+(-[a-z]+)+", code) and source.name == "rest_json.c":
                assert code in refusals() | {"in-progress"}, code
    assert "unknown-key" in strings(tokens(ROOT / "provider/driver_rest.c")) and "unknown-key" in declared()


def test_manual_page_has_the_calls_and_codes():
    text = page("demail-provider.7").plain()
    for path in API.text["paths"]:
        if path != "/directory":
            assert path.replace("{id}", "ID") in text, path
    for code in declared() - refusals() - {"not-found", "method-not-allowed", "invalid-request", "internal",
                                           "unavailable", "unknown-message", "wrong-password", "session-expired",
                                           "account-blocked"}:
        assert code in text, code
