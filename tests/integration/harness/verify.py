"""demailctl verify: judges De-Mails as a gateway would."""

import json

from .process import program, run


def verify(folder, messages, ca, crl, *arguments):
    """What demailctl says about each of the messages (bytes), in their order. They are written into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for number, message in enumerate(messages):
        files.append(folder / f"{number}.eml")
        files[-1].write_bytes(message)
    done = run(program("demailctl"), "verify", "--json", "--ca", ca, "--crl", crl, *arguments, *files)
    assert done.returncode in (0, 1), done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]
