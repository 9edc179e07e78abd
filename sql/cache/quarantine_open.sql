-- One row per refused line of an app's access log that was not replayed: of one reason, of one batch (the key of an
-- object, or the start of its checksum), or all. Bytes of objects without a checksum were not kept.
select objects.sha256, refusals.line, refusals.object as object_key, refusals.reason, '' as field
from cache.access_refusals as refusals
join cache.access_objects as objects using (namespace, object)
where
    namespace = %(app)s and objects.sha256 is not null and refusals.replayed_at is null
    and (%(reason)s::text is null or reason = %(reason)s)
    and (%(batch)s::text is null or starts_with(objects.sha256, %(batch)s) or object = %(batch)s)
order by object, line
