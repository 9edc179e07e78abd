"""Erasing people, and whole organisations, from every store of an app.

What belongs here: requests and their states, whom they mean, the order of the stores, an Eraser a store, the receipt.
What does not: whose data a store holds (apps/*_personal.py), and the search that proves the end (search).
"""
