-- Forgets the sealed values of consignors; refused while there are any.
drop trigger consignors_address_rewritten;

drop index consignors_with_address;

alter table consignors drop column address_encrypted;

drop trigger consignors_phone_rewritten;

drop index consignors_with_phone;

alter table consignors drop column phone_encrypted;
