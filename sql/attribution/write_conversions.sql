insert into attribution.conversions (day, org_tag, event, visitor, at, value)
select day, org_tag, event, visitor, at, value
from incoming_conversions i
where not exists (
    select from attribution.conversions c where c.day = i.day and c.org_tag = i.org_tag and c.event = i.event
)
