-- One row a lead whose phone number was not read since it or the country changed, by id. Parameters: after (an id; null
-- to begin), rows (how many at most).
select id, phone, country
from marketing.leads
where phone is not null and phone_read_at is null and (%(after)s::uuid is null or id > %(after)s::uuid)
order by id
limit %(rows)s
