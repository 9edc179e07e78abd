-- Account days to ask for: never asked, asked while clicks of theirs could still come, or with clicks unknown since.
select u.org_id, u.connection_id, u.account_id, u.day
from attribution.unknown_clicks u
left join attribution.click_days d using (org_id, account_id, day)
where u.day >= %(since)s
  and (
    d.asked_at is null or d.unknown <> u.unknown
    or d.asked_at < (u.day + 2)::timestamp at time zone u.time_zone
  )
order by u.connection_id, u.day
