"""The API gateway engine: takes a service's table of operations, and serves it over many sites."""
