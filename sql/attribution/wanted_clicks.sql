-- One row is an account day to request: it was never requested, or while clicks of it could still come, or other clicks
-- of it are unknown since. Parameters: app, since (the first day).
select u.org_id, u.connection_id, u.account_id, u.day
from attribution.unknown_clicks u
left join attribution.click_days d using (app, org_id, account_id, day)
where u.app = %(app)s and u.day >= %(since)s
  and (
    d.asked_at is null or d.unknown <> u.unknown
    or d.asked_at < (u.day + 2)::timestamp at time zone u.time_zone
  )
order by u.connection_id, u.day
