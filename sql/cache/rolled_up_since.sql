-- One row an organisation of an app whose rows of a day were built after `since` (null: at any time), and when.
select org_tag, built_at
from rollups.windows
where app = %(app)s and grain = 'daily' and window_start = %(day)s and org_tag <> ''
  and (%(since)s::timestamptz is null or built_at > %(since)s)
