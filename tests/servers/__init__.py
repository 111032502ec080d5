"""Real servers for tests: MariaDB, PostgreSQL and RabbitMQ of the Debian packages, on loopback.

They are ordinary processes with data of their own, and leave nothing behind. `fixtures` has what tests ask
for.
"""
