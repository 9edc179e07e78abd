-- One row: the value after which a sequence goes on. Null for `last` is a sequence that gave none, so that `start` is its
-- next value. Parameters: name (its quoted name), last, start, backwards (whether it may give values once more).
with present as (
    select
        seqrelid::regclass as sequence,
        seqincrement > 0 as upwards,
        %(last)s::bigint as wanted,
        case when not %(backwards)s then pg_sequence_last_value(seqrelid) end as given
    from pg_sequence
    where seqrelid = %(name)s::text::regclass
)

select setval(
    sequence,
    coalesce(case when upwards then greatest(wanted, given) else least(wanted, given) end, %(start)s::bigint),
    coalesce(wanted, given) is not null
) as last_value
from present
