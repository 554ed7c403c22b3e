"""Changes while the daemons run."""

from harness.wait import wait_until

MAX, ERIKA = "max@gemeinde.example", "erika@muster.de-mail.de"


def test_good_configuration_is_put_in_force(own_world, token):
    assert own_world.send(MAX, [ERIKA, "x@example.org"], token).code == 550
    own_world.gateway.config["gateway"]["mixed_addressing"] = "allow"
    own_world.gateway.write_config()
    own_world.gateway.milter.reload("event=reloaded")
    own_world.gateway.poller.reload("event=reloaded")
    assert own_world.send(MAX, [ERIKA, "x@example.org"], token).code == 250
    own_world.sandbox.wait(ERIKA, token.encode())
    wait_until(lambda: own_world.sink.messages(token.encode()), "the e-mail to leave")


def test_bad_configuration_is_logged_and_the_old_one_stays(own_world, token):
    own_world.allow("level=error")
    good = own_world.gateway.conf.read_text()
    own_world.gateway.conf.write_text(good.replace("mixed_addressing =", "mixed_adressing ="))
    for daemon in (own_world.gateway.milter, own_world.gateway.poller):
        lines = daemon.reload("level=error")
        assert any("mixed_adressing" in line and "mixed_addressing" in line for line in lines)
    assert own_world.send(MAX, ERIKA, token).code == 250
    own_world.sandbox.wait(ERIKA, token.encode())


def test_key_that_a_start_refuses_is_refused_by_a_reload(own_world, token):
    own_world.allow("event=reload-refused")
    own_world.gateway.config["provider sandbox"]["client_key"] = f"{own_world.gateway.home}/no.key"
    own_world.gateway.write_config()
    lines = own_world.gateway.poller.reload("event=reload")
    assert any("event=reload-refused" in line and "no.key" in line for line in lines), lines
    assert not any("event=reloaded" in line for line in lines), lines
    assert own_world.send(MAX, ERIKA, token).code == 250
    own_world.sandbox.wait(ERIKA, token.encode())


def test_revoked_sender_is_refused_without_restart(own_world, token):
    assert own_world.send(MAX, ERIKA, token).code == 250
    senders = (own_world.gateway.home / "senders").read_text()
    own_world.gateway.write_table("senders", senders + f"{MAX} no\n")
    answers = own_world.send(MAX, ERIKA, token)
    assert (answers.code, answers.enhanced) == (550, "5.7.1")
    own_world.gateway.write_table("senders", senders)
    assert own_world.send(MAX, ERIKA, token).code == 250


def test_lost_tables(own_world, token):
    own_world.allow("level=error", "level=warning")
    for name in ("senders", "demail_domains"):
        (own_world.gateway.home / f"{name}.demail.lmdb").unlink()
        (own_world.gateway.home / name).rename(own_world.gateway.home / f"{name}.away")
    answers = own_world.send(MAX, ERIKA, token)
    assert 400 <= answers.code < 500, answers
    assert own_world.send(MAX, "x@example.org", token).code == 250
    wait_until(lambda: own_world.sink.messages(token.encode()), "ordinary mail to leave")
    (own_world.gateway.home / "senders.away").rename(own_world.gateway.home / "senders")
    own_world.gateway.write_table("senders", (own_world.gateway.home / "senders").read_text())
    assert own_world.send(MAX, ERIKA, token).code == 250
    own_world.sandbox.wait(ERIKA, token.encode())
