"""A world with tenants of every kind at two providers.

  gemeinde  both directions, provider sandbox           stadt   both directions, provider second
  schule    only sends, provider second                 amt     only receives, provider second
  werke     submits only from the host WERK             kreis   its provider takes nothing any more
"""

from .ports import free_port
from .sandbox import Sandbox
from .world import ACCOUNTS as FIRST_ACCOUNTS
from .world import World

# A client that belongs to the tenant werke.
WERK = "127.0.0.8"

# The citizens have accounts at both providers.
ACCOUNTS = [{**FIRST_ACCOUNTS[0], "account": f"{local}@{name}.de-mail.de", "holder": name,
             "addresses": [f"{local}@{name}.de-mail.de"], "domains": [f"{name}.de-mail.de"]}
            for local, name in (("rathaus", "stadt"), ("sekretariat", "schule"), ("strom", "werke"), ("info", "amt"),
                                ("landrat", "kreis"))]
ACCOUNTS += [a for a in FIRST_ACCOUNTS if not a["domains"]]

SENDERS = """\
@gemeinde.example               all
poststelle@gemeinde.example     all unit=Poststelle
einfach@gemeinde.example        none
vertraulich@gemeinde.example    private,receipt
gesperrt@gemeinde.example       no
@stadt.example                  all
@schule.example                 private
@amt.example                    all
@kreis.example                  all
strom@werke.example             all
"""

# kasse has a pseudonym, extern no De-Mail address at all.
ADDRESSES = """\
chefin@gemeinde.example         leitung@gemeinde.de-mail.de
kasse@gemeinde.example          pn_4711@gemeinde.de-mail.de
extern@gemeinde.example         extern@example.net
"""

SENDER_LOGINS = """\
poststelle@gemeinde.example     erna@gemeinde.example
@stadt.example                  erna@gemeinde.example
strom@werke.example             erna@gemeinde.example
"""


# Sendmail refuses a sender in its own domains who has no mailbox.
MAILBOXES = ["max+akte@gemeinde.example", "kasse@gemeinde.example", "extern@gemeinde.example"]


class TenantsWorld(World):
    """`settings`: of the group [gateway]. The milter logs ordinary mail too."""

    def __init__(self, mta, **settings):
        self.second = None
        self._settings = settings
        super().__init__(mta)

    def _start(self, mta, build):
        def with_more_mailboxes(*arguments):
            *first, mailboxes, aliases = arguments
            return mta(*first, mailboxes + MAILBOXES, aliases)

        super()._start(with_more_mailboxes, build)
        self.second = Sandbox(self.home / "second", self.pki, ACCOUNTS, free_port(), build)
        self.second.name = "second demail-sandbox"
        self.second.start()
        for name, text in (("senders", SENDERS), ("addresses", ADDRESSES), ("sender_logins", SENDER_LOGINS)):
            self.gateway.write_table(name, text)
        self._configure(self.gateway.config)
        self.gateway.trust(self.sandbox, self.second)
        self.gateway.milter.stop()
        self.gateway.milter.command.append("-v")
        self.gateway.start_milter()
        self.gateway.poller.reload("event=reloaded")

    def _configure(self, config):
        config["gateway"].update(trusted_clients=f"127.0.0.1/32;{WERK}/32;::1/128", **self._settings)
        config["provider second"] = {**config["provider sandbox"], "url": self.second.url}
        config["provider ended"] = {**config["provider second"], "send_until": "2020-01-01"}
        stadt = config["tenant stadt"]
        stadt["provider"] = "second"
        for name, local, provider, extra in (("schule", "sekretariat", "second", {"direction": "send"}),
                                             ("amt", "info", "second", {"direction": "receive"}),
                                             ("werke", "strom", "second", {"allowed_clients": WERK}),
                                             ("kreis", "landrat", "ended", {})):
            config[f"tenant {name}"] = {
                **stadt, "provider": provider, "account": f"{local}@{name}.de-mail.de",
                "email_domains": f"{name}.example", "demail_domains": f"{name}.de-mail.de", "poll": "no",
                "catch_all": f"{local}@{name}.example", "bounce_address": f"postmaster@{name}.example", **extra}

    @property
    def providers(self):
        """By name in the configuration: the provider and its account holders."""
        return {"sandbox": (self.sandbox, {a["account"] for a in FIRST_ACCOUNTS}),
                "second": (self.second, {a["account"] for a in ACCOUNTS})}

    @property
    def daemons(self):
        first, last = super().daemons[:-1], super().daemons[-1:]
        return [*first, *([self.second] if self.second else []), *last]
