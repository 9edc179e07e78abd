select grain, window_start, wanted
from rollups.windows
where org_tag = '' and (wanted > sequence or (built_at is not null and version <> %(version)s))
  and window_start >= %(since)s
  and window_start <= case grain when 'hourly' then %(hours_until)s else %(days_until)s end
order by grain, window_start
