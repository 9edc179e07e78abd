-- No row: compares a full-text index with its table; an error where the two differ.
insert into $index ($index, rank) values ('integrity-check', 1)
