"""The Nova API-GW: Compute API v2.1 over many sites."""
