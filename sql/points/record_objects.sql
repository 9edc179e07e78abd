-- Writes down objects (?1, JSON: key, etag, checksum and the four counts) as ingested at ?2.
insert into point_objects (objectKey, etag, sha256, received, stored, doubled, quarantined, ingestedAt)
select
    json_extract(value, '$[0]'),
    json_extract(value, '$[1]'),
    json_extract(value, '$[2]'),
    json_extract(value, '$[3]'),
    json_extract(value, '$[4]'),
    json_extract(value, '$[5]'),
    json_extract(value, '$[6]'),
    ?2
from json_each(?1)
