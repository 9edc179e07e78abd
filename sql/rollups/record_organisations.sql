-- Records a day of some organisations of an app (array orgs) as built, with the events that its totals hold: version,
-- snapshot_id, sequence, built_at. Ordered, so that no two transactions wait for each other.
insert into rollups.windows (app, grain, window_start, org_tag, version, snapshot_id, sequence, events, built_at)
select %(app)s, 'daily', %(day)s, built.org_tag, %(version)s, %(snapshot_id)s, %(sequence)s, coalesce(totals.events, 0),
    %(built_at)s
from unnest(%(orgs)s::text[]) as built (org_tag)
left join rollups.daily_totals as totals
    on totals.app = %(app)s and totals.org_tag = built.org_tag
        and totals.day = (%(day)s::timestamptz at time zone 'UTC')::date
order by built.org_tag
on conflict (app, grain, window_start, org_tag) do update
set version = excluded.version,
    snapshot_id = excluded.snapshot_id,
    sequence = excluded.sequence,
    events = excluded.events,
    built_at = excluded.built_at
