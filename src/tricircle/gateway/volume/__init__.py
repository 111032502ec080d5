"""The Cinder API-GW: Block Storage API v3 over many sites."""
