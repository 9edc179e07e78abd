-- Sequence numbers that are missing in the sessions that had a point since ?1. Numbers begin with 1.
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
