-- One row an app, a kind of line (events, reads of keys) and a reason for which lines of it are refused and not replayed:
-- how many, and since when. The most frequent first.
select quarantine.app, 'events' as kind, quarantine.reason, count(*) as lines, min(runs.started_at) as since
from ingest.quarantine
join ingest.runs using (ingest_id)
where runs.state = 'committed' and quarantine.replayed_at is null and quarantine.replayed_as = ''
group by quarantine.app, quarantine.reason
union all
select refusals.namespace, 'reads of keys', refusals.reason, count(*), min(objects.ingested_at)
from cache.access_refusals as refusals
join cache.access_objects as objects using (namespace, object)
where refusals.replayed_at is null and refusals.replayed_as = ''
group by refusals.namespace, refusals.reason
order by lines desc, app, kind, reason
