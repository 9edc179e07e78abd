-- One row: how many leads have a phone number that nobody has read. Parameters: none.
select count(*) as waiting from marketing.leads where phone is not null and phone_read_at is null
