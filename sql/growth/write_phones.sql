-- Writes what some leads' phone numbers were read as, and that number and country were read. Of a lead in which they
-- changed meanwhile nothing is written. Parameters: ids, phones, countries, numbers (E.164; null where it is no valid
-- one), extensions.
update marketing.leads
set
    phone_e164 = incoming.number,
    phone_extension = incoming.extension,
    phone_read_hash = md5(coalesce(incoming.phone, '') || ':' || coalesce(incoming.country, ''))
from unnest(
    %(ids)s::uuid[], %(phones)s::text[], %(countries)s::text[], %(numbers)s::text[], %(extensions)s::text[]
) as incoming (id, phone, country, number, extension)
where
    leads.id = incoming.id
    and leads.phone is not distinct from incoming.phone
    and leads.country is not distinct from incoming.country
