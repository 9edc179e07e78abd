-- One row per refused line of an app's access log in one state (`open`, `landing`: its replay has begun, `closed`): of
-- one reason, field, value, batch (its key, its folder, or the start of its checksum) and replay (the folder that it
-- landed in again); null for all. Bytes of objects without a checksum were not kept.
select
    objects.sha256, refusals.line, refusals.object as object_key, refusals.reason, refusals.field, refusals.value,
    refusals.kept, refusals.replayed_as, refusals.replayed_at
from cache.access_refusals as refusals
join cache.access_objects as objects using (namespace, object)
where namespace = %(app)s and objects.sha256 is not null
    and %(state)s = case
        when replayed_at is not null then 'closed' when replayed_as <> '' then 'landing' else 'open'
    end
    and (%(reason)s::text is null or reason = %(reason)s)
    and (%(field)s::text is null or field = %(field)s)
    and (%(value)s::text is null or value = %(value)s)
    and (
        %(batch)s::text is null or starts_with(objects.sha256, %(batch)s) or object = %(batch)s
        or starts_with(object, %(batch)s || '/')
    )
    and (%(replay)s::text is null or replayed_as = %(replay)s)
order by object, line
