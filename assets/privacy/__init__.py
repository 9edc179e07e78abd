"""What holds for people who were erased, in all that restores or reads their data.

What belongs here: tombstones. What does not: whose data a store holds (apps/*_personal.py).
"""
