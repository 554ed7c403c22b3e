"""Makes a set of messages, right and wrong, with what must come out of their verification, from the standard and not
from our code. usage: make DIRECTORY, or make --check SET to recompute the hashes of a set by its manifest"""

import sys
from pathlib import Path

import cases_address
import cases_certificate
import cases_combined
import cases_confirmation
import cases_confirmation_xml
import cases_forward
import cases_header
import cases_ident
import cases_integrity
import cases_notification
import cases_syntax
from check import check
from pki import Pki
from vectors import Vectors


def main(arguments):
    if len(arguments) == 2 and arguments[0] == "--check":
        texts = list(check(Path(arguments[1])))
        print("\n".join(texts) or "all hashes agree")
        return 1 if texts else 0
    if len(arguments) != 1 or arguments[0].startswith("-"):
        print(__doc__, file=sys.stderr)
        return 64
    folder = Path(arguments[0])
    folder.mkdir(parents=True, exist_ok=True)
    vectors = Vectors(folder, Pki())
    for cases in (cases_integrity, cases_certificate, cases_header, cases_address, cases_forward, cases_syntax,
                  cases_confirmation, cases_confirmation_xml, cases_notification, cases_ident, cases_combined):
        cases.make(vectors)
    vectors.write()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
