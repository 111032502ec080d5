"""What all tests share: real servers, for those that ask."""

pytest_plugins = ["tests.servers.fixtures"]
