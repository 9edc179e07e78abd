drop trigger products_unit_updated;

drop trigger products_unit_inserted;

drop index products_by_unit;

alter table products drop column unit;
