-- One row: a request of an app (id, kind, origin, hash, sealed, exemption, at); none where it is there already.
insert into privacy.requests (app, id, kind, origin, state, subject_hash, sealed, exemption, received_at, changed_at)
values (
    %(app)s, %(id)s, %(kind)s, %(origin)s, 'received', %(hash)s, %(sealed)s, %(exemption)s::jsonb, %(at)s, %(at)s
)
on conflict (app, id) do nothing
