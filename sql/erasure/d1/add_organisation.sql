-- Adds the column to a table of requests that was made before people were told apart by their organisation.
alter table erasure_requests add column organisation text
