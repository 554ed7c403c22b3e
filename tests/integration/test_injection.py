"""What the MTA refuses or defers when a received De-Mail is injected."""

import pytest

from harness.choosy import Choosy
from harness.ports import free_port
from harness.wait import wait_until

MAX, CATCH_ALL = "max@gemeinde.example", "poststelle@gemeinde.example"
NOBODY, ERIKA = "unbekannt@gemeinde.example", "erika@muster.de-mail.de"


@pytest.mark.only("postfix", "the MTA's injection port is another server here")
def test_good_recipient_gets_one_copy_while_the_catch_all_is_deferred(own_world, token):
    own_world.allow("event=undeliverable", "event=receive-failed")
    port = free_port()
    mta = Choosy(port, {NOBODY: "550 5.1.1 unknown", CATCH_ALL: "452 4.2.2 full"})
    try:
        own_world.gateway.poller.stop()
        own_world.gateway.config["poller"]["inject"] = f"smtp://127.0.0.1:{port}"
        own_world.gateway.write_config()
        own_world.gateway.start_poller()
        own_world.sandbox.send(ERIKA, ["max@gemeinde.de-mail.de", "unbekannt@gemeinde.de-mail.de"], token, "Alle\r\n")
        wait_until(lambda: mta.asked.count(CATCH_ALL) >= 3, "three attempts for the catch-all", 60)
        del mta.replies[CATCH_ALL]
        wait_until(lambda: any(CATCH_ALL in recipients for recipients in mta.taken), "the catch-all's copy", 60)
        wait_until(lambda: not [e for e in own_world.sandbox.entries("max@gemeinde.de-mail.de")
                                if e.get("state") == "new"], "the acknowledgement")
    finally:
        own_world.gateway.poller.stop()
        mta.stop()
    assert sorted(r for recipients in mta.taken for r in recipients) == [MAX, CATCH_ALL]
