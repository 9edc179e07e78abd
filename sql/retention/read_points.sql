-- One row an object of flushed points that was ingested with these bytes: key; held_back says why it stays: it was
-- refused as a whole before such objects were copied to quarantine. ?1: JSON array of [key, etag] pairs.
select
    point_objects.objectKey as key,
    case when exists (
        select 1 from point_quarantine as refused
        where
            refused.sha256 = point_objects.sha256
            and refused.line = 0
            and refused.kept = 0
            and refused.replayedAt is null
    ) then 'refused as a whole, and its only bytes: clearlift quarantine list' end as held_back
from json_each(?1) as listed
inner join point_objects
    on
        point_objects.objectKey = json_extract(listed.value, '$[0]')
        and point_objects.etag = json_extract(listed.value, '$[1]')
