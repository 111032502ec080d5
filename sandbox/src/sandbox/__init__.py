"""A real multi-site OpenStack on one machine: for the demo, the integration tests and the benchmarks."""
