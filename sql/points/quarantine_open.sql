select sha256, line
from point_quarantine
where replayedAt is null and line > 0 and (?1 is null or reason = ?1)
order by sha256, line
limit 20000
