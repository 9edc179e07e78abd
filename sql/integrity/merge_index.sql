-- No row: writes the parts of a full-text index as one, which searches read faster.
insert into $index ($index) values ('optimize')
