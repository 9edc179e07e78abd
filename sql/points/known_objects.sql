-- One row per object, of those given (?1, JSON: pairs of key and etag), that was ingested.
select point_objects.objectKey, point_objects.etag
from json_each(?1) as listed
inner join point_objects
    on
        point_objects.objectKey = json_extract(listed.value, '$[0]')
        and point_objects.etag = json_extract(listed.value, '$[1]')
