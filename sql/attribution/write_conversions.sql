-- Inserts the conversions that the day does not hold yet. Parameter: app.
insert into attribution.conversions (app, day, org_tag, event, visitor, browser, at, value)
select %(app)s, day, org_tag, event, visitor, browser, at, value
from incoming_conversions i
where not exists (
    select from attribution.conversions c
    where c.app = %(app)s and c.day = i.day and c.org_tag = i.org_tag and c.event = i.event
)
