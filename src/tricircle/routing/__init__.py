"""Which site holds which resource: store, cache, and the search on a miss."""
