-- One row is a kind of act in the audit trail of an app: how many entries, rows and persons. Runs of the same asset are one.
-- Parameters: app, since, until.
select act, work, store, place, count(*) as entries, sum(rows)::bigint as rows, count(distinct subject) as persons,
    count(distinct actor) as actors
from audit.entries
where app = %(app)s and at >= %(since)s and at < %(until)s
group by act, work, store, place
order by act, work, store, place
