select
    userId,
    sessionId,
    exists (select 1 from sessions where id = sessionId) as live
from pruned_sessions
order by userId, sessionId
limit ?
