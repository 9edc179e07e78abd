-- One row a touch of an app (app) on a day before `before`: row_id; held_back says why it stays, which is as long as a
-- conversion that is not final may be credited to it. default_days: the window of organisations that chose none.
select
    t.ctid as row_id,
    case
        when exists (
            select
            from attribution.windows w
            where w.app = t.app and not w.pruned and w.day >= t.day and w.day <= t.day + 4 + greatest(
                %(default_days)s::integer,
                (select max(o.window_days) from attribution.organizations o where o.app = %(app)s)
            )
        ) then 'conversions of days that may be credited again need them'
    end as held_back
from attribution.touches as t
where t.app = %(app)s and t.day < %(before)s::date
