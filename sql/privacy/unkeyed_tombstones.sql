-- One row a tombstone that was written before hashes were keyed.
select app, subject_kind, subject_hash
from archive.tombstones
where not keyed
