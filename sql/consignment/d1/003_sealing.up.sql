-- Columns for sealed values of consignors, and for what an address is found by.
--
-- A sealed value counts while its column in clear is blank. Whoever writes in clear and does not touch the sealed value
-- has it cleared, so that no older value can come back. An index names the rows that are in clear.

alter table consignors add column phone_encrypted text;

create index consignors_with_phone on consignors (id) where phone is not null;

create trigger consignors_phone_rewritten after update of phone on consignors
when new.phone is not old.phone and new.phone_encrypted is not null and new.phone_encrypted is old.phone_encrypted begin
    update consignors set phone_encrypted = null where id = new.id;
end;

alter table consignors add column address_encrypted text;

create index consignors_with_address on consignors (id) where address is not null;

create trigger consignors_address_rewritten after update of address on consignors
when new.address is not old.address and new.address_encrypted is not null and new.address_encrypted is old.address_encrypted begin
    update consignors set address_encrypted = null where id = new.id;
end;
