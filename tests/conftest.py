pytest_plugins = ["tests.support.loopback", "tests.support.openapi"]
