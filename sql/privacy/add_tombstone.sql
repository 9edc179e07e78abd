-- One row: the tombstone of a subject of an app (kind, hash, at); none where it has one.
insert into archive.tombstones (app, subject_kind, subject_hash, keyed, erased_at)
values (%(app)s, %(kind)s, %(hash)s, true, %(at)s)
on conflict (app, subject_kind, subject_hash) do nothing
