-- One row a table that counts its rows: the largest number that it has given.
select name, seq as number from sqlite_sequence
