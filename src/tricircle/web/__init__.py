"""What the three web services have in common: request ids, the token check, error bodies, the access log."""
