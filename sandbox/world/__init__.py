"""The seeded world behind the sandbox: accounts, their campaigns, and the metrics of each of their days.

Everything here is a pure function of the seed, the first day and the moment of observation. What does not belong here:
wire formats, tokens and faults.
"""
