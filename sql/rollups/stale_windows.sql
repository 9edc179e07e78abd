-- One row a stale window of an app: it changed after it was built, or was built by another version; `pending` rows wait
-- for it. Arrays, one entry a grain: grains, versions, and the first and last start of its windows (since, until). Windows
-- that were built after `built_before` (null: whenever) are left out.
select windows.grain, windows.window_start, windows.pending
from rollups.windows
join unnest(%(grains)s::text[], %(versions)s::integer[], %(since)s::timestamptz[], %(until)s::timestamptz[])
    as bounds (grain, version, since, until) using (grain)
where windows.app = %(app)s and windows.org_tag = ''
  and (windows.wanted > windows.sequence or (windows.built_at is not null and windows.version <> bounds.version))
  and windows.window_start >= bounds.since
  and windows.window_start <= bounds.until
  and (%(built_before)s::timestamptz is null or windows.built_at is null or windows.built_at <= %(built_before)s)
order by windows.grain, windows.window_start
