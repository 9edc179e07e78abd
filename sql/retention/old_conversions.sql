-- One row a conversion of an app (app) on a day before `before`: row_id; held_back says why it stays, which is until
-- freeze_attribution.sql found that its day agrees.
select
    t.ctid as row_id,
    case
        when not exists (select from attribution.windows w where w.app = t.app and w.day = t.day and w.pruned)
            then 'their day was not made of all of its events, or does not hold what was written down of it'
    end as held_back
from attribution.conversions as t
where t.app = %(app)s and t.day < %(before)s::date
