"""Backups of every store, which are proved by restoring them.

A set is one backup of one store: sealed parts and a manifest that is written last. What belongs here: what a set is,
where sets lie, and one method a store. What does not: what a store can do by itself (resources), how long live data is
kept (retention), archives that people read (archive).
"""
