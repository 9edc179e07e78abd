-- One row a source and status of the leads that came in a time, and how many they are. Parameters: since, until.
select first_source as source, status::text as status, count(*) as leads
from marketing.leads
where created_at >= %(since)s and created_at < %(until)s
group by first_source, status
order by first_source, status
