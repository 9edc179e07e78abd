-- One row per gap in the sequence numbers of sessions that had a point since ?1. Numbers start with 1.
-- Recent and whole are reads of the partitions: of the time since ?1, and of all that such a session can reach.
with touched (sessionId) as (
    select distinct sessionId from ($recent) where at >= ?1
),

numbered (sessionId, seq, before) as (
    select
        sessionId,
        seq,
        lag(seq, 1, 0) over (partition by sessionId order by seq)
    from ($whole)
    where sessionId in (select sessionId from touched)
)

select
    sessionId,
    before + 1 as fromSeq,
    seq - 1 as toSeq,
    seq - before - 1 as missing
from numbered
where seq - before > 1
order by missing desc, sessionId, fromSeq
