"""Uploaded images: making their variants, removing metadata from them, and refusing what must not be shown.

What belongs here: the ledger of uploads, the formats, and what is done about an upload. What does not: where an app's
users upload (assets/apps).
"""
