-- Marks which conversions count, where that differs: of the alternative names of an action the first that an entity's
-- day has. Where no action is named, all of them count.
-- Parameters: app, org_id, platform, account_id, level (null: all), since and until (null: all days), and of the account's
-- counting: actions, alternatives (the number of the group that each is of), places (each one's rank there), windows
-- (empty: all).
with candidate as (
    select c.level, c.entity_id, c.date, c.action, c.attribution_window, c.label, c.is_counted
    from ads.conversions_daily c
    where c.app = %(app)s and c.org_id = %(org_id)s and c.platform = %(platform)s and c.account_id = %(account_id)s
      and (%(level)s::text is null or c.level = %(level)s)
      and (%(since)s::date is null or c.date between %(since)s and %(until)s)
), named as (
    select c.level, c.entity_id, c.date, c.action, c.attribution_window,
        n.place = min(n.place) over (partition by c.level, c.entity_id, c.date, n.alternative) as is_first
    from candidate c
    join unnest(%(actions)s::text[], %(alternatives)s::integer[], %(places)s::integer[]) as n (action, alternative, place)
        on n.action in (c.action, c.label)
), judged as (
    select level, entity_id, date, action, attribution_window, bool_or(is_first) as is_counted
    from named
    group by level, entity_id, date, action, attribution_window
)
update ads.conversions_daily stored
set is_counted = not stored.is_counted
from candidate c
left join judged j using (level, entity_id, date, action, attribution_window)
where stored.app = %(app)s and stored.org_id = %(org_id)s and stored.level = c.level and stored.entity_id = c.entity_id
  and stored.date = c.date and stored.action = c.action and stored.attribution_window = c.attribution_window
  and stored.is_counted <> (
    coalesce(j.is_counted, cardinality(%(actions)s::text[]) = 0)
    and (cardinality(%(windows)s::text[]) = 0 or c.attribution_window = any(%(windows)s))
  )
