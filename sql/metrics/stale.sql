-- One row a stale window of the grain ?, by time.
select windowStart from stale_metrics where grain = ? order by windowStart
