-- Marks which conversions count, where that differs: of the alternative names of an action the first that an entity's
-- day has. Where no action is named, all of them count. The rows to write are found by their whole key out of what was
-- judged, because a constant in it makes the planner expect one row where there are no statistics yet, and judge again
-- for each row.
-- Parameters: app, org_id, platform, account_id, level (null: all), since and until (null: all days), and of the account's
-- counting: actions, alternatives (the number of the group that each is of), places (each one's rank there), windows
-- (empty: all).
with named as (
    select c.app, c.org_id, c.level, c.entity_id, c.date, c.action, c.attribution_window,
        n.place = min(n.place) over (partition by c.level, c.entity_id, c.date, n.alternative) as is_first
    from ads.conversions_daily c
    left join unnest(%(actions)s::text[], %(alternatives)s::integer[], %(places)s::integer[])
        as n (action, alternative, place) on n.action in (c.action, c.label)
    where c.app = %(app)s and c.org_id = %(org_id)s and c.platform = %(platform)s and c.account_id = %(account_id)s
      and (%(level)s::text is null or c.level = %(level)s)
      and (%(since)s::date is null or c.date between %(since)s and %(until)s)
), judged as (
    select app, org_id, level, entity_id, date, action, attribution_window,
        coalesce(bool_or(is_first), cardinality(%(actions)s::text[]) = 0)
        and (cardinality(%(windows)s::text[]) = 0 or attribution_window = any(%(windows)s)) as is_counted
    from named
    group by app, org_id, level, entity_id, date, action, attribution_window
)
update ads.conversions_daily stored
set is_counted = j.is_counted
from judged j
where stored.app = j.app and stored.org_id = j.org_id and stored.level = j.level and stored.entity_id = j.entity_id
  and stored.date = j.date and stored.action = j.action and stored.attribution_window = j.attribution_window
  and stored.is_counted <> j.is_counted
