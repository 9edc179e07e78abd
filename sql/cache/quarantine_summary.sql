-- One row per reason of an app's refused lines of access logs that were not replayed, the most frequent first.
select reason, '' as field, count(*) as lines, count(distinct object) as batches, min(object) as example
from cache.access_refusals as refusals
join cache.access_objects as objects using (namespace, object)
where namespace = %(app)s and objects.sha256 is not null and refusals.replayed_at is null
group by reason
order by lines desc, reason
