"""What a site is: registry, availability zone map, health, endpoints, and the way to call it."""
