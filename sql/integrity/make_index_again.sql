-- No row: makes a full-text index again from its table.
insert into $index ($index) values ('rebuild')
