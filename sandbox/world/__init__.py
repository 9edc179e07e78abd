"""The seeded world behind the sandbox: accounts, what is in them, and what each of their days was worth.

Everything here is a pure function of (seed, first day, moment of observation). What does not belong here: anything
of a wire format, a token or a fault.
"""
