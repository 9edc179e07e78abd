"""Time series in partitions of D1: which table holds which time, reading over all of them, folding months into years.

What belongs here: the layout of partitions and what changes it. What does not: what the rows mean, and which series an
app has (assets/apps).
"""
