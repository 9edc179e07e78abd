-- One row a person of an app (app) who was erased: the kind and the hash of the subject, and whether it is keyed. Those
-- of what our Postgres hashes come where they are asked for (hashed).
select subject_kind, subject_hash, keyed
from archive.tombstones
where app = %(app)s and (%(hashed)s or subject_kind <> 'hash')
