"""Keystone: who a token is, and the credentials of the top itself."""
