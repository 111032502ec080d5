"""Tricircle: one OpenStack endpoint in front of many OpenStacks."""
