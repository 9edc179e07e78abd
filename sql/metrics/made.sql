-- Deletes the marks of the windows ?1 (a JSON array of their starts) of the grain ?2.
delete from stale_metrics where grain = ?2 and windowStart in (select value from json_each(?1))
