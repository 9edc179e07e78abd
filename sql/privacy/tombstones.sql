-- One row a person of an app (app) who was erased, by the kind and the hash of the subject.
select subject_kind, subject_hash
from archive.tombstones
where app = %(app)s
