"""Retention: deleting what the policy says is to go, where everything that must be true first was proved."""
