"""Which site gets a new resource."""
