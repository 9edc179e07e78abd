-- One row is a kind of choice of an app's visitors and users, by how it was made. Parameters: app, since, until.
select source, refuses, subject_kind, count(*) as choices
from consent.choices
where app = %(app)s and at >= %(since)s and at < %(until)s
group by source, refuses, subject_kind
order by source, refuses, subject_kind
