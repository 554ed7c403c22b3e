"""What a C source says, read by its tokens: comments, strings and brackets can't deceive it."""

import ast
import re

_TOKEN = re.compile(r"""
    (?P<blank>\s+|/\*.*?\*/|//[^\n]*|\\\n)
  | (?P<string>"(?:[^"\\\n]|\\.)*")
  | (?P<character>'(?:[^'\\\n]|\\.)*')
  | (?P<name>[A-Za-z_]\w*)
  | (?P<number>\.?\d(?:[eEpP][+-]|[\w.])*)
  | (?P<sign>.)
""", re.S | re.X)

_OPEN, _CLOSE = "([{", ")]}"


def tokens(text):
    """(kind, text) of each; strings that stand side by side are one, with their value as text."""
    found = []
    for match in _TOKEN.finditer(text):
        kind, value = match.lastgroup, match[0]
        if kind == "blank":
            continue
        if kind == "string":
            value = ast.literal_eval(f"b{value}" if value.isascii() else value)
            value = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
            if found and found[-1][0] == "string":
                found[-1] = ("string", found[-1][1] + value)
                continue
        found.append((kind, value))
    return found


def arguments(found, at):
    """The arguments, as lists of tokens, of the call whose opening bracket is at index `at`."""
    if found[at] != ("sign", "("):
        raise ValueError("no call")
    depth, result = 0, [[]]
    for token in found[at:]:
        if token[0] == "sign" and token[1] in _OPEN:
            depth += 1
            if depth == 1:
                continue
        if token[0] == "sign" and token[1] in _CLOSE:
            depth -= 1
            if depth == 0:
                return [argument for argument in result if argument]
        if depth == 1 and token == ("sign", ","):
            result.append([])
        else:
            result[-1].append(token)
    raise ValueError("a call that never ends")


def calls(found, *names):
    """(name, arguments) of each use of the names with a bracket behind."""
    for index in range(len(found) - 1):
        kind, name = found[index]
        if kind == "name" and name in names and found[index + 1] == ("sign", "("):
            yield name, arguments(found, index + 1)


def strings(found):
    return [text for kind, text in found if kind == "string"]


def choices(argument):
    """The values of an expression that is a string, or `condition ? string : string`; ValueError for another."""
    if len(argument) == 1 and argument[0][0] == "string":
        return [argument[0][1]]
    question = next((i for i, token in enumerate(argument) if token == ("sign", "?")), None)
    if question is not None:
        first, colon, second = (argument[question + 1:] + [(None, None)] * 3)[:3]
        if (first[0], colon, second[0]) == ("string", ("sign", ":"), "string") and len(argument) == question + 4:
            return [first[1], second[1]]
    raise ValueError("neither a string nor a choice of two: " + " ".join(str(text) for _, text in argument))


def log_calls(text):
    """(event, field names) of each dm_log() of a source. ValueError for one whose event or field is not written out."""
    for _, call in calls(tokens(text), "dm_log"):
        fields = []
        for argument in call[2:]:
            if len(argument) < 2 or argument[0] not in (("name", "DM_S"), ("name", "DM_N")):
                raise ValueError("a field that is neither DM_S() nor DM_N(): " + " ".join(t for _, t in argument))
            inner = arguments(argument, 1)
            if len(inner) != 2:
                raise ValueError("a field has a key and a value")
            fields += choices(inner[0])
        for event in choices(call[1]):
            yield event, fields
