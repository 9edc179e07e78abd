-- One row an object of flushed points that was ingested with these bytes: key. ?1: JSON array of [key, etag] pairs.
select point_objects.objectKey as key
from json_each(?1) as listed
inner join point_objects
    on
        point_objects.objectKey = json_extract(listed.value, '$[0]')
        and point_objects.etag = json_extract(listed.value, '$[1]')
