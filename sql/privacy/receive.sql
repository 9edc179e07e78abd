-- One row: a request of an app (id, kind, origin, hash, sealed, at); none where it is there already.
insert into privacy.requests (app, id, kind, origin, state, subject_hash, sealed, received_at, changed_at)
values (%(app)s, %(id)s, %(kind)s, %(origin)s, 'received', %(hash)s, %(sealed)s, %(at)s, %(at)s)
on conflict (app, id) do nothing
