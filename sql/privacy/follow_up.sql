-- One row: a request (app, id, kind, hash, sealed, plan, exemption, hashes, at) that waits until a time (due), when it
-- erases what another one left; none where it is there already.
insert into privacy.requests (
    app, id, kind, origin, state, subject_hash, sealed, plan, received_at, changed_at, waits_until, exemption,
    exempt_hashes
)
values (
    %(app)s, %(id)s, %(kind)s, 'exemption', 'waiting', %(hash)s, %(sealed)s, %(plan)s::jsonb, %(due)s, %(at)s, %(due)s,
    %(exemption)s::jsonb, %(hashes)s::bytea[]
)
on conflict (app, id) do nothing
