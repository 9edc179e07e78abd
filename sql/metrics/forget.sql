delete from $metrics
where windowStart in (select value from json_each(?1)) and windowStart >= $kept_before
