-- A product's unit was an attribute; what is asked for often has a column. Rows that are there are filled in small
-- batches by a job that takes only what is null. Whoever still writes the attribute is followed by the triggers; whoever
-- writes the column leaves the attribute out.
alter table products add column unit text;

create index products_by_unit on products (unit, id) where unit is not null;

create trigger products_unit_inserted after insert on products
when json_extract(new.attributes, '$.unit') is not null and new.unit is not json_extract(new.attributes, '$.unit')
begin
    update products set unit = json_extract(new.attributes, '$.unit') where id = new.id;
end;

create trigger products_unit_updated after update of attributes on products
when json_extract(new.attributes, '$.unit') is not null and new.unit is not json_extract(new.attributes, '$.unit')
begin
    update products set unit = json_extract(new.attributes, '$.unit') where id = new.id;
end;
