-- One row a lead whose phone number was not read since it or the country changed, or since it went away; by id.
-- Parameters: after (an id; null to begin), rows (how many at most).
select id, phone, country
from marketing.leads
where
    (phone is not null or phone_e164 is not null)
    and phone_read_hash is distinct from md5(coalesce(phone, '') || ':' || coalesce(country, ''))
    and (%(after)s::uuid is null or id > %(after)s::uuid)
order by id
limit %(rows)s
