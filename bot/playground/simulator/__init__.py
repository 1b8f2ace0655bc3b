"""A Discord on this machine: API, gateway, members, faults."""
