"""How long a picture takes, from its amount of work and this machine's speed."""
