-- One row: the consignor that the caller is; none where they are none yet.
-- Caller: ?1.
select
    id, user_id, name, email, phone, phone_encrypted, address, address_encrypted, preferred_contact, created_at, updated_at
from consignors
where user_id = ?1
