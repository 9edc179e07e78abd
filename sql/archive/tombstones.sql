select subject_kind, subject_hash
from archive.tombstones
where app = %(app)s
