-- One row a person of an app (app) who was erased: the kind and the hash of the subject, and whether it is keyed.
select subject_kind, subject_hash, keyed
from archive.tombstones
where app = %(app)s
