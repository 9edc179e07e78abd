-- In the order of the references, children first.
drop table inventory_items;

drop table events;

drop table consignors;
