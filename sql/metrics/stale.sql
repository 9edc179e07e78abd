select windowStart from stale_metrics where grain = ? order by windowStart
