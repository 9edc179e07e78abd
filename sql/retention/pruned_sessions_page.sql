-- One row a note of a session that was pruned, by its key, at most ?1: whose it was, and whether it is live again.
select
    userId,
    sessionId,
    exists (select 1 from sessions where id = sessionId) as live
from pruned_sessions
order by userId, sessionId
limit ?
