-- One row per checksum, of those given (?1, JSON), that an ingested object has.
select value as sha256
from json_each(?1)
where exists (select 1 from point_objects where point_objects.sha256 = json_each.value)
