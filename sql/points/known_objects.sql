select point_objects.objectKey, point_objects.etag
from json_each(?1) as asked
inner join point_objects
    on
        point_objects.objectKey = json_extract(asked.value, '$[0]')
        and point_objects.etag = json_extract(asked.value, '$[1]')
