"""Proof that a person is in no store any more: a search for all that names them, over the bytes of every store.

What belongs here: what is searched for, and where. What does not: who the person is (privacy/identity.py), and erasing.
"""
