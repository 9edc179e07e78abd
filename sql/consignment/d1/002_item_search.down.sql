-- The triggers first, because they write to the index.
drop trigger item_search_deleted;

drop trigger item_search_updated;

drop trigger item_search_inserted;

drop table item_search;
