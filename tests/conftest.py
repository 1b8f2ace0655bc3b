pytest_plugins = ["tests.support.loopback"]
