-- One row a moment at which people of an app were erased: app, erased_at.
select distinct app, erased_at
from archive.tombstones
