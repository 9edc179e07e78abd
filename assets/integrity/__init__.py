"""Integrity of the apps' own data: rules that their rows must not break, and full-text indexes that agree with them.

What belongs here: asking the databases, and showing the answers as asset checks. What does not: the rules themselves,
which are data of the apps and SQL under sql/.
"""
