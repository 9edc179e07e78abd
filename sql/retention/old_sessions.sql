-- One row a session of an app (app) on a day before `before`: row_id; held_back says why it stays, which is until
-- freeze_sessions.sql found that its day agrees.
select
    t.ctid as row_id,
    case
        when not exists (select from sessions.windows w where w.app = t.app and w.day = t.day and w.pruned)
            then 'their day was not made of all of its events, or does not hold what was written down of it'
    end as held_back
from sessions.daily as t
where t.app = %(app)s and t.day < %(before)s::date
