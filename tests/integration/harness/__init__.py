"""A De-Mail gateway with all its neighbours on loopback ports: Postfix, provider, Internet."""
