-- One row: a tombstone (app, subject_kind, subject_hash) with its keyed hash (keyed) instead.
update archive.tombstones
set subject_hash = %(keyed)s, keyed = true
where app = %(app)s and subject_kind = %(subject_kind)s and subject_hash = %(subject_hash)s and not keyed
