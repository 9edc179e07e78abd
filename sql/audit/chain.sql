-- One row is an entry of the audit trail, in its order. Parameter: after (the number of the last entry that was read).
select seq, at, app, actor, work, act, store, place, columns, rows, encode(subject, 'hex') as subject, hash
from audit.entries
where seq > %(after)s
order by seq
