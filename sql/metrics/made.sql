delete from stale_metrics where grain = ?2 and windowStart in (select value from json_each(?1))
