insert into sessions.windows (day, version, snapshot_id, sequence, tracker, recomputed, built_at)
values (
    %(day)s, %(version)s, %(snapshot_id)s, %(sequence)s, %(tracker)s, %(recomputed)s, %(built_at)s
)
on conflict (day) do update
set version = excluded.version,
    snapshot_id = excluded.snapshot_id,
    sequence = excluded.sequence,
    tracker = excluded.tracker,
    recomputed = excluded.recomputed,
    built_at = excluded.built_at,
    pruned = false
