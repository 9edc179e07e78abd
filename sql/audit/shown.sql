-- One row is an entry of the audit trail, the newest first. Parameters, null for all: app, act, work (its beginning),
-- subject (hexadecimal digits), since, until; and most (how many rows).
select seq, at, app, actor, work, act, store, place, columns, rows, encode(subject, 'hex') as subject, hash
from audit.entries
where (%(app)s::text is null or app = %(app)s)
  and (%(act)s::text is null or act = %(act)s)
  and (%(work)s::text is null or starts_with(work, %(work)s))
  and (%(subject)s::text is null or subject = decode(%(subject)s, 'hex'))
  and (%(since)s::timestamptz is null or at >= %(since)s)
  and (%(until)s::timestamptz is null or at < %(until)s)
order by seq desc
limit %(most)s
