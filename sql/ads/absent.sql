-- Makes a table of the window's days that are stored and that the load does not name; one row is an entity's day.
-- is_zero: it is worth nothing, because the report names the entity on another day or says zero, or because the platform
-- still lists the entity. Other days stay.
-- Parameters: app, org_id, platform, account_id and level of the slice, and is_listed (whether the lists
-- are of the same run). Names: the table of the level's facts, its key column.
create temporary table absent on commit drop as
with unnamed as (
    select f.{key} as entity_id, f.date
    from {facts} f
    join window_days w on w.date = f.date
    where f.app = %(app)s and f.org_id = %(org_id)s and f.platform = %(platform)s and f.account_id = %(account_id)s
      and not exists (select from incoming i where i.entity_id = f.{key} and i.date = f.date)
    union
    select c.entity_id, c.date
    from ads.conversions_daily c
    join window_days w on w.date = c.date
    where c.app = %(app)s and c.org_id = %(org_id)s and c.platform = %(platform)s and c.account_id = %(account_id)s
      and c.level = %(level)s
      and not exists (select from incoming i where i.entity_id = c.entity_id and i.date = c.date)
)
select u.entity_id, u.date,
    exists (select from said_zero z where z.entity_id = u.entity_id)
    or exists (select from incoming i where i.entity_id = u.entity_id)
    or %(is_listed)s and exists (
        select from ads.listed_entities e
        where e.app = %(app)s and e.org_id = %(org_id)s and e.level = %(level)s and e.id = u.entity_id
    ) as is_zero
from unnamed u
