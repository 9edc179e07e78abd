-- Records what a UTC day's touches and conversions were made from. One row: whether the day is new.
-- Parameters: app, day, version, snapshot_id, sequence, touches, conversions, bots, built_at.
insert into attribution.windows (
    app, day, version, snapshot_id, sequence, types_change, touches, conversions, bots, built_at
)
values (
    %(app)s, %(day)s, %(version)s, %(snapshot_id)s, %(sequence)s,
    (select coalesce(max(types_change), 0) from attribution.organizations where app = %(app)s),
    %(touches)s, %(conversions)s, %(bots)s, %(built_at)s
)
on conflict (app, day) do update
set version = excluded.version,
    snapshot_id = excluded.snapshot_id,
    sequence = excluded.sequence,
    types_change = greatest(windows.types_change, excluded.types_change),
    touches = excluded.touches,
    conversions = excluded.conversions,
    bots = excluded.bots,
    built_at = excluded.built_at,
    pruned = false
returning xmax = 0 as is_new
