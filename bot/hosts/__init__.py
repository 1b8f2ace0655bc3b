"""Drawing on other machines, as Ray actors (docs/hosts.md)."""
