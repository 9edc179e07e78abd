"""Columns whose values were fields of JSON: filled in the rows that were there before them."""
