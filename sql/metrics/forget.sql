-- Deletes the metrics of the windows ?1 (a JSON array of their starts) that are not kept as they are.
delete from $metrics
where windowStart in (select value from json_each(?1)) and windowStart >= $kept_before
