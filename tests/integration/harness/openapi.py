"""An OpenAPI 3.1 document, and whether what is said over the line is what it declares.

Strict, unlike a client: a field, parameter, header or answer that is not declared is a mistake."""

import copy
import datetime
import email
import json
import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urlsplit

import yaml
from jsonschema import Draft202012Validator, FormatChecker, RefResolver

# Headers of an answer that belong to HTTP itself.
_HTTP = {"connection", "content-length", "content-type", "date", "transfer-encoding"}

_FORMATS = FormatChecker(formats=())


@_FORMATS.checks("date-time", raises=ValueError)
def _is_time(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).tzinfo is not None


@dataclass
class Exchange:
    """A call and its answer. Names of headers are in lower case; `body` is None if it was never sent."""

    method: str
    target: str
    headers: dict
    body: bytes | None
    status: int
    answer_headers: dict
    answer: bytes

    def __str__(self):
        return f"{self.method} {self.target} {self.status}"


def _close(schema):
    """Makes objects with declared properties have no others."""
    if isinstance(schema, dict):
        if schema.get("type") == "object" and "properties" in schema:
            schema.setdefault("additionalProperties", False)
        for part in schema.values():
            _close(part)
    elif isinstance(schema, list):
        for part in schema:
            _close(part)


class Document:
    def __init__(self, path):
        self.text = yaml.safe_load(path.read_text())
        self._strict = copy.deepcopy(self.text)
        _close(self._strict)
        self._resolver = RefResolver.from_schema(self._strict)
        self.seen = set()

    def resolve(self, node):
        """The node, or what its $ref refers to."""
        while isinstance(node, dict) and set(node) == {"$ref"}:
            node = self._resolver.resolve(node["$ref"])[1]
        return node

    def operations(self):
        """(path, method, operation) of all."""
        return [(path, method, operation) for path, item in self._strict["paths"].items()
                for method, operation in item.items() if method != "parameters"]

    def declared(self):
        """(operationId, status) of all answers."""
        return {(operation["operationId"], int(status)) for _, _, operation in self.operations()
                for status in operation["responses"]}

    def problem_codes(self):
        return set(re.findall(r"urn:demail:problem:([a-z-]+)", json.dumps(self.text["components"]["schemas"])))

    def _find(self, exchange):
        path = urlsplit(exchange.target).path.removeprefix("/v1")
        for template, method, operation in self.operations():
            values = re.fullmatch(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(template)), path)
            if values and method == exchange.method.lower():
                shared = self._strict["paths"][template].get("parameters", [])
                return operation, shared + operation.get("parameters", []), values.groupdict()
        return None, [], {}

    def _complaints(self, schema, value, where):
        validator = Draft202012Validator(schema, resolver=self._resolver, format_checker=_FORMATS)
        return [f"{where}{''.join(f'/{step}' for step in error.absolute_path)}: {error.message[:300]}"
                for error in validator.iter_errors(value)]

    def check(self, exchange, good_request=True):
        """What is not as declared, as lines. `good_request`: the request too must be as declared."""
        operation, parameters, values = self._find(exchange)
        if operation is None:
            return [f"{exchange}: no such operation"]
        self.seen.add((operation["operationId"], exchange.status))
        found = self._check_answer(operation, exchange)
        if good_request:
            found += self._check_parameters(parameters, values, exchange) + self._check_request(operation, exchange)
        return [f"{exchange}: {line}" for line in found]

    def _check_parameters(self, parameters, values, exchange):
        query = parse_qsl(urlsplit(exchange.target).query, keep_blank_values=True)
        given = {"query": dict(query), "path": {name: unquote(value) for name, value in values.items()},
                 "header": exchange.headers}
        found = ["a parameter stands twice"] if len(query) != len(given["query"]) else []
        declared = [self.resolve(parameter) for parameter in parameters]
        names = {parameter["name"] for parameter in declared if parameter["in"] == "query"}
        found += [f"undeclared parameter {name}" for name in given["query"] if name not in names]
        for parameter in declared:
            name = parameter["name"].lower() if parameter["in"] == "header" else parameter["name"]
            value = given[parameter["in"]].get(name)
            if value is None:
                found += [f"{name} is missing"] * parameter.get("required", False)
                continue
            if parameter["schema"].get("type") == "integer" and re.fullmatch(r"-?\d+", value):
                value = int(value)
            found += self._complaints(parameter["schema"], value, name)
        return found

    def _check_request(self, operation, exchange):
        found = []
        if operation.get("security", self._strict["security"]):
            if not re.fullmatch(r"Bearer \S+", exchange.headers.get("authorization", "")):
                found.append("no Authorization")
        elif "authorization" in exchange.headers:
            found.append("Authorization where none is declared")
        body = operation.get("requestBody")
        if body is None:
            return found + ["a body where none is declared"] * bool(exchange.body)
        if exchange.body is None:
            return found
        kind = exchange.headers.get("content-type", "").partition(";")[0]
        content = body["content"].get(kind)
        if content is None:
            return found + [f"undeclared body of type {kind!r}"]
        if kind == "application/json":
            return found + self._complaints(content["schema"], json.loads(exchange.body), "body")
        return found + self._check_parts(content, exchange)

    def _check_parts(self, content, exchange):
        head = f"Content-Type: {exchange.headers['content-type']}\r\n\r\n".encode()
        parts = email.message_from_bytes(head + exchange.body).get_payload()
        names = [part.get_param("name", header="content-disposition") for part in parts]
        if names != content["schema"]["required"]:
            return [f"parts {names}"]
        found = []
        for name, part in zip(names, parts):
            kind = content["encoding"][name]["contentType"]
            found += [f"part {name} is {part.get_content_type()}"] * (part.get_content_type() != kind)
            if kind == "application/json":
                schema = content["schema"]["properties"][name]
                found += self._complaints(schema, json.loads(part.get_payload(decode=True)), name)
        return found

    def _check_answer(self, operation, exchange):
        declared = operation["responses"].get(str(exchange.status))
        if declared is None:
            return ["undeclared status"]
        declared = self.resolve(declared)
        headers = {name.lower(): self.resolve(header) for name, header in declared.get("headers", {}).items()}
        found = [f"undeclared header {name}" for name in exchange.answer_headers if name not in {*headers, *_HTTP}]
        for name, header in headers.items():
            if name in exchange.answer_headers:
                found += self._complaints(header["schema"], exchange.answer_headers[name], name)
            else:
                found += [f"header {name} is missing"] * header.get("required", False)
        return found + self._check_answer_body(declared, exchange)

    def _check_answer_body(self, declared, exchange):
        if "content" not in declared:
            return ["a body where none is declared"] * bool(exchange.answer)
        kind = exchange.answer_headers.get("content-type", "")
        if kind not in declared["content"]:
            return [f"undeclared type {kind!r}"]
        schema = declared["content"][kind].get("schema")
        if schema is None:
            return []
        try:
            value = json.loads(exchange.answer)
        except ValueError as error:
            return [f"no JSON: {error}"]
        found = self._complaints(schema, value, "answer")
        if kind == "application/problem+json" and value.get("status") != exchange.status:
            found.append("the problem has another status")
        return found
