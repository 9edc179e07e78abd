"""Uploaded images: their variants, what is taken out of them, and what is refused."""
