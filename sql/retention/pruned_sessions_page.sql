-- One row a note of a session that was pruned, by its key, at most ?1: whose it was, and whether it is
-- live again. $series: the series whose rows own media.
select
    userId,
    sessionId,
    exists (select 1 from $series where id = sessionId) as live
from pruned_sessions
order by userId, sessionId
limit ?1
