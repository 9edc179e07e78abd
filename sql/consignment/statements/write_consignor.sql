-- One row: the id of the consignor that the caller now is, or stays with changed details.
-- Caller: ?1. Parameters: ?2 name text, ?3 email text, ?4 phone text or null, ?5 address text or null,
-- ?6 preferred_contact text or null, ?7 now text.
insert into consignors (user_id, name, email, phone, address, preferred_contact, created_at, updated_at)
values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7)
on conflict (user_id) do update
set
    name = excluded.name,
    email = excluded.email,
    phone = excluded.phone,
    address = excluded.address,
    phone_encrypted = null,
    address_encrypted = null,
    preferred_contact = excluded.preferred_contact,
    updated_at = excluded.updated_at
returning id
