"""Keeping personal columns sealed: what is in clear is sealed, what is sealed with an old key is sealed again.

What belongs here: the move from clear to sealed, the change of keys, counts of what each key seals, look-ups by
address, opening a row. What does not: which columns are sealed (assets/apps/*_personal.py), keys (resources/keyring).
"""
