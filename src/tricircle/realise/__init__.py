"""Replicated resources: defined once at the top, and made to exist in the sites."""
