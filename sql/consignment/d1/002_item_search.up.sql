-- Words of items, for full-text search. The index holds no text of its own: it is made of inventory_items, and triggers
-- keep it. INSERT OR REPLACE would leave the words of the row that it deletes, because it fires no delete trigger: items
-- are written by upserts. With the index, D1 refuses to export the database; backups read its tables page by page.
create virtual table item_search using fts5 (
    name, description, category, content = 'inventory_items', content_rowid = 'id',
    tokenize = 'unicode61 remove_diacritics 2'
);

create trigger item_search_inserted after insert on inventory_items begin
    insert into item_search (rowid, name, description, category)
    values (new.id, new.name, new.description, new.category);
end;

create trigger item_search_updated after update of id, name, description, category on inventory_items begin
    insert into item_search (item_search, rowid, name, description, category)
    values ('delete', old.id, old.name, old.description, old.category);
    insert into item_search (rowid, name, description, category)
    values (new.id, new.name, new.description, new.category);
end;

create trigger item_search_deleted after delete on inventory_items begin
    insert into item_search (item_search, rowid, name, description, category)
    values ('delete', old.id, old.name, old.description, old.category);
end;

insert into item_search (item_search) values ('rebuild');
