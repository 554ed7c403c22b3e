"""A journal without a mail server: the entries that a test names, and demailctl on them."""

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from .gateway import GROUP, USER, Gateway
from .pki import Pki
from .process import SANITIZERS, program, run


def sent(number, time, *recipients, **values):
    """A De-Mail; recipients as (address, state, event …)."""
    return {"sent": f"{number:032x}", "time": time, "tenant": "gemeinde", "email": "max@gemeinde.example",
            "queue_id": f"4Q{number}", **values,
            "recipients": [{"address": address, "state": state, "events": events}
                           for address, state, *events in recipients]}


def received(number, time, **values):
    return {"received": f"m-{number}", "time": time, "tenant": "gemeinde", "type": "normal",
            "sender": "erika@muster.de-mail.de", **values}


class Ledger:
    """Two tenants, gemeinde and stadt; files in a folder of its own, until close()."""

    def __init__(self, entries):
        self.home = Path(tempfile.mkdtemp(prefix="demail-"))
        self.home.chmod(0o755)
        pki = Pki(self.home / "pki")
        pki.client()
        self.gateway = Gateway(self.home / "gateway", pki, "https://127.0.0.1:1", 1)
        state = self.gateway.home / "state"
        lines = "".join(json.dumps(entry) + "\n" for entry in entries)
        subprocess.run([program("make_journal"), state], input=lines, text=True, check=True,
                       env={**os.environ, **SANITIZERS})
        for file in state.iterdir():
            os.chown(file, USER.pw_uid, GROUP.gr_gid)

    def close(self):
        shutil.rmtree(self.home)

    def command(self, *arguments):
        return [str(a) for a in (program("demailctl"), "-c", self.gateway.conf, *arguments)]

    def run(self, *arguments, code=0, **environment):
        """What it prints on standard output."""
        done = run(*self.command(*arguments), env=environment)
        assert done.returncode == code, (done.returncode, done.stderr)
        return done.stdout

    def objects(self, *arguments, **environment):
        return [json.loads(line) for line in self.run(*arguments, **environment).splitlines()]
