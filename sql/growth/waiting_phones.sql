-- One row: how many leads have a phone number that was not read since it or the country changed. Parameters: none.
select count(*) as waiting
from marketing.leads
where
    (phone is not null or phone_e164 is not null)
    and phone_read_hash is distinct from md5(coalesce(phone, '') || ':' || coalesce(country, ''))
