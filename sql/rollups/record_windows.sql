-- Records windows of an app and grain as built: arrays windows and events, one entry a window; org_tag ('' for all
-- organisations), version, snapshot_id, sequence, built_at. Rows stay pending where a later commit wants the window.
insert into rollups.windows (app, grain, window_start, org_tag, version, snapshot_id, sequence, events, built_at)
select %(app)s, %(grain)s, window_start, %(org_tag)s, %(version)s, %(snapshot_id)s, %(sequence)s, events, %(built_at)s
from unnest(%(windows)s::timestamptz[], %(events)s::bigint[]) as built (window_start, events)
on conflict (app, grain, window_start, org_tag) do update
set version = excluded.version,
    snapshot_id = excluded.snapshot_id,
    sequence = excluded.sequence,
    pending = case when windows.wanted > excluded.sequence then windows.pending else 0 end,
    events = excluded.events,
    built_at = excluded.built_at
