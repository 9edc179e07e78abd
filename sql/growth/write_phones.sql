-- Writes what some leads' phone numbers were read as, where number and country are still those that were read.
-- Parameters: ids, phones, countries, numbers (E.164; null where it is no valid one), extensions, now.
update marketing.leads
set
    phone_e164 = incoming.number,
    phone_extension = incoming.extension,
    phone_read_at = %(now)s
from unnest(
    %(ids)s::uuid[], %(phones)s::text[], %(countries)s::text[], %(numbers)s::text[], %(extensions)s::text[]
) as incoming (id, phone, country, number, extension)
where
    leads.id = incoming.id
    and leads.phone = incoming.phone
    and leads.country is not distinct from incoming.country
