"""Rows of any table of any store: read page by page, exact to the type; put, patched and deleted by key.

What belongs here: what each store's values become, and how its rows are read and written. What does not: which rows
are wanted and why; a capability knows that.
"""
