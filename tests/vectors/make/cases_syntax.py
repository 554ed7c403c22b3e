"""RFC 2822 as PVD IO 3.1.21 asks for it: line ends, line lengths, fields."""

from mail import seal
from statement import normal
from vectors import either

LINES = either("syntax integrity header")


def make(v):
    line_ends(v)
    lengths(v)
    fields(v)
    bodies(v)


def with_body(body, **changes):
    mail = normal(**changes)
    mail.body = body
    return mail


def line_ends(v):
    for name, body in (("lf-in-body", b"eins\nzwei\r\n"), ("cr-in-body", b"eins\rzwei\r\n"),
                       ("lf-at-the-end", b"eins\r\nzwei\n"), ("cr-at-the-end",
                                                              b"eins\r\nzwei\r"), ("lfcr-in-body", b"eins\n\rzwei\r\n"),
                       ("crcrlf-in-body", b"eins\r\r\nzwei\r\n"), ("crlflf-in-body", b"eins\r\n\nzwei\r\n"),
                       ("lf-only-body", b"eins\nzwei\n"), ("lf-is-the-body", b"\n"), ("cr-is-the-body", b"\r")):
        v.sealed(name, with_body(body), "syntax.line-end", "sealed as it is", ambiguity="A-FINAL-CRLF", accept=LINES)
    filler = b"x" * 70 + b"\r\n"
    for size in (65536, 262144, 1048576):
        base = filler * (size // len(filler) + 2)
        for cut, reason in ((b"\r", "syntax.line-end"), (b"\n", "syntax.line-end")):
            body = base[:size - 1] + cut + base[size:]
            v.sealed("line-end-far-away", with_body(body), reason, f"bare one around octet {size} of the body",
                     accept=LINES)
        for shift in range(-1, 2):
            header = len(seal(with_body(b""), v.hashed).bytes())
            lines = b"y" * ((size - header + shift) % 900) + b"\r\n"
            count = (size - header) // 72
            body = lines + filler * count
            v.sealed("line-ends-around-a-block", with_body(body), why=f"CRLF near octet {size}")
    octets = seal(normal(), v.hashed).bytes()
    v.add("lf-throughout", octets.replace(b"\r\n", b"\n"), "syntax.line-end", at_least=True, blind=True)
    v.add("cr-throughout", octets.replace(b"\r\n", b"\r"), "syntax.line-end", at_least=True, blind=True, gray=True)
    v.add("lf-in-header", octets.replace(b"Subject: Bescheid\r\n", b"Subject: Bescheid\n"), "syntax.line-end",
          at_least=True)
    v.sealed("lf-in-value", normal().add("X-Spam", "a\nb"), "syntax.line-end", accept=LINES)
    v.sealed("cr-in-value", normal().add("X-Spam", "a\rb"), "syntax.line-end", accept=LINES)
    v.sealed("lf-in-hashed-value", normal().set("Subject", "a\nX-Evil: b"), "syntax.line-end", at_least=True)
    v.sealed("cr-in-hashed-value", normal().set("Subject", "a\rb"), "syntax.line-end", at_least=True)
    v.sealed("no-final-crlf", with_body(b"eins\r\nzwei"), ambiguity="A-FINAL-CRLF", warnings="syntax.final-crlf")
    v.sealed("no-final-crlf-one-line", with_body(b"x"), ambiguity="A-FINAL-CRLF", warnings="syntax.final-crlf")
    v.sealed("signed-no-final-crlf", with_body(b"eins\r\nzwei", authoritative="yes"), how=v.rsa,
             ambiguity="A-FINAL-CRLF", warnings="syntax.final-crlf")


def lengths(v):
    for length, good in ((78, True), (79, True), (997, True), (998, True), (999, False), (5000, False)):
        prefix = len("X-Info: ")
        v.sealed("header-line",
                 normal().add("X-Info", "x" * (length - prefix)), "" if good else "syntax.line-length",
                 f"header line of {length}", ambiguity="A-BODY-LINE")
        prefix = len("Subject: ")
        v.sealed("subject-line",
                 normal().set("Subject", "x" * (length - prefix)), "" if good else "syntax.line-length",
                 f"header line of {length}", ambiguity="A-BODY-LINE")
        v.sealed("header-continued",
                 normal().add("X-Info", "a\r\n " + "x" * (length - 1)), "" if good else "syntax.line-length",
                 f"continuation line of {length}", ambiguity="A-BODY-LINE")
        v.sealed("body-line", with_body(b"a\r\n" + b"x" * length + b"\r\nb\r\n"), why=f"body line of {length}",
                 ambiguity="A-BODY-LINE", warnings="" if good else "syntax.body-line-length")
    v.sealed("last-body-line", with_body(b"x" * 2000), why="long, no final CRLF", ambiguity="A-BODY-LINE A-FINAL-CRLF",
             warnings="syntax.body-line-length syntax.final-crlf")
    v.sealed("long-body-line", with_body(b"x" * 1000000 + b"\r\n"), ambiguity="A-BODY-LINE",
             warnings="syntax.body-line-length")
    v.sealed("long-field-of-short-lines", normal().add("X-Info", "\r\n ".join(["x" * 70] * 1000)))
    v.sealed("many-fields", many(normal()))


def many(mail):
    for number in range(300):
        mail.add(f"X-Feld-{number}", "wert")
    return mail


def fields(v):
    octets = seal(normal(), v.hashed).bytes()
    bad = either("syntax header")
    subject = b"\r\nSubject: Bescheid\r\n"
    v.add("line-without-colon", octets.replace(subject, subject + b"Kein Feld\r\n"), "syntax.field", accept=bad)
    v.add("field-without-name", octets.replace(subject, subject + b": Wert\r\n"), "syntax.field", accept=bad)
    v.add("field-name-with-space", octets.replace(subject, subject + b"X Feld: Wert\r\n"), "syntax.field", accept=bad)
    v.add("field-name-8-bit", octets.replace(subject, subject + "X-F\u00e4ld: Wert\r\n".encode()), "syntax.field",
          accept=bad)
    v.add("field-name-with-control", octets.replace(subject, subject + b"X-\x01: Wert\r\n"), "syntax.field", accept=bad)
    v.add("starts-with-continuation", b" huhu\r\n" + octets, "syntax.field", accept=bad)
    v.add("starts-with-empty-line", b"\r\n" + octets, "header.missing", "all fields are in the body", at_least=True,
          accept=either("header"))
    v.add("mbox-line", b"From erika@alpha-demail.example Mon Feb  2 10:16:30 2026\r\n" + octets, "syntax.field",
          accept=bad, gray=True)
    v.add("field-value-empty", octets.replace(subject, subject + b"X-Leer:\r\nX-Leer2: \r\n"))
    v.sealed("space-before-colon",
             normal().raw("Subject", b" Bescheid", "Subject "), "", "obsolete syntax (RFC 2822 4.5)", gray=True)
    v.sealed(
        "name-case",
        normal().raw("Subject", b" Bescheid", "sUBJECT").raw("From",
                                                             normal().fields[normal().index("From")][1], "FROM"))
    v.sealed("no-space-behind-colon", normal().raw("Subject", b"Bescheid"))
    v.sealed("tab-behind-colon", normal().raw("Subject", b"\tBescheid"))
    v.sealed("folded-at-once", normal().raw("Subject", b"\r\n Bescheid"))
    v.sealed("folded-with-tab", normal().set("Subject", "Ein\r\n\tBescheid"))
    v.sealed("folded-blank-line",
             normal().set("Subject", "Ein\r\n \r\n Bescheid"), "syntax.field",
             "a line of white space only (RFC 2822 3.2.3)", gray=True, accept=bad)
    v.sealed("trailing-space", normal().set("Subject", "Bescheid   "))
    v.sealed("8-bit-subject",
             normal().set("Subject", "\u00c4nderung"), "syntax.8-bit", "raw 8 bit in the header", gray=True)
    v.sealed("8-bit-latin1", normal().set("Subject", "\u00c4nderung".encode("latin-1")), "syntax.8-bit", gray=True)
    v.sealed("8-bit-other-field", normal().add("X-Info", "\u00c4"), "syntax.8-bit", gray=True)
    v.sealed("nul-in-header", normal().set("Subject", b"a\0b"), "syntax.nul", gray=True)
    v.sealed("nul-in-body", with_body(b"a\0b\r\n"), "syntax.nul", gray=True)
    v.sealed("control-in-header", normal().set("Subject", b"a\x08b"), gray=True)
    v.add("nothing", b"", "syntax.empty", at_least=True, accept=either("syntax header"))
    v.add("one-line", b"Subject: x\r\n", "header.missing", at_least=True)
    v.add("no-message", b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 10, "syntax.field", at_least=True, blind=True)
    v.add("crlf-only", b"\r\n", "header.missing", at_least=True)


def bodies(v):
    for name, body in (("empty-body", b""), ("body-of-empty-lines", b"\r\n\r\n\r\n"), ("one-empty-line", b"\r\n"),
                       ("leading-empty-lines", b"\r\n\r\neins\r\n"), ("space-line", b" \r\n"),
                       ("space-at-the-end", b"eins \r\n \r\n"), ("dots", b".\r\n..\r\n.\r\n"),
                       ("8-bit", "Gr\u00fc\u00dfe\r\n".encode()), ("binary", bytes(range(1, 10)) + b"\x0e\xff\xfe\r\n"),
                       ("looks-like-a-header", b"X-de-mail-private: yes\r\n\r\nSubject: nein\r\n"),
                       ("200-empty-lines-inside", b"a\r\n" + b"\r\n" * 200 + b"b\r\n"), ("200000-empty-lines",
                                                                                         b"a\r\n" + b"\r\n" * 200000)):
        for how in (v.hashed, v.ec):
            v.sealed(f"body-{name}", with_body(body, authoritative="yes" if how is v.ec else "no"), how=how)
    mail = seal(with_body(b""), v.hashed).bytes()
    v.add("header-only", mail.removesuffix(b"\r\n"), why="no empty line, no body (RFC 2822 3.5)",
          ambiguity="A-FINAL-CRLF")
    v.add("header-only-body-hash",
          seal(normal(), v.hashed).bytes().partition(b"\r\n\r\n")[0] + b"\r\n", "integrity.body-hash")
    v.add("header-without-line-end", mail.removesuffix(b"\r\n\r\n"), "", "neither CRLF of the last field nor body",
          ambiguity="A-FINAL-CRLF", gray=True)
    multipart = b"--x\r\nContent-Type: text/plain\r\n\r\neins\r\n--x\r\nContent-Type: text/html\r\n\r\n<p>\r\n--x--\r\n"
    v.sealed("multipart", with_body(multipart).set("Content-Type", 'multipart/alternative; boundary="x"'))
    v.sealed("without-mime-fields", normal().drop("MIME-Version", "Content-Type"), why="RFC 2045 5.2")
    v.sealed("multipart-without-boundary", normal().set("Content-Type", "multipart/mixed"), gray=True)
