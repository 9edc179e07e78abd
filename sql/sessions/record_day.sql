-- Records one day of an app's sessions as built. Parameters: app, day; version, snapshot_id and sequence of what it was
-- built from; tracker and recomputed, the number of sessions of each origin; built_at.
insert into sessions.windows (app, day, version, snapshot_id, sequence, tracker, recomputed, built_at)
values (
    %(app)s, %(day)s, %(version)s, %(snapshot_id)s, %(sequence)s, %(tracker)s, %(recomputed)s, %(built_at)s
)
on conflict (app, day) do update
set version = excluded.version,
    snapshot_id = excluded.snapshot_id,
    sequence = excluded.sequence,
    tracker = excluded.tracker,
    recomputed = excluded.recomputed,
    built_at = excluded.built_at,
    pruned = false
