-- One row a table of an app (app) that keeps rows of erased people for a reason: name, reason, until, people.
select
    names.name, exemption ->> 'reason' as reason, exemption ->> 'until' as until, count(*) as people
from privacy.requests, jsonb_array_elements_text(exemption -> 'names') as names (name)
where app = %(app)s and ended_at is null and origin = 'exemption'
group by names.name, reason, until
order by until, names.name, reason
