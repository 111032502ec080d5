"""The Admin API: sites, the availability zone map, and where a resource is."""
