-- One row: a whole request (app, id, kind, origin, state, why, receipt, exemption), none where it is there already and
-- changed later. subject_hash is in hex, plan and exemption are JSON, received_at, changed_at, waits_until and ended_at
-- are times. What identifies the person (sealed) is null at its end; hashes are of the ids whose rows it leaves.
insert into privacy.requests (
    app, id, kind, origin, state, subject_hash, sealed, plan, received_at, changed_at, waits_until, ended_at, why, receipt,
    exemption, exempt_hashes
)
values (
    %(app)s, %(id)s, %(kind)s, %(origin)s, %(state)s, decode(%(subject_hash)s, 'hex'), %(sealed)s, %(plan)s::jsonb,
    %(received_at)s::timestamptz, %(changed_at)s::timestamptz, %(waits_until)s::timestamptz, %(ended_at)s::timestamptz,
    %(why)s, %(receipt)s, %(exemption)s::jsonb, %(hashes)s::bytea[]
)
on conflict (app, id) do update
set
    state = excluded.state,
    sealed = excluded.sealed,
    changed_at = excluded.changed_at,
    waits_until = excluded.waits_until,
    ended_at = excluded.ended_at,
    why = excluded.why,
    receipt = excluded.receipt,
    exempt_hashes = excluded.exempt_hashes
where requests.changed_at <= excluded.changed_at
