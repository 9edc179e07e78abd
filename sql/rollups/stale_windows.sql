-- Windows that changed after they were built, or mean something else by now, with the rows that wait for them; each
-- grain's versions and bounds apart.
select windows.grain, windows.window_start, windows.wanted, windows.pending
from rollups.windows
join unnest(%(grains)s::text[], %(versions)s::integer[], %(since)s::timestamptz[], %(until)s::timestamptz[])
    as bounds (grain, version, since, until) using (grain)
where windows.org_tag = ''
  and (windows.wanted > windows.sequence or (windows.built_at is not null and windows.version <> bounds.version))
  and windows.window_start >= bounds.since
  and windows.window_start <= bounds.until
order by windows.grain, windows.window_start
