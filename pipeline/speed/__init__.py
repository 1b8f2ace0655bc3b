"""How long a picture takes, from the work it needs and this machine's speed."""
