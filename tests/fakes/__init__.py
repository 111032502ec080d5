"""OpenStack in memory, on loopback ports: Keystone, Nova and Cinder with the real shapes, and with faults."""
