"""Experiments of an app: what each variant brought, and a verdict that may be looked at every day."""
