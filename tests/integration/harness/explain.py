"""demailctl explain, asked about a message as the milter sees it."""

import json


def explain(world, header, sender, login, client, recipients):
    """Its answer. `header`: (name, value) of all fields; the addresses are given as the MTA gives them."""
    arguments = ["-c", world.gateway.conf, "--json", "explain", "--from", sender or "<>", "--sender", f"<{sender}>",
                 "--client", client]
    if login:
        arguments += ["--login", login]
    for recipient in recipients:
        arguments += ["--to", f"<{recipient}>"]
    if not any(name.lower() == "from" for name, _ in header):
        header = [*header, ("From", "")]
    for name, value in header:
        arguments += ["--header", f"{name}: {value}"]
    done = world.gateway.demailctl(*arguments)
    if done.returncode != 0:
        raise AssertionError(f"demailctl explain: {done.returncode} {done.stderr}")
    return json.loads(done.stdout)
