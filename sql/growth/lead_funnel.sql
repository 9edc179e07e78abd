-- One row a source and status of the leads that came in a time, and how many they are. A source is that of the newest
-- capture. Parameters: since, until.
select source, status::text as status, count(*) as leads
from marketing.leads
where created_at >= %(since)s and created_at < %(until)s
group by source, status
order by source, status
